"""Rules about the folders of a pipeline: assets are where they are looked for.

Files that only look like assets are warned about where they are read, in definition and pipeline.
"""

# paths are text here: a thousand Path objects cost more than reading the files
# ruff: noqa: PTH118

import os
from collections.abc import Iterator
from pathlib import Path

from assets_parser import header
from assets_parser.definition import CODE_SUFFIXES, YAML_SUFFIXES
from assets_parser.discovery import ASSET_FOLDERS, PIPELINE_FILES, SKIPPED
from assets_parser.faults import DefinitionError, Fault, Severity
from assets_parser.files import read_text
from assets_parser.model import Pipeline
from assets_parser.rules.places import at_pipeline
from assets_parser.source import Source

_FOREIGN = frozenset((".git", "node_modules", ".venv", "venv", "vendor", "dbt_packages"))
_MOST = 100  # files of one skipped folder that are looked at


def check(pipeline: Pipeline) -> Iterator[Fault]:
    """A warning if the pipeline has no asset folder; a lone script needs none."""
    file = Path(pipeline.root) / pipeline.path
    if file.name in PIPELINE_FILES and not any((file.parent / n).is_dir() for n in ASSET_FOLDERS):
        yield at_pipeline(
            pipeline,
            "assets-directory-exist",
            "the pipeline has no folder 'assets'",
            hint="put the assets into a folder of that name beside the pipeline file",
            severity=Severity.WARNING,
        )


def check_skipped(pipeline: Pipeline) -> Iterator[Fault]:
    """Warnings about assets in folders that are passed over because of their names."""
    file = Path(pipeline.root) / pipeline.path
    if file.name not in PIPELINE_FILES:
        return
    for name in ASSET_FOLDERS:
        for folder in _skipped(str(file.parent / name)):
            if found := _asset_in(folder):
                place = os.path.relpath(found, pipeline.root).replace(os.sep, "/")
                yield Fault(
                    rule="skipped-folder",
                    message=f"assets in a folder '{os.path.basename(folder)}' are not read",  # noqa: PTH119
                    hint="give the folder another name",
                    file=place,
                    line=1,
                    severity=Severity.WARNING,
                )


def _skipped(top: str) -> Iterator[str]:
    """The folders below that a walk passes over and that may hold a person's own files."""
    for folder, names, _files in os.walk(top):
        yield from (os.path.join(folder, n) for n in sorted(names) if n in SKIPPED - _FOREIGN)
        names[:] = sorted(name for name in names if name not in SKIPPED)


def _asset_in(top: str) -> str:
    """The first asset found in the folder; empty if there is none among its first files."""
    looked = 0
    for folder, names, files in os.walk(top):
        names[:] = sorted(name for name in names if name not in SKIPPED)
        for name in sorted(files):
            path = os.path.join(folder, name)
            looked += 1
            if looked > _MOST:
                return ""
            if name.endswith(YAML_SUFFIXES) or (name.endswith(CODE_SUFFIXES) and _defines(path)):
                return path
    return ""


def _defines(path: str) -> bool:
    try:
        return header.find(read_text(Source(path), path)) is not None
    except DefinitionError:
        return False  # what cannot be read is no asset
