"""Log lines of a run, read from the files that workers write on storage. For follow and `logs`.

A worker whose storage we share writes each line at once, so nothing can be missed here; fleets on
other hosts are followed through the broker instead (workers.livelog.Follower).
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from workers import storage

_AT_ONCE = 1 << 20  # bytes


class LogLine(NamedTuple):
    """One line that an asset wrote."""

    asset: str
    step: str
    text: str


@dataclass(slots=True)
class _File:
    asset: str
    step: str
    path: Path
    offset: int = 0
    rest: bytes = b""

    def read(self) -> Iterator[LogLine]:
        """The whole lines that came since the last time."""
        with self.path.open("rb") as file:
            end = os.fstat(file.fileno()).st_size  # an asset may write faster than we read
            file.seek(self.offset)
            while self.offset < end and (data := file.read(_AT_ONCE)):
                self.offset += len(data)
                yield from self._lines(data)

    def _lines(self, data: bytes) -> Iterator[LogLine]:
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            yield LogLine(self.asset, self.step, line.decode("utf-8", "replace").rstrip("\r"))


@dataclass(slots=True)
class LogFiles:
    """Follows all log files of one run."""

    folder: Path
    assets: dict[str, str]  # the start of a file's name: the asset's name
    ended: set[str] = field(default_factory=set)  # assets whose logs are read to their end
    _files: dict[str, _File] = field(default_factory=dict)

    def read(self) -> Iterator[LogLine]:
        """Lines that are there now and were not read yet."""
        self._look()
        for name in sorted(self._files):
            file = self._files[name]
            if file.asset not in self.ended:
                yield from file.read()

    def close(self, asset: str) -> None:
        """Look no more at the logs of this asset: it is over, and they were read."""
        self.ended.add(asset)

    def _look(self) -> None:
        if not self.folder.is_dir():
            return
        for path in self.folder.iterdir():
            if path.name not in self._files and (found := self._known(path)):
                self._files[path.name] = found

    def _known(self, path: Path) -> _File | None:
        stem, step, number, suffix = ("", *path.name.rsplit(".", 3))[-4:]
        asset = self.assets.get(stem)
        if asset is None or suffix != "log" or not number.isdigit():
            return None
        return _File(asset, step, path)


def of_run(storage_path: Path, run_id: str, assets: Iterable[str]) -> LogFiles:
    """The log files of this run's assets."""
    folder = storage_path / "logs" / storage.file_name(run_id)
    return LogFiles(folder, {storage.file_name(asset): asset for asset in assets})
