"""A lone .py file outside of any pipeline is a pipeline of its own, as in Bruin."""

from dataclasses import replace
from pathlib import Path

from assets_parser import definition, discovery
from assets_parser.faults import DefinitionError
from assets_parser.files import read_text
from assets_parser.model import Asset, Pipeline
from assets_parser.pipeline import Loaded
from assets_parser.source import Source


def load(file: Path) -> Loaded:
    """The pipeline of this one file; a header is welcome but not needed.

    Raises DefinitionError if the file cannot be read or its header is wrong.
    """
    root = _root(file)
    path = file.relative_to(root).as_posix()
    asset = definition.parse_file(file, root) or _plain(file, path)
    asset = replace(asset, name=asset.name or file.stem)
    name = f"standalone-python-{file.stem}"
    return Loaded(pipeline=Pipeline(name=name, root=str(root), path=path, assets=(asset,)))


def _root(file: Path) -> Path:
    try:
        return discovery.project_root(file)
    except DefinitionError:  # it belongs to no project: its folder is all there is
        return file.parent


def _plain(file: Path, path: str) -> Asset:
    body = read_text(Source(path), str(file))
    return Asset(name=file.stem, type="python", path=path, body=body, body_path=path, body_line=1)
