"""One fleet and one PostgreSQL for all replayed cases of a process."""

from collections.abc import Iterator

import pytest

from tests.support import postgres, replaying
from tests.support.postgres import postgres_server
from tests.support.replaying import Replay

__all__ = ["postgres_server"]


@pytest.fixture(scope="session")
def replay(request: pytest.FixtureRequest) -> Iterator[Replay]:
    """A fleet that all cases share, and PostgreSQL where there is one."""
    server = request.getfixturevalue("postgres_server") if postgres.binaries() else None
    with replaying.replay(server) as made:
        yield made
