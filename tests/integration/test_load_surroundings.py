"""What a load does beside its rows: data it takes, tables it leaves, secrets, progress, stops."""

import contextlib
import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pytest

from assets_parser.model import Column
from tests.support import tables, warehouse
from tests.support.sources import with_settings
from tests.support.tables import PASSWORD, Target
from tests.support.targets import server
from workers import ingestr
from workers.errors import StepFailed

__all__ = ["server"]

KEY = (Column(name="id", type="integer", primary_key=True), Column(name="v", type="varchar"))
ONE = pa.table({"id": [1, 2], "v": ["a", "b"]})


def test_data_that_is_gone_says_how_it_is_made_anew(tmp_path: Path) -> None:
    """Another `fleet retry` would look for it again where nobody who starts runs sees storage."""
    target = tables.duckdb(tmp_path)
    recorded = target.data(ONE)
    (target.settings.storage_path / recorded["path"]).unlink()
    gone = pytest.raises(StepFailed, match="data is gone")
    with gone as failed, _recorded(target, recorded):
        target.load(ONE)
    assert ".py --downstream` makes it anew" in failed.value.hint


def test_data_that_changed_is_not_loaded(tmp_path: Path) -> None:
    """Size and digest are compared with what the catalog remembers."""
    target = tables.duckdb(tmp_path)
    recorded = target.data(ONE)
    path = target.settings.storage_path / recorded["path"]
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    spec_error = pytest.raises(StepFailed, match="changed after it was written")
    with spec_error, _recorded(target, recorded):
        target.load(ONE)


@contextlib.contextmanager
def _recorded(target: Target, recorded: dict[str, Any]) -> Iterator[None]:
    """Let the target use this record instead of writing a file."""
    target.data = lambda table: recorded  # type: ignore[method-assign]
    yield


def test_a_failed_load_leaves_no_staging_table(tmp_path: Path, server: warehouse.Server) -> None:
    """Staging tables of a load that was refused are removed."""
    target = server.target(tmp_path)
    bad = pa.table({"id": [None, 1], "v": ["a", "b"]})
    with pytest.raises(StepFailed):
        target.load(bad, "merge", columns=KEY)
    from workers.engines import opened

    with opened(target.connection) as database:
        query = "SELECT count(*) FROM information_schema.tables WHERE table_name ~ '_[0-9]{19}$'"
        assert database.row(query)[0] == 0


def test_a_column_that_took_no_null_takes_it(tmp_path: Path, server: warehouse.Server) -> None:
    """As ingestr does it; one that gets none stays as it is."""
    target = server.target(tmp_path)
    target.execute(
        "CREATE SCHEMA shop",
        "CREATE TABLE shop.orders (id bigint NOT NULL, v text NOT NULL, w int NOT NULL DEFAULT 1)",
    )
    notices = target.load(ONE, "append")["notices"]
    assert notices == ["w of shop.orders takes NULL now, as it comes"]
    assert target.rows("id v w") == [(1, "a", None), (2, "b", None)]
    with pytest.raises(Exception, match='"v"'):
        target.execute("INSERT INTO shop.orders (id) VALUES (3)")


def test_no_secret_on_any_command_line(tmp_path: Path, server: warehouse.Server) -> None:
    """While a load runs, no process of the machine shows its password."""
    target, secret = server.target(tmp_path), uuid.uuid4().hex  # no other test's
    target.execute(f"CREATE ROLE watched LOGIN SUPERUSER PASSWORD 'p@ss{secret}'")
    config = tmp_path / ".bruin.yml"
    text = config.read_text("utf-8").replace(warehouse.USER, "watched")
    config.write_text(text.replace(PASSWORD, f"p@ss{secret}"), "utf-8")
    looked, program = tmp_path / "looked", tmp_path / "ingestr"
    real = ingestr.binary(target.settings)
    waits = f"while [ ! -e '{looked}' ]; do sleep 0.02; done"  # for somebody to look at it
    program.write_text(f"#!/bin/sh\n{waits}\nexec '{real}' \"$@\"\n")
    program.chmod(0o755)
    with_settings(target, ingestr=str(program))
    found: list[str] = []
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            for process in psutil.process_iter():
                with contextlib.suppress(psutil.Error):
                    line = " ".join(process.cmdline())
                    if f"{program} ingest --source-table" in line:
                        looked.touch()
                    if secret in line:
                        found.append(line)
            time.sleep(0.01)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        target.load(pa.table({"id": list(range(300_000))}), "append")
    finally:
        done.set()
        watcher.join()
    assert looked.exists()
    assert found == []


def test_no_secret_in_an_error(tmp_path: Path, server: warehouse.Server) -> None:
    """A refused password is not repeated in message, detail or log."""
    target = server.target(tmp_path)
    config = target.folder / ".bruin.yml"
    config.write_text(config.read_text("utf-8").replace("é", "X"), "utf-8")
    secret = PASSWORD.replace("é", "X")
    with pytest.raises(StepFailed) as failure:
        target.load(ONE, "append")
    said = "\n".join([failure.value.message, failure.value.detail, *target.log.lines])
    assert secret not in said
    assert "p%40ss" not in said


def test_a_cancel_ends_the_load(tmp_path: Path) -> None:
    """A stop's reason becomes the step's."""
    target = tables.duckdb(tmp_path)
    target.stop.reason = "cancelled by a test"
    with pytest.raises(StepFailed) as failure:
        target.load(pa.table({"id": list(range(2_000_000))}))
    assert failure.value.kind == "cancelled"


def test_progress_reaches_the_catalog(tmp_path: Path) -> None:
    """The first report names the total."""
    target = tables.duckdb(tmp_path)
    target.load(ONE)
    assert target.progress[0] == {"rows": 0, "total": 2, "note": "loading"}


def test_a_new_duckdb_file_can_be_read_by_older_versions(tmp_path: Path) -> None:
    """Its storage version is the one of DuckDB 1.0."""
    target = tables.duckdb(tmp_path)
    target.load(ONE)
    with (tmp_path / "data" / "house.duckdb").open("rb") as file:
        assert file.read(32)[12] == 64
