"""What is locked is waited for with the holder's name, and not for ever; names of sessions."""

import pytest

from workers import sessions, waiting
from workers.connections import Connection
from workers.errors import Locked, NotYet, StepFailed

SAID = (
    'IO Error: Could not set lock on file "/x/house.duckdb": Conflicting lock is held in '
    "/usr/bin/python3.11 (PID 4711) by user ann. See also https://duckdb.org/docs"
)


def test_the_holder_of_a_file_is_named() -> None:
    house = Connection(name="house", type="duckdb", fields={"path": "/x/house.duckdb"})
    locked = waiting.locked(house, SAID)
    assert locked.message == "house.duckdb is open elsewhere (/usr/bin/python3.11, PID 4711)"
    assert waiting.in_use(SAID) and waiting.in_use("database is locked")
    assert not waiting.in_use("no such table: locks")


def test_a_step_waits_longer_each_time_and_fails_in_the_end() -> None:
    locked = Locked("x is open elsewhere (another program)")
    first, later = waiting.later(locked, 0.0), waiting.later(locked, 60.0)
    assert isinstance(first, NotYet) and isinstance(later, NotYet)
    assert first.delay < later.delay <= 10.0
    assert first.reason == "waits: x is open elsewhere (another program); it tries again in 0.5 s"
    over = waiting.later(locked, waiting.MOST)
    assert isinstance(over, StepFailed)
    assert over.message == "x is open elsewhere (another program), for 10 minutes now"


@pytest.mark.parametrize("asset", ["shop.orders", "x" * 200, "büro.tabelle", "a b/c"])
def test_a_session_bears_run_asset_and_attempt_in_63_bytes(asset: str) -> None:
    name = sessions.name("7f3k2", asset, 123_456)
    assert name.startswith("fleet 7f3k2/") and name.endswith("/123456")
    assert len(name.encode()) <= sessions.LONGEST and name.isascii()
    assert name != sessions.name("7f3k2", asset + "y", 123_456)
