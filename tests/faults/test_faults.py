"""Three hosts, a pipeline, and one fault in the middle: it ends well and every row is there once.

A few scenarios with a small pipeline belong to every run of the tests. `scripts/faults` plays all
of them with sixty assets, and prints the figures; so does FLEET_FAULTS=all.
"""

import os
from collections.abc import Iterator

import pytest

from tests.faults.play import play
from tests.faults.scenarios import SCENARIOS
from tests.faults.site import Ground, ground
from tests.support import hosts, postgres

pytestmark = pytest.mark.faults

ALL = os.environ.get("FLEET_FAULTS") == "all"
FEW = ("kill-load", "stop-tree", "broker-empty")


@pytest.fixture(scope="module")
def land(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """Three hosts, two PostgreSQL servers."""
    if why := hosts.missing():
        pytest.skip(why)
    if postgres.binaries() is None:
        pytest.skip("no PostgreSQL server binaries (initdb, postgres) on this machine")
    with ground(tmp_path_factory.mktemp("faults")) as made:
        yield made


@pytest.mark.parametrize("name", SCENARIOS if ALL else FEW)
def test_a_run_ends_well_and_every_row_is_there_once(land: Ground, name: str) -> None:
    outcome = play(land, name, levels=6 if ALL else 2)
    print(outcome.line())
    assert outcome.faults == []
