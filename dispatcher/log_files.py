"""Log lines of a run, read from the files that workers leave on storage. For follow and `logs`.

Where storage is a folder a worker writes each line there at once; a store by URL has a step's log
once the step has ended, and until then its lines come through the broker (dispatcher.live_logs).
"""

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from workers import storage, stores
from workers.settings import Settings
from workers.stores import Gone, Store

_AT_ONCE = 1 << 20  # bytes
_LOOK = 2.0  # seconds between two looks at a store that is asked over the network


class LogLine(NamedTuple):
    """One line that an asset wrote: the `seq`-th, from 1, of the log of an attempt."""

    asset: str
    step: str
    text: str
    number: int = 0
    seq: int = 0


class Source(Protocol):
    """The log files of one run, wherever they are."""

    def sizes(self, *, fresh: bool) -> Mapping[str, int]:
        """Bytes of each by name; those of a moment ago will do, unless they are to be `fresh`."""

    def read(self, name: str, offset: int) -> bytes:
        """What comes at that offset, not all of a long one; nothing if it was removed."""


@dataclass(frozen=True, slots=True)
class _InFolder:
    folder: Path

    def sizes(self, *, fresh: bool) -> Mapping[str, int]:
        try:
            with os.scandir(self.folder) as found:
                return {entry.name: entry.stat().st_size for entry in found}
        except FileNotFoundError:
            return {}

    def read(self, name: str, offset: int) -> bytes:
        try:
            with (self.folder / name).open("rb") as file:
                file.seek(offset)
                return file.read(_AT_ONCE)
        except FileNotFoundError:
            return b""


@dataclass(slots=True)
class _InStore:
    store: Store
    prefix: str
    _looked: float = 0.0
    _sizes: dict[str, int] = field(default_factory=dict)

    def sizes(self, *, fresh: bool) -> Mapping[str, int]:
        if fresh or not self._looked or time.monotonic() - self._looked > _LOOK:
            found = self.store.list(self.prefix)
            self._sizes = {entry.name.rpartition("/")[2]: entry.bytes for entry in found}
            self._looked = time.monotonic()
        return self._sizes

    def read(self, name: str, offset: int) -> bytes:
        try:
            return self.store.read(f"{self.prefix}/{name}", offset, _AT_ONCE)
        except Gone:
            return b""


@dataclass(slots=True)
class _File:
    asset: str
    step: str
    number: int
    offset: int = 0
    rest: bytes = b""
    seq: int = 0

    def read(self, source: Source, name: str, end: int) -> Iterator[LogLine]:
        """The whole lines that came since the last time, up to a size that was seen."""
        while self.offset < end and (data := source.read(name, self.offset)):
            self.offset += len(data)
            yield from self._lines(data)

    def _lines(self, data: bytes) -> Iterator[LogLine]:
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            self.seq += 1
            text = line.decode("utf-8", "replace").rstrip("\r")
            yield LogLine(self.asset, self.step, text, self.number, self.seq)


@dataclass(slots=True)
class LogFiles:
    """Follows all log files of one run."""

    source: Source
    assets: dict[str, str]  # the start of a file's name: the asset's name
    ended: set[str] = field(default_factory=set)  # assets whose logs are read to their end
    _files: dict[str, _File] = field(default_factory=dict)

    def read(self, *, fresh: bool = False) -> Iterator[LogLine]:
        """Lines that are there now and were not read yet."""
        sizes = self.source.sizes(fresh=fresh)
        for name in sorted(sizes):
            if name not in self._files and (found := self._known(name)):
                self._files[name] = found
            file = self._files.get(name)
            if file is not None and file.asset not in self.ended:
                yield from file.read(self.source, name, sizes[name])

    def close(self, asset: str) -> None:
        """Look no more at the logs of this asset: it is over, and they were read."""
        self.ended.add(asset)

    def _known(self, name: str) -> _File | None:
        stem, step, number, suffix = ("", "", "", *name.rsplit(".", 3))[-4:]
        asset = self.assets.get(stem)
        if asset is None or suffix != "log" or not number.isdigit():
            return None
        return _File(asset, step, int(number))


def of_run(settings: Settings, run_id: str, assets: Iterable[str]) -> LogFiles:
    """The log files of this run's assets."""
    store, prefix = stores.of(settings), f"logs/{storage.file_name(run_id)}"
    local = "://" not in settings.storage
    source: Source = _InFolder(store.folder / prefix) if local else _InStore(store, prefix)
    return LogFiles(source, {storage.file_name(asset): asset for asset in assets})
