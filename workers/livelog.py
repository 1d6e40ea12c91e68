"""The log of a step: a file on storage that keeps all, a broker stream for those who follow now.

Where storage is a folder, lines are appended there; where it is a URL, to a file of this host that
is stored when the step ends.
workers.steps opens a LiveLog for each step; the CLI reads with `follow`. The stream is bounded and
may lose lines (a broker that is away, a reader that is slow): numbers of lines show the gap.
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from workers import storage, stores
from workers.settings import Settings
from workers.stores import StorageError

if TYPE_CHECKING:
    from redis import Redis

logger = logging.getLogger(__name__)

_FLUSH = 0.05  # seconds that a line may wait for others
_BATCH = 100  # lines of one stream entry
_BACKLOG = 2_000  # lines that wait for the broker; older ones are dropped from the stream only
_LONGEST = 16_384  # characters of a line in the stream; the file has all of it
_KEEP = 86_400  # seconds that a stream outlives its last line
_RETRY = 2.0  # seconds without a try after the broker failed


class Line(NamedTuple):
    """One line as a follower sees it; `missed` lines before it are in the file only."""

    asset: str
    step: str
    number: int
    seq: int
    text: str
    missed: int = 0


def stream_name(fleet: str, run_id: str) -> str:
    """Key of a run's stream at the broker."""
    return f"{fleet}:log:{run_id}"


def client(settings: Settings) -> "Redis":
    """A connection for log streams: short timeouts, for it never may hold an asset up."""
    import redis  # noqa: PLC0415 - readers of log files need none

    return redis.Redis.from_url(
        settings.broker, socket_timeout=5, socket_connect_timeout=1, decode_responses=True
    )


class LiveLog:
    """Writes the lines of one step. Safe to use from several threads; close it at the end.

    Raises StorageError where no more can be written. `keep` stores the whole file at the end.
    """

    def __init__(
        self,
        path: Path,
        stream: "Stream | None" = None,
        clean: Callable[[str], str] = lambda text: text,
        keep: Callable[[], object] = lambda: None,
    ) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file = path.open("a", encoding="utf-8", errors="backslashreplace", buffering=1)
        self._stream = stream
        self._clean = clean
        self._keep = keep
        self._lock = threading.Lock()

    def line(self, text: str) -> None:
        """Write one line, without its end; a text of several lines becomes several."""
        with self._lock:
            for part in self._clean(text).split("\n"):
                self._write(part + "\n")
                if self._stream is not None:
                    self._stream.add(part)

    def _write(self, text: str) -> None:
        try:
            self._file.write(text)
        except OSError as error:
            raise StorageError(str(self.path.parent), error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._stream is not None:
            self._stream.close()
        try:
            self._file.close()
        finally:
            self._keep()


class Stream:
    """The broker's side of one step's log: lines leave in batches, from a thread of their own."""

    def __init__(self, redis: "Redis", key: str, where: tuple[str, str, int], lines: int) -> None:
        self._redis = redis
        self._key = key
        self._head = dict(zip(("asset", "step", "number"), where, strict=True))
        self._entries = max(lines // 10, 10)  # an entry holds several lines when they come quickly
        self._waiting: list[tuple[int, str]] = []
        self._seq = 0
        self._wake = threading.Condition()
        self._closed = False
        self._rest_until = 0.0
        self._thread: threading.Thread | None = None

    def add(self, text: str) -> None:
        """Take one line; never blocks on the broker."""
        with self._wake:
            self._seq += 1
            self._waiting.append((self._seq, text[:_LONGEST]))
            del self._waiting[:-_BACKLOG]
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="log-stream", daemon=True)
                self._thread.start()
            self._wake.notify()

    def close(self) -> None:
        """Send what waits and end; a broker that does not answer gets some seconds only."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join(timeout=7)

    def _run(self) -> None:
        closed = False
        while not closed:
            with self._wake:
                self._wake.wait_for(lambda: self._closed or bool(self._waiting))
                self._wake.wait_for(lambda: self._closed, timeout=_FLUSH)
                lines, self._waiting = self._waiting, []
                closed = self._closed
            self._send(lines)

    def _send(self, lines: list[tuple[int, str]]) -> None:
        import redis  # noqa: PLC0415 - loaded with the client already

        if not lines or time.monotonic() < self._rest_until:
            return
        pipe = self._redis.pipeline(transaction=False)
        for start in range(0, len(lines), _BATCH):
            pipe.xadd(self._key, self._entry(lines[start : start + _BATCH]), maxlen=self._entries)
        pipe.expire(self._key, _KEEP)
        try:
            pipe.execute()
        except (redis.RedisError, OSError) as error:
            self._rest_until = time.monotonic() + _RETRY
            logger.warning("the live log of %s has a gap: %s", self._head["asset"], error)

    def _entry(self, lines: list[tuple[int, str]]) -> dict[Any, Any]:
        texts = json.dumps([text for _, text in lines], ensure_ascii=False)
        return {**self._head, "seq": lines[0][0], "lines": texts}


def open_log(
    settings: Settings,
    redis: "Redis | None",
    run_id: str,
    where: tuple[str, str, int],
    clean: Callable[[str], str],
) -> LiveLog:
    """The log of one attempt; `where` is its asset, step and number, `clean` masks secrets."""
    store, name = stores.of(settings), storage.log_name(run_id, *where)
    key = stream_name(settings.fleet, run_id)
    stream = None if redis is None else Stream(redis, key, where, settings.live_lines)
    path = storage.inside(store.folder, name)
    return LiveLog(path, stream, clean, lambda: store.keep(name))


class Follower:
    """Reads a run's stream from where it was; the CLI keeps one per followed run."""

    def __init__(self, redis: "Redis", fleet: str, run_id: str) -> None:
        self._redis = redis
        self._key = stream_name(fleet, run_id)
        self._last = "0-0"
        self._seen: dict[tuple[str, str, int], int] = {}

    def read(self, timeout: float) -> Iterator[Line]:
        """Lines that are there or come within `timeout` seconds. Raises redis.RedisError."""
        block = max(int(timeout * 1000), 1)
        answer: Any = self._redis.xread({self._key: self._last}, count=200, block=block)
        for _, entries in answer.items() if isinstance(answer, dict) else answer or []:
            for entry_id, fields in _entries(entries):
                self._last = entry_id
                yield from self._lines(fields)

    def _lines(self, fields: dict[str, str]) -> Iterator[Line]:
        who = (fields["asset"], fields["step"], int(fields["number"]))
        for seq, text in enumerate(json.loads(fields["lines"]), int(fields["seq"])):
            missed = max(seq - self._seen.get(who, 0) - 1, 0)
            self._seen[who] = seq
            yield Line(*who, seq, text, missed)


def _entries(entries: Any) -> Iterator[tuple[str, dict[str, str]]]:
    """Entries of XREAD's answer, which the newer protocol nests once more."""
    for entry in entries:
        if isinstance(entry, list):
            yield from _entries(entry)
        else:
            yield entry
