"""Rules about what a Python asset runs in: its pyproject.toml can be read, its Python is one."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

from assets_parser import python_version, requirements
from assets_parser.faults import DefinitionError, Fault
from assets_parser.model import Pipeline
from assets_parser.rules.places import at_asset
from assets_parser.rules.types import PYTHON


def check(pipeline: Pipeline) -> Iterator[Fault]:
    """Faults of files that name packages, each once, and of images that name no Python."""
    root = Path(pipeline.root)
    wanted: dict[str, str] = {}  # what each folder asks for
    for asset in pipeline.assets:
        if asset.type not in PYTHON:
            continue
        path = asset.body_path or asset.path
        folder = path.rpartition("/")[0]
        if folder not in wanted:
            wanted[folder] = ""
            try:
                wanted[folder] = _requires(root, path)
            except DefinitionError as error:
                yield from (dataclasses.replace(f, asset=asset.name) for f in error.faults)
        try:
            python_version.choose(asset.image, wanted[folder])
        except ValueError as error:
            yield at_asset(asset, "python-version", str(error), field="image")


def _requires(root: Path, path: str) -> str:
    return requirements.requires_python(requirements.find(root / path, root), root)
