"""Hypothesis drives claims, leases, losses and levels in every order, on both kinds of catalog.

FLEET_EXAMPLES asks for more than the few of every day.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import Engine

from catalog.engine import connect, upgrade
from tests.support.claims_machine import Claims
from tests.support.postgres import PostgresServer, postgres_server

__all__ = ["postgres_server"]

EXAMPLES = {"sqlite": 30, "postgresql": 10}  # each of these costs several of those
STEPS = 30


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def engines(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Engine, Engine]]:
    """One catalog, reached by two."""
    url = f"sqlite:///{tmp_path}/catalog.db"
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres_server")
        url = server.url(server.create_database())
    first, second = connect(url), connect(url)
    upgrade(first)
    yield first, second
    first.dispose()
    second.dispose()


def test_whatever_happens_no_step_is_done_twice_and_every_run_ends(
    engines: tuple[Engine, Engine],
) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        lambda: Claims(engines),
        settings=settings(
            max_examples=int(os.environ.get("FLEET_EXAMPLES", EXAMPLES[engines[0].dialect.name])),
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            derandomize="FLEET_EXAMPLES" not in os.environ,
            suppress_health_check=list(HealthCheck),
        ),
    )
