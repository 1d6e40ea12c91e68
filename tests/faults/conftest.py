"""The hosts and servers that all scenarios of a session share."""

import os
from collections.abc import Iterator

import pytest

from tests.faults.site import Ground, ground
from tests.support import hosts, postgres

ALL = os.environ.get("FLEET_FAULTS") == "all"


@pytest.fixture(scope="session")
def land(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """Three hosts, two PostgreSQL servers."""
    if why := hosts.missing():
        pytest.skip(why)
    if postgres.binaries() is None:
        pytest.skip("no PostgreSQL server binaries (initdb, postgres) on this machine")
    with ground(tmp_path_factory.mktemp("faults")) as made:
        yield made
