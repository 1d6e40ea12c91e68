"""A load is stopped before its last transaction, is taken over, and goes on: who refuses it?

With its guards off the late load is not refused, and the checker must find the rows twice: a check
that cannot fail proves nothing.
"""

import signal
import time
from collections.abc import Iterator

import pytest

from tests.faults.conftest import ALL
from tests.faults.pipeline import Table
from tests.faults.play import Fleet
from tests.faults.scenarios import Scenario, nothing
from tests.faults.site import Ground

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]

LATE = 3.0  # seconds for a late commit that should not come
APPENDS = [Table(name=f"f.append_{n}", made=True) for n in range(4)]
STOPS = Scenario(fault=nothing, words="", crash="load:staged=stop:2")


@pytest.fixture
def fleet(land: Ground, request: pytest.FixtureRequest) -> Iterator[Fleet]:
    """A fleet without these guards; the second load that has its rows in staging stands still."""
    off = {"UNGUARDED": request.param}
    made = Fleet(
        land, "guards", STOPS, assets=APPENDS, module="tests.support.unguarded_worker", told=off
    )
    yield made
    made.close()


def loads(fleet: Fleet) -> list[int]:
    """The processes that came to their commit, in order."""
    return [one.pid for one in fleet.reached() if one.point == "load:staged"]


def late_load(fleet: Fleet, *, comes: bool) -> list[str]:
    """What the checker finds after the one that stood still went on when all else was done."""
    fleet.begin()
    assert fleet.until(lambda: len(loads(fleet)) >= 2), "no load came so far"
    stopped = loads(fleet)[1]
    host = next(host for host in fleet.hosts if stopped in host.pids())
    assert fleet.wait(fleet.run_ids[0], 120) == "succeeded", fleet.reasons(fleet.run_ids[0])
    host.signal(signal.SIGCONT, [stopped] if stopped in host.pids() else [])
    if comes:
        fleet.until(lambda: fleet.judge().faults)
    else:
        time.sleep(LATE)
    fleet.rest()
    return fleet.judge().faults


@pytest.mark.skipif(not ALL, reason="FLEET_FAULTS=all")
@pytest.mark.parametrize("fleet", ["pulse,fence"], indirect=True)
def test_without_guards_the_rows_are_there_twice(fleet: Fleet) -> None:
    faults = late_load(fleet, comes=True)
    assert any("40 rows of run one, expected 20" in fault for fault in faults), faults


@pytest.mark.skipif(not ALL, reason="FLEET_FAULTS=all")
@pytest.mark.parametrize("fleet", ["pulse", "fence"], indirect=True)
def test_either_guard_alone_is_enough(fleet: Fleet) -> None:
    """The fence refuses a late commit; where nobody lives to commit late, none is needed."""
    assert late_load(fleet, comes=False) == []
