"""Fixtures that every kind of test shares."""

from pathlib import Path

import pytest

from tests.support import pack

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The folder of the project itself."""
    return ROOT


@pytest.fixture(scope="session")
def golden() -> Path:
    """The folder of the recorded cases."""
    return pack.folder()
