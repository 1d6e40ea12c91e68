"""Empty projects for assets that run alone: a project for each test, one home for its module."""

from pathlib import Path

import pytest

from tests.support.attempt import Bench, bench, shared_cache
from workers.errors import StepFailed


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A bench whose environments all tests of the importing module share."""
    return bench(tmp_path_factory.mktemp("runner"), shared_cache())


@pytest.fixture
def place(home: Bench, tmp_path: Path) -> Bench:
    """An empty project on the shared home."""
    project = (tmp_path / "project").resolve()
    project.mkdir()
    return Bench(settings=home.settings, project=project)


def failure(place: Bench, path: str, code: str, **given: object) -> StepFailed:
    """Run code that must fail; how it failed."""
    with pytest.raises(StepFailed) as caught:
        place.run(path, code, **given)
    return caught.value
