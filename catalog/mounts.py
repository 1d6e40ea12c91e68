"""Which file system a path lies on. catalog.engine and workers.file_homes ask.

Databases in files need locks and shared memory that file systems of a network do not give.
"""

import os
import re
from pathlib import Path

TABLE = Path("/proc/self/mountinfo")
NETWORK = frozenset(
    {
        *("nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "glusterfs", "lustre", "gpfs"),
        *("beegfs", "fuse.sshfs", "fuse.glusterfs", "fuse.ceph", "fuse.s3fs", "fuse.rclone"),
        *("fuse.gcsfuse", "fuse.mount-s3", "fuse.juicefs", "davfs"),
    }
)
_ESCAPE = re.compile(r"\\([0-7]{3})")


def network(path: Path) -> str:
    """The type of the network file system that `path` is on or will be, such as `nfs4`.

    Empty for a disk of this host, and where the system does not tell (no Linux).
    """
    try:
        table = TABLE.read_text("utf-8", errors="surrogateescape")
    except OSError:
        return ""
    kind = type_of(os.path.realpath(path), table)
    return kind if kind in NETWORK else ""


def type_of(real: str, table: str) -> str:
    """The type of what is mounted where a real path lies, by the text of mountinfo."""
    best, kind = -1, ""
    for line in table.splitlines():
        mount, _, rest = line.partition(" - ")
        fields = mount.split(" ")
        if len(fields) < 5 or not rest:
            continue
        point = _ESCAPE.sub(lambda found: chr(int(found[1], 8)), fields[4])
        inside = real == point or real.startswith(point.rstrip("/") + "/")
        if inside and len(point) >= best:  # what is mounted later covers what was
            best, kind = len(point), rest.split(" ", 1)[0]
    return kind
