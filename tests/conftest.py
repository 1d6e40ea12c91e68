"""Fixtures that every kind of test shares."""

import signal
from pathlib import Path

import pytest

from tests.support import pack

ROOT = Path(__file__).resolve().parent.parent

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # a shell lets what it starts in the background ignore Ctrl-C, and commands would inherit that
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The folder of the project itself."""
    return ROOT


@pytest.fixture(scope="session")
def golden() -> Path:
    """The folder of the recorded cases."""
    return pack.folder()
