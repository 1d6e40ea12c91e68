"""Runs SQL in DuckDB, in a process of its own: a crash or a full memory there is not the worker's.

Run by path as `python -I duckdb_child.py FD` by workers.duckdb_process, kept for the next asset.
FD is one end of a socket pair; a message is its length in four bytes, then JSON:

    worker -> child   open {path, config, read_only, cwd, lease}; run {sql, limit}; close;
                      interrupt; tick; each with `at`, when the worker last knew that the step is
                      its own, by this host's clock
    child -> worker   {rows, columns, touched, rss}, or {error}

The socket is the lifeline: when it closes, or when the newest `at` is older than the lease while a
database is open (a worker that is paused or cut off), the process ends, and DuckDB undoes what was
not committed.
"""

import contextlib
import json
import os
import queue
import re
import resource
import select
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

CHUNK = 2048  # rows that are read at a time, of those that nobody wants
KIB = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss
LINE = re.compile(r"^LINE (\d+): ", re.MULTILINE)


class Interrupted(Exception):
    """The worker does not want the answer any more."""


class Child:
    """One socket, and at most one open database."""

    def __init__(self, sock: socket.socket, duckdb: Any) -> None:
        self._sock, self._duckdb = sock, duckdb
        self._orders: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._connection: Any = None
        self._lease: float | None = None
        self._at = 0.0
        self._stop = False

    def serve(self) -> None:
        """Answer orders until the lifeline ends."""
        threading.Thread(target=self._listen, daemon=True).start()
        doing: dict[str, Callable[..., dict[str, Any]]] = {
            "open": self._open,
            "run": self._run,
            "close": self._close,
        }
        while True:
            order = self._orders.get()
            try:
                answer = doing[order.pop("do")](**order)
            except Exception as error:  # an edge: what an order raises is its answer
                answer = {"error": str(error) or type(error).__name__}
            self._send(answer)

    def _listen(self) -> None:
        while True:
            if not select.select([self._sock], [], [], self._left())[0]:
                if self._lease is None:  # closed meanwhile: nobody needs to tell that he lives
                    continue
                os._exit(1)
            order = self._receive()
            if order is None:
                os._exit(0)
            self._at = order.pop("at")
            self._lease = order.get("lease", self._lease)
            if order["do"] == "interrupt":
                self._stop = True
                with contextlib.suppress(AttributeError, self._duckdb.Error):
                    self._connection.interrupt()
            elif order["do"] != "tick":
                self._orders.put(order)

    def _left(self) -> float | None:
        """Seconds until the step may be somebody else's; None while no database is open."""
        lease = self._lease  # the other thread takes it away when it closes
        return None if lease is None else max(0.0, self._at + lease - clock())

    def _open(
        self, path: str, config: dict[str, Any], read_only: bool, cwd: str, lease: float
    ) -> dict[str, Any]:
        self._stop = False
        os.chdir(cwd)
        made = Path(path).exists() or path == ":memory:"
        if made:
            config = {key: value for key, value in config.items() if not key.startswith("storage_")}
        self._connection = self._duckdb.connect(path, read_only=read_only, config=config)
        return {}

    def _close(self) -> dict[str, Any]:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
        self._lease = None
        os.chdir("/")
        return {"rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIB}

    def _run(self, sql: str, limit: int) -> dict[str, Any]:
        """Run a script; the first rows of its last statement."""
        answer: dict[str, Any] = {"rows": [], "columns": [], "touched": -1}
        at = 0
        statements = self._connection.extract_statements(sql)
        for statement in statements:
            text = statement.query
            at = max(at, sql.find(text, at))
            try:
                self._connection.execute(text or statement)  # a PIVOT is several without a text
                answer = self._read(limit)
            except self._duckdb.Error as error:
                many = len(statements) > 1
                return {"error": _placed(str(error), text if many else "", sql.count("\n", 0, at))}
            at += len(text)
        return answer

    def _read(self, limit: int) -> dict[str, Any]:
        """The result, read to its end: only so has all of it been computed."""
        names = [str(column[0]) for column in self._connection.description or []]
        rows = self._connection.fetchmany(max(limit, 1)) if names else []
        more = rows
        while more:
            if self._stop:
                raise Interrupted("interrupted")
            more = self._connection.fetchmany(CHUNK)
        told = rows[0][0] if names == ["Count"] and rows else -1  # or the user's own column
        touched = told if isinstance(told, int) else -1
        return {"rows": rows[:limit], "columns": names, "touched": touched}

    def _receive(self) -> dict[str, Any] | None:
        header = self._exactly(4)
        body = self._exactly(int.from_bytes(header, "big")) if header else b""
        return json.loads(body) if body else None

    def _exactly(self, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            try:
                more = self._sock.recv(size - len(data))
            except ConnectionError:
                return b""
            if not more:
                return b""
            data += more
        return bytes(data)

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps(message, default=str).encode()
        with contextlib.suppress(OSError):  # the lifeline's end is noticed while listening
            self._sock.sendall(len(body).to_bytes(4, "big") + body)


def clock() -> float:
    """Seconds that go on while the host sleeps, where the system has such a clock."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


def _placed(error: str, statement: str, lines: int) -> str:
    """The error with the line of the whole script; where it has none, that of the statement."""
    moved, known = LINE.subn(lambda found: f"LINE {int(found[1]) + lines}: ", error, count=1)
    if known or not statement.strip():
        return moved
    blank = len(statement) - len(statement.lstrip())
    first = statement.lstrip().partition("\n")[0]
    return f"{error}\n\nLINE {lines + 1 + statement.count(chr(10), 0, blank)}: {first}"


def main() -> None:
    """Serve the socket of the command line."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # when memory runs out, this one goes and not the worker
            Path("/proc/self/oom_score_adj").write_text("500", "ascii")
    sock = socket.socket(fileno=int(sys.argv[1]))
    import duckdb  # noqa: PLC0415 - takes a while: the socket is there already

    Child(sock, duckdb).serve()


if __name__ == "__main__":
    main()
