"""A lone .py file outside any pipeline runs as a pipeline of its own, as in Bruin."""

from pathlib import Path

from assets_parser import definition, discovery
from assets_parser.faults import DefinitionError
from assets_parser.model import Asset, Pipeline
from assets_parser.pipeline import Loaded


def load(file: Path) -> Loaded:
    """The one-asset pipeline of this file; a header is welcome but not needed."""
    root = _root(file)
    relative = file.relative_to(root).as_posix()
    asset = definition.parse_file(file, root) or _plain(file, relative)
    pipeline = Pipeline(
        name=f"standalone-python-{file.stem}", root=str(root), path=relative, assets=(asset,)
    )
    return Loaded(pipeline=pipeline)


def _root(file: Path) -> Path:
    try:
        return discovery.project_root(file)
    except DefinitionError:  # it belongs to no project: its folder is all there is
        return file.parent


def _plain(file: Path, relative: str) -> Asset:
    text = file.read_text(encoding="utf-8", errors="replace")
    return Asset(
        name=file.stem, type="python", path=relative, body=text, body_path=relative, body_line=1
    )
