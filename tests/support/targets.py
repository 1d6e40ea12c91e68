"""The databases that tests load into, one of each engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import tables, warehouse
from tests.support.tables import Target


@pytest.fixture(scope="module")
def server() -> Iterator[warehouse.Server]:
    """One PostgreSQL for this module."""
    with warehouse.running() as running:
        yield running


@pytest.fixture(params=["duckdb", "sqlite", "postgres"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Target:
    """An empty database of each engine."""
    if request.param == "postgres":
        server: warehouse.Server = request.getfixturevalue("server")
        return server.target(tmp_path)
    made: Target = getattr(tables, request.param)(tmp_path)
    return made


@pytest.fixture
def postgres(tmp_path: Path, server: warehouse.Server) -> Target:
    """An empty database of PostgreSQL."""
    return server.target(tmp_path)


@pytest.fixture
def duckdb(tmp_path: Path) -> Target:
    """A DuckDB file in a folder that does not exist yet."""
    return tables.duckdb(tmp_path)
