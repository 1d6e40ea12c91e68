"""Connections by name: values, errors, the database file."""

from dataclasses import replace
from pathlib import Path

import pytest

from assets_parser.spec import RunOptions
from workers import connections, working_copies
from workers.connections import Connection
from workers.errors import StepFailed
from workers.host import Facts
from workers.settings import Settings

CONFIG = """
default_environment: dev
environments:
  dev:
    connections:
      duckdb: [{name: house, path: data/house.duckdb}]
      sqlite: [{name: files, path: data/files.sqlite}]
      postgres: [{name: warehouse, host: h, port: 5433, username: u, password: "${PW}"}]
  other: {connections: {}}
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A .bruin.yml below the project's root."""
    folder = tmp_path / "conf"
    folder.mkdir()
    file = folder / "bruin.yml"
    file.write_text(CONFIG, "utf-8")
    return file


def test_variables_come_from_the_given_environment(config: Path) -> None:
    """${NAME} is replaced when the file is read."""
    found = connections.load(config, "", {"PW": "s3cret"}).get("warehouse")
    assert (found.text("password"), found.number("port")) == ("s3cret", 5433)


def test_an_unset_variable_is_named_when_the_connection_is_used(config: Path) -> None:
    """Other connections of the file stay usable."""
    loaded = connections.load(config, "", {})
    assert loaded.get("house").type == "duckdb"
    with pytest.raises(StepFailed, match="PW"):
        loaded.get("warehouse")
    assert loaded.find("warehouse") is None


def test_duckdb_starts_beside_the_file_and_sqlite_in_the_project(
    config: Path, tmp_path: Path
) -> None:
    """Relative paths start where Bruin starts them."""
    loaded = connections.load(config, "", {}, root=tmp_path)
    assert loaded.get("house").file == config.parent / "data" / "house.duckdb"
    assert loaded.get("files").file == tmp_path / "data" / "files.sqlite"


def test_an_unknown_name_names_the_known_ones_and_the_file(config: Path) -> None:
    """The error says what to edit, and guesses."""
    with pytest.raises(StepFailed) as failure:
        connections.load(config, "", {}).get("hose")
    assert failure.value.kind == "config"
    assert "known: files, house, warehouse" in failure.value.message
    assert "did you mean 'house'" in failure.value.hint
    assert str(config) in failure.value.hint


def test_an_unknown_environment_is_an_error(config: Path) -> None:
    """It is named."""
    with pytest.raises(StepFailed, match="prod"):
        connections.load(config, "prod", {})


@pytest.mark.parametrize(
    "fields",
    [{"path": ":memory:"}, {"path": "md:shop"}, {"path": "x.db", "lakehouse": {"format": "x"}}, {}],
)
def test_what_is_no_file(fields: dict[str, object]) -> None:
    """A database in memory, at MotherDuck or in a lake has no file to lock."""
    assert Connection(name="a", type="duckdb", fields=fields).file is None


def test_no_value_in_repr() -> None:
    """A connection that is logged by accident shows its name only."""
    made = Connection(name="a", type="postgres", fields={"password": "s3cret"})
    assert "s3cret" not in repr(made)


def test_a_number_that_is_none_is_an_error() -> None:
    """The field is named, its value is not."""
    with pytest.raises(StepFailed, match="port must be a whole number"):
        Connection(name="a", type="postgres", fields={"port": "x"}).number("port")


def test_a_run_with_a_bundle_keeps_no_database_in_its_copy(tmp_path: Path) -> None:
    """The copy goes when the run is over: relative paths start at what stays."""
    settings = Settings(home=tmp_path / "home")
    options = RunOptions(start="", end="", execution="")
    config = tmp_path / "there" / ".bruin.yml"
    copy = working_copies.path(settings, "7f3k2")
    run = Facts(run_id="7f3k2", project=copy, bundle="x", config=config, options=options)
    with pytest.raises(StepFailed, match="is on the submitter's host") as caught:
        connections.of_run(settings, "7f3k2", run)
    assert "`connections`" in caught.value.hint
    config.parent.mkdir()
    config.write_text(
        "environments:\n  default:\n    connections:\n      sqlite: [{name: db, path: out.db}]\n"
    )
    assert connections.of_run(settings, "7f3k2", run).get("db").file == tmp_path / "there/out.db"
    in_place = replace(run, project=tmp_path, bundle="")
    assert connections.of_run(settings, "7f3k2", in_place).get("db").file == tmp_path / "out.db"
