"""Which environments there are, how large, and how often each was used. For the store and the row
of the worker that has them."""

import contextlib
import json
from pathlib import Path
from typing import Any

MARKER = "fleet-env.json"
"""The file in an environment that says that it is whole; its time is that of the last use."""

_HITS = "fleet-env.hits"


def count(folder: Path) -> None:
    """Count one use, by a byte: processes that use it at once need no lock for it."""
    with (folder / _HITS).open("ab") as file:
        file.write(b".")


def by_use(root: Path) -> list[tuple[Path, float, int]]:
    """Environments with their last use and size, most recently used first."""
    found = []
    for marker in root.glob(f"*/{MARKER}"):
        with contextlib.suppress(OSError, ValueError):
            size = int(json.loads(marker.read_text("utf-8")).get("bytes", 0))
            found.append((marker.parent, marker.stat().st_mtime, size))
    return sorted(found, key=lambda item: -item[1])


def inventory(root: Path) -> list[dict[str, Any]]:
    """The same for programs: key, bytes, when used last, how often."""
    return [
        {"key": folder.name, "bytes": size, "used_at": used, "hits": _hits(folder)}
        for folder, used, size in by_use(root)
    ]


def _hits(folder: Path) -> int:
    try:
        return (folder / _HITS).stat().st_size
    except FileNotFoundError:
        return 0
