"""A small disk that can be full."""

import contextlib
import subprocess
from pathlib import Path


class Disk:
    """A file system of so many bytes at `path`, if any are said."""

    def __init__(self, path: Path, size: int) -> None:
        self._path, self._mounted = path, bool(size)
        if size:
            path.mkdir()
            argv = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(path)]
            subprocess.run(argv, check=True)

    def fill(self, full: bool) -> None:
        """Leave no byte free, or make room again."""
        ballast = self._path / "ballast"
        if not full:
            ballast.unlink()
            return
        with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
            while file.write(bytes(1 << 16)):
                pass

    def close(self) -> None:
        """Remove it."""
        if self._mounted:
            subprocess.run(["umount", "--lazy", str(self._path)], check=True)
            self._mounted = False
