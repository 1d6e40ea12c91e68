"""Storage behind a URL that fsspec understands, S3-compatible stores above all. See workers.stores.

Files are written in a folder of this host and stored by one completed PUT: an object store has no
rename. What other hosts wrote is fetched into the same folder, verified. fsspec is imported here.
"""

import contextlib
import functools
import importlib
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from workers import storage
from workers.stores import FULL, LOOK, Changed, Entry, Gone, Recorded, StorageError, verified

_OUTAGE = 60.0  # seconds for which a store may be away while a file is stored or fetched
_FIRST = 0.5  # seconds until the second try; each further pause is twice as long


class Remote:
    """A Store by URL."""

    def __init__(self, url: str, options: Sequence[str], folder: Path) -> None:
        self.folder = folder
        self.words = shown(url)
        self._url = url
        self._options = parsed(options)

    @functools.cached_property
    def _root(self) -> tuple[Any, str]:
        """The file system and the prefix in it."""
        try:
            core: Any = importlib.import_module("fsspec.core")
        except ImportError as error:
            raise StorageError(self.words, "fsspec is not installed: pip install s3fs") from error
        try:
            files, root = core.url_to_fs(self._url, use_listings_cache=False, **self._options)
            return files, str(root)
        except ImportError as error:  # of the driver for this scheme
            raise StorageError(self.words, str(error)) from error

    def publish(self, aside: Path, name: str) -> Path:
        """Rename it here, then store it."""
        path = storage.inside(self.folder, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(aside, path)
        self._put(path, name)
        return path

    def keep(self, name: str) -> None:
        """Store the whole file, after what another host had appended to it before."""
        path = storage.inside(self.folder, name)
        if not path.exists():
            return
        earlier = path.with_name(f".{path.name}.earlier")
        if self.size(name) is not None:  # a step that waited somewhere else in between
            self._get(name, earlier)
            with earlier.open("ab") as whole, path.open("rb") as more:
                shutil.copyfileobj(more, whole)
            earlier.replace(path)
        self._put(path, name)
        path.unlink()

    def fetch(
        self, file: Recorded, patience: float = 0.0, stopped: Callable[[], object] = lambda: None
    ) -> Path:
        """The copy of this host, fetched if there is none."""
        path = storage.inside(self.folder, file.name)
        if path.exists():
            try:
                return verified(self.words, path, file)
            except (Gone, Changed):
                path.unlink(missing_ok=True)  # somebody cut it short: storage has the real one
        until = time.monotonic() + patience
        while True:
            try:
                return self._fetched(file, path)
            except Gone:
                if time.monotonic() >= until or stopped():
                    raise
                time.sleep(LOOK)

    def _fetched(self, file: Recorded, path: Path) -> Path:
        with self._said():
            files, _ = self._root
            try:
                size = int(self._again(lambda: files.info(self._path(file.name)))["size"])
            except FileNotFoundError:
                raise Gone(self.words, f"there is no {file.name}") from None
        if size != file.bytes:  # before a fetch: it could fill this host's disk
            said = f"{file.name} has {size} bytes, {file.bytes} were recorded"
            raise Changed(self.words, said)
        with storage.write_aside(path) as aside:
            self._get(file.name, aside)
            verified(self.words, aside, file)
        return path

    def size(self, name: str) -> int | None:
        """As the store says."""
        with self._said():
            files, _ = self._root
            try:
                return int(files.info(self._path(name))["size"])
            except FileNotFoundError:
                return None

    def read(self, name: str, offset: int, most: int) -> bytes:
        """By a request for this range."""
        with self._said():
            files, _ = self._root
            return bytes(files.cat_file(self._path(name), start=offset, end=offset + most))

    def create(self, name: str) -> bool:
        """By a conditional PUT, which S3 and its like decide themselves."""
        with self._said():
            files, _ = self._root
            try:
                files.pipe_file(self._path(name), b"", mode="create")
            except FileExistsError:
                return False
        return True

    def delete(self, name: str) -> None:
        """Here too."""
        storage.inside(self.folder, name).unlink(missing_ok=True)
        with self._said():
            files, _ = self._root
            try:
                files.rm_file(self._path(name))
            except FileNotFoundError:
                return

    def list(self, folder: str) -> Iterator[Entry]:
        """All objects below a prefix."""
        with self._said():
            files, root = self._root
            try:
                found = files.find(self._path(folder), detail=True)
            except FileNotFoundError:
                return
        for path, facts in sorted(found.items()):
            if facts["type"] != "file":  # the prefix itself: its first object came meanwhile
                continue
            changed = facts.get("LastModified") or facts.get("mtime") or facts.get("created")
            moment = changed.timestamp() if hasattr(changed, "timestamp") else float(changed or 0)
            name = path.removeprefix(root.rstrip("/") + "/")
            yield Entry(name=name, bytes=int(facts["size"]), changed=moment)

    def _path(self, name: str) -> str:
        storage.inside(self.folder, name)
        return f"{self._root[1].rstrip('/')}/{name}"

    def _put(self, path: Path, name: str) -> None:
        with self._said():
            files, _ = self._root
            self._again(lambda: files.put_file(str(path), self._path(name)))

    def _get(self, name: str, path: Path) -> None:
        with self._said():
            files, _ = self._root
            self._again(lambda: files.get_file(self._path(name), str(path)))

    @staticmethod
    def _again(act: Callable[[], Any]) -> Any:
        """An hour's work is not lost to a minute's outage; what is refused is refused at once."""
        until, pause = time.monotonic() + _OUTAGE, _FIRST
        while True:
            try:
                return act()
            except (FileNotFoundError, PermissionError):
                raise
            except Exception as error:  # each store raises its own kinds
                full = isinstance(error, OSError) and error.errno in FULL
                if full or time.monotonic() + pause > until:
                    raise
            time.sleep(pause)
            pause *= 2

    @contextlib.contextmanager
    def _said(self) -> Iterator[None]:
        try:
            yield
        except StorageError:
            raise
        except FileNotFoundError as error:
            raise Gone(self.words, error) from error
        except Exception as error:  # each store raises its own kinds
            raise StorageError(self.words, error) from error


def foresee(url: str) -> None:
    """Import the driver, which takes a second; that there is none is told when it is needed."""
    with contextlib.suppress(ImportError, ValueError):
        fsspec: Any = importlib.import_module("fsspec")
        fsspec.get_filesystem_class(urlsplit(url).scheme)


def parsed(options: Sequence[str]) -> Mapping[str, Any]:
    """`["anon=true", "client_kwargs.region_name=x"]` as the arguments of a file system."""
    made: dict[str, Any] = {}
    for option in options:
        key, _, value = option.partition("=")
        *outer, last = key.strip().split(".")
        place = functools.reduce(lambda inner, name: inner.setdefault(name, {}), outer, made)
        place[last] = {"true": True, "false": False}.get(value.strip().lower(), value.strip())
    return made


def shown(url: str) -> str:
    """The URL without what may be a password in it."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
