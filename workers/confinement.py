"""What an asset's process may not do: be this worker's user, use more than its share, come back.

workers.asset_process gives the order to the guardian, which carries it out between fork and exec.
With `asset_user` the fleet's home is closed to that user but for what assets need; without it an
asset may read whatever the worker reads, see docs/security.md.
"""

import contextlib
import os
import pwd
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workers.settings import Settings, SettingsError

_OPEN = frozenset({"envs", "jobs", "work"})  # of the home: what the asset user may pass through
_PASS, _READ = 1, 4  # bits of a mode
_LIMITS = {"DATA": "asset_memory", "NPROC": "asset_processes", "FSIZE": "asset_file_size"}
_TOLD = {
    "MemoryError": ("asset_memory", "memory for each process", 1_000_000, "MB"),
    "BlockingIOError": ("asset_processes", "processes and threads", 1, ""),
    "RuntimeError: can't start new thread": ("asset_processes", "processes and threads", 1, ""),
    "OSError: [Errno 27]": ("asset_file_size", "a file", 1_000_000, "MB"),
}


class NotRegular(OSError):
    """What an asset left is no regular file of a reasonable size."""


def order(settings: Settings) -> dict[str, Any]:
    """What the guardian is told to do before it runs an asset."""
    limits = [(name, getattr(settings, key)) for name, key in _LIMITS.items()]
    found: dict[str, Any] = {"limits": [[name, most] for name, most in limits if most]}
    if settings.asset_user:
        entry = _entry(settings.asset_user)
        groups = os.getgrouplist(entry.pw_name, entry.pw_gid)
        found["user"] = [entry.pw_uid, entry.pw_gid, groups]
    return found


def check(settings: Settings) -> None:
    """SettingsError if this process may not run assets as `asset_user`."""
    if not settings.asset_user:
        return
    entry = _entry(settings.asset_user)
    if os.geteuid() != 0:
        raise SettingsError(
            f"asset_user = {settings.asset_user!r}: only a worker that root starts can run assets"
            " as another user; start it as root, or leave asset_user empty"
        )
    if entry.pw_uid == 0:
        raise SettingsError("asset_user: root would not be another user")
    for path in (settings.home.parent, Path(__file__).parent / "inside"):
        if closed := _closed(entry, path):
            raise SettingsError(
                f"asset_user = {entry.pw_name!r}: it may not pass through {closed}, which leads to"
                f" {path}; set `home`, and install fleet, where it may"
            )
    for what in ("storage", "connections"):
        place = Path(getattr(settings, what))
        if getattr(settings, what) and place.exists() and not _closed(entry, place, _READ):
            raise SettingsError(
                f"asset_user = {entry.pw_name!r}: it may read {what}, {place}; close it to others"
                f" (chmod o-rwx {place})"
            )


def prepare(settings: Settings) -> None:
    """At a worker's start: check, and close the home to the user but for what assets need."""
    check(settings)
    if not settings.asset_user:
        return
    home = settings.home
    for folder in (settings.run_dir, settings.logs, settings.storage_path, home / "jobs"):
        folder.mkdir(parents=True, exist_ok=True)
    for path in home.iterdir():
        if not path.is_symlink():
            path.chmod(0o711 if path.name in _OPEN else stat.S_IMODE(path.stat().st_mode) & 0o700)
    home.chmod(0o711)


def may_run(settings: Settings, program: Path) -> bool:
    """Whether the user that assets run as may run a program, such as a Python."""
    return not settings.asset_user or _closed(_entry(settings.asset_user), program) is None


@contextlib.contextmanager
def scratch(settings: Settings) -> Iterator[Path]:
    """A folder for what worker and process tell each other; the worker's until it is given."""
    parent = settings.home / "jobs" if settings.asset_user else settings.run_dir
    parent.mkdir(parents=True, exist_ok=True, mode=0o711 if settings.asset_user else 0o700)
    with tempfile.TemporaryDirectory(prefix="asset-", dir=parent) as name:
        yield Path(name)


def environment(settings: Settings, folder: Path) -> dict[str, str]:
    """What is another user's: a home and a place for temporary files, gone with the attempt."""
    if not settings.asset_user:
        return {}
    name = settings.asset_user
    for part in ("home", "tmp"):
        (folder / part).mkdir(mode=0o700)
    return {
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "USER": name,
        "LOGNAME": name,
    }


def give(settings: Settings, folder: Path) -> None:
    """Make a folder, with all in it, the asset user's."""
    if settings.asset_user:
        entry = _entry(settings.asset_user)
        _own(folder, entry.pw_uid, entry.pw_gid)


def give_copy(settings: Settings, project: Path) -> None:
    """The same for a run's working copy, by the first of its steps; not for a project in place."""
    if not settings.asset_user or settings.work not in project.parents:
        return
    copy = settings.work / project.relative_to(settings.work).parts[0]
    if copy.stat().st_uid != _entry(settings.asset_user).pw_uid:
        copy.parent.chmod(0o711)
        give(settings, copy)


def take_back(settings: Settings, folder: Path) -> None:
    """Nobody but the worker changes names in the folder from now on."""
    if settings.asset_user:
        os.chown(folder, os.geteuid(), os.getegid(), follow_symlinks=False)


def read_regular(path: Path, most: int) -> bytes:
    """What an asset wrote, without following a link or waiting for a pipe. FileNotFoundError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1 or found.st_size > most:
            raise NotRegular(f"{path.name} is no regular file of at most {most:,} bytes")
        return file.read(most)


def hint(settings: Settings, message: str) -> str:
    """Which limit an error of the asset speaks of; empty if none that is set."""
    for begin, (key, what, unit, sign) in _TOLD.items():
        most = getattr(settings, key)
        if message.startswith(begin) and most:
            return f"this worker allows {what} {most / unit:g} {sign}".rstrip() + f" ({key})"
    return ""


def _closed(entry: pwd.struct_passwd, path: Path, right: int = _PASS) -> Path | None:
    """The first that the user may not pass through on the way to a path, or use itself."""
    groups = os.getgrouplist(entry.pw_name, entry.pw_gid)
    for place in (path.resolve(), *path.resolve().parents):
        found = place.stat()
        theirs = 6 if found.st_uid == entry.pw_uid else 3 if found.st_gid in groups else 0
        if not found.st_mode >> theirs & right:
            return place
        right = _PASS
    return None


def _own(folder: Path, uid: int, gid: int) -> None:
    for _, names, files, handle in os.fwalk(folder, topdown=False):
        for name in (*names, *files):
            os.chown(name, uid, gid, dir_fd=handle, follow_symlinks=False)
    os.chown(folder, uid, gid, follow_symlinks=False)


def _entry(name: str) -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        raise SettingsError(f"asset_user: this host has no user {name!r}") from None
