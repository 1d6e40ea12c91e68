"""Lays the files of a recorded case out in a fresh project root."""

from collections.abc import Mapping
from pathlib import Path


def lay_out(files: Mapping[str, str], root: Path) -> Path:
    """Write the texts without changing line ends; an empty `.git` makes the folder a root."""
    (root / ".git").mkdir()
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8"))
    return root
