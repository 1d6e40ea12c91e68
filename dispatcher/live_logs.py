"""Log lines of workers elsewhere: from the broker while they are new, from storage for good.

`fleet run` and `follow` show what comes through the broker; `fleet logs -f` shows all of a log and
goes on with what comes.
"""

from collections.abc import Iterator

from dispatcher.fleets import Fleet
from dispatcher.log_files import LogFiles, LogLine
from workers import livelog
from workers.settings import Settings


class LiveLogs:
    """Lines through the broker; it may drop some, and says so."""

    def __init__(self, settings: Settings, run_id: str) -> None:
        client = livelog.client(settings)
        self._follower = livelog.Follower(client, settings.fleet, run_id)

    def read(self, *, fresh: bool = False) -> Iterator[LogLine]:
        """What came since the last time, a bounded part of it."""
        from redis import RedisError

        try:
            for line in self._follower.read(0.01):
                if line.missed:
                    text = f"… {line.missed} lines are in the log only"
                    yield LogLine(line.asset, line.step, text, line.number, line.seq - 1)
                yield LogLine(line.asset, line.step, line.text, line.number, line.seq)
        except RedisError:
            return  # the log file has them all; the state of the run comes from the catalog

    def close(self, asset: str) -> None:
        """One stream holds the lines of all."""


class AllLogs:
    """Every line once: what storage has, then what the broker brings before storage has it."""

    def __init__(self, stored: LogFiles, live: LiveLogs) -> None:
        self._stored = stored
        self._live = live
        self._shown: dict[tuple[str, str, int], int] = {}

    def read(self, *, fresh: bool = False) -> Iterator[LogLine]:
        """What came since the last time."""
        for source in (self._stored, self._live):
            for line in source.read(fresh=fresh):
                where = (line.asset, line.step, line.number)
                if line.seq > self._shown.get(where, 0):
                    self._shown[where] = line.seq
                    yield line

    def close(self, asset: str) -> None:
        """Its log is on storage now, and was read."""
        self._stored.close(asset)


def of_run(fleet: Fleet | None, stored: LogFiles, run_id: str) -> LogFiles | AllLogs:
    """All lines of a run, whoever writes them."""
    if fleet is None or fleet.shared:
        return stored
    return AllLogs(stored, LiveLogs(fleet.settings, run_id))
