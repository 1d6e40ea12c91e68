"""What materialize() returns, run in a project with pandas and polars, and read from its file."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from assets_parser.spec import Requirements
from tests.support.attempt import Bench, bench, shared_cache

FRAMES = Requirements(kind="requirements", path="requirements.txt")
LIBRARIES = {
    "pd.": "import pandas as pd",
    "pl.": "import polars as pl",
    "pa.": "import pyarrow as pa",
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A bench whose environments all tests of the importing module share."""
    return bench(tmp_path_factory.mktemp("values"), shared_cache())


@pytest.fixture
def place(home: Bench, tmp_path: Path) -> Bench:
    """An empty project on the shared home, with pandas and polars among its requirements."""
    project = (tmp_path / "project").resolve()
    project.mkdir()
    (project / "requirements.txt").write_text("pandas\npolars\n")
    return Bench(settings=home.settings, project=project)


def read(place: Bench, result: Any) -> pa.Table:
    """The table in the file that a result names."""
    data = result["data"]
    path = place.settings.storage_path / data["path"]
    assert path.stat().st_size == data["bytes"]
    table: pa.Table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
    assert table.num_rows == data["rows"]
    assert [[f.name, str(f.type)] for f in table.schema] == data["schema"]
    return table


def rows(place: Bench, code: str, **given: Any) -> list[dict[str, Any]]:
    """The rows of what the code returns."""
    found: list[dict[str, Any]] = read(place, place.table(code, **given).result).to_pylist()
    return found


def returning(text: str, imports: str = "") -> str:
    """The source of an asset that returns this, with the libraries that it needs."""
    needed = [line for name, line in LIBRARIES.items() if name in text]
    head = "\n".join([imports, *needed])
    return f"{head}\ndef materialize():\n    return {text}\n"
