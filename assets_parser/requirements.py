"""Finds the file that names an asset's packages, as Bruin does. The plan calls it."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from assets_parser.faults import DefinitionError, Fault
from assets_parser.model import Asset
from assets_parser.spec import Requirements

_INLINE = re.compile(r"^# /// script\s*$", re.MULTILINE)


def find(path: Path, root: Path) -> Requirements | None:
    """The requirements of the asset in file `path`, from its folder up to the project root.

    The closest requirements.txt wins; only if there is none at any level, the closest
    pyproject.toml that has a [project] table. DefinitionError if that file cannot be read.
    """
    folders = list(_folders(path.parent, root))
    for folder in folders:
        if (folder / "requirements.txt").is_file():
            return Requirements(
                kind="requirements", path=_relative(folder / "requirements.txt", root)
            )
    for folder in folders:
        file = folder / "pyproject.toml"
        if file.is_file() and "project" in _toml(file, root):
            return Requirements(kind="pyproject", path=_relative(file, root))
    return None


def requires_python(requirements: Requirements | None, root: Path) -> str:
    """The `requires-python` of a pyproject.toml, or empty. DefinitionError if unreadable."""
    if requirements is None or requirements.kind != "pyproject":
        return ""
    project = _toml(root / requirements.path, root).get("project")
    wanted = project.get("requires-python", "") if isinstance(project, dict) else ""
    return wanted if isinstance(wanted, str) else ""


def inline_notice(asset: Asset) -> str:
    """What to say of packages that a script lists in itself (PEP 723): nobody reads them."""
    if asset.type == "r" or not _INLINE.search(asset.body):
        return ""
    return "its `# /// script` block has no effect, as in Bruin: use a requirements.txt beside it"


def _folders(folder: Path, root: Path) -> Iterator[Path]:
    yield folder
    if folder != root and root in folder.parents:
        yield from _folders(folder.parent, root)


def _relative(file: Path, root: Path) -> str:
    return file.relative_to(root).as_posix() if file.is_relative_to(root) else file.as_posix()


def _toml(file: Path, root: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        fault = Fault(
            rule="pyproject", file=_relative(file, root), message=f"cannot be read: {error}"
        )
        raise DefinitionError([fault]) from error
