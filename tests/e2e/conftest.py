"""One fleet that is up for all end-to-end tests that do not break it: starting costs time."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cli import Cli
from tests.support.postgres import postgres_server
from tests.support.project import Project, home

__all__ = ["postgres_server"]


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    """The command with a fleet that is up, two slots and Flower."""
    folder = tmp_path_factory.mktemp("fleet")
    quick = {"FLEET_STOP_GRACE": "1", "FLEET_RECONCILE_EVERY": "1"}
    cli = Cli(home(folder / "home"), folder, quick)
    done = cli("up", "--slots", "2")
    assert done.returncode == 0, done.stderr
    yield cli
    cli("down", "--now")


@pytest.fixture
def up(shared: Cli, tmp_path: Path) -> Cli:
    """That fleet, used from an empty folder."""
    return Cli(shared.home, tmp_path, shared.environ)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """An empty pipeline with a DuckDB connection."""
    return Project(tmp_path / "shop")
