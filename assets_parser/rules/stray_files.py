"""Warnings about the asset folders: there is one, and its YAML files are assets.

A code file that only looks like an asset is warned about where it is read, in definition.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from assets_parser.definition import YAML_SUFFIXES
from assets_parser.discovery import ASSET_FOLDERS, PIPELINE_FILES, asset_files
from assets_parser.faults import Fault, Severity
from assets_parser.model import Pipeline


def check(pipeline: Pipeline) -> Iterator[Fault]:
    """Warnings of YAML files that are no assets, and of a pipeline without an asset folder."""
    file = Path(pipeline.root) / pipeline.path
    if file.name not in PIPELINE_FILES:
        return  # a lone script has no folder of assets
    folder = file.parent
    if not any((folder / name).is_dir() for name in ASSET_FOLDERS):
        yield Fault(
            rule="assets-directory-exist",
            severity=Severity.WARNING,
            file=pipeline.path,
            message="the pipeline has no folder 'assets'",
            hint="put the assets into a folder of that name beside the pipeline file",
        )
    for path in asset_files(str(folder)):
        if path.endswith((".yml", ".yaml")) and not path.endswith(YAML_SUFFIXES):
            yield _plain(Path(os.path.relpath(path, pipeline.root)))


def _plain(file: Path) -> Fault:
    return Fault(
        rule="plain-yaml-files",
        severity=Severity.WARNING,
        file=file.as_posix(),
        line=1,
        message=f"'{file.name}' is not read as an asset",
        hint=f"if it defines one, call it {file.stem}.asset.yml",
    )
