"""One host with an empty catalog, for what the commands read there."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from catalog.engine import connect, upgrade
from workers.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of one host."""
    return Settings.load({"FLEET_CONFIG": ""}, {"home": tmp_path})


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    """Its catalog."""
    engine = connect(settings.catalog_url)
    upgrade(engine)
    yield engine
    engine.dispose()
