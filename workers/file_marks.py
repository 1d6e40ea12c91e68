"""The identity of a database file, stored beside it as `.<name>.fleet-id`. For workers.file_homes.

Copies of a file are other files; a file that was moved, or made anew at its place, is the same.
"""

import contextlib
import json
import os
import tempfile
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What lies beside a file: its identity, and where and on which host it was last written."""

    identity: str
    host: str
    path: str
    inode: int = 0  # 0 as long as there is no file


def beside(real: Path) -> Path:
    """Where the mark of a file lies, given its real path."""
    return real.with_name(f".{real.name}.fleet-id")


def read(real: Path, *, host: str, shared: bool) -> Mark | None:
    """The mark of this very file; None if there is none, or if it is that of another one."""
    try:
        fields = json.loads(beside(real).read_text("utf-8"))
        mark = Mark(**{name: fields[name] for name in Mark.__dataclass_fields__})
    except (OSError, ValueError, KeyError, TypeError):
        return None
    inode = inode_of(real)
    same = inode in (0, mark.inode) or mark.path == str(real)
    seen_elsewhere = shared and mark.host != host and Path(mark.path).name == real.name
    return mark if same or seen_elsewhere else None


def inode_of(real: Path) -> int:
    """The number of the file on its disk; 0 where there is none."""
    try:
        return real.stat().st_ino
    except OSError:
        return 0


def fresh(real: Path, host: str, identity: str = "") -> Mark:
    """A mark for the file as it is now."""
    name = identity or uuid.uuid4().hex
    return Mark(identity=name, host=host, path=str(real), inode=inode_of(real))


def write(real: Path, mark: Mark, *, first: bool = False) -> bool:
    """Put the mark beside the file, whole; with `first` only if nobody has put one meanwhile.

    False if it could not be put there, as in a folder that is not ours to write.
    """
    with contextlib.suppress(OSError):
        real.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=real.parent, prefix=".fleet-id-", delete=False
        ) as file:
            json.dump(asdict(mark), file)
        temporary = Path(file.name)
        try:
            temporary.chmod(0o644)
            if first:
                os.link(temporary, beside(real))
            else:
                temporary.replace(beside(real))
            return True
        finally:
            temporary.unlink(missing_ok=True)
    return False
