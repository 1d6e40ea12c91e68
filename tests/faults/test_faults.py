"""Three hosts, a pipeline, and one fault in the middle: it ends well and every row is there once.

A few scenarios with a small pipeline belong to every run of the tests. `scripts/faults` plays all
of them with sixty assets, and prints the figures; so does FLEET_FAULTS=all.
"""

import pytest

from tests.faults.conftest import ALL
from tests.faults.play import play
from tests.faults.scenarios import SCENARIOS
from tests.faults.site import Ground

pytestmark = [pytest.mark.faults, pytest.mark.timeout(900)]  # more than all waits of a play

FEW = ("kill-load", "stop-tree")


@pytest.mark.parametrize("name", SCENARIOS if ALL else FEW)
def test_a_run_ends_well_and_every_row_is_there_once(land: Ground, name: str) -> None:
    outcome = play(land, name, levels=6 if ALL else 2)
    print(outcome.line())
    assert outcome.faults == []
