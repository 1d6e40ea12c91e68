"""A script with a newer DuckDB does not make a file that nobody else can open."""

from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from tests.support import tables
from tests.support.sql_assets import House
from workers import duckdb_files
from workers.envs import Env


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A project whose DuckDB file is not there yet."""
    (tmp_path / "project").mkdir()
    return House(tables.duckdb(tmp_path / "project"))


def env(folder: Path, version: str) -> Env:
    """An environment with nothing but this DuckDB's name."""
    (folder / f"lib/python3.11/site-packages/duckdb-{version}.dist-info").mkdir(parents=True)
    return Env(key="k", folder=folder, version="3.11")


@pytest.mark.parametrize(("version", "made"), [("99.0.0", True), ("1.0.0", False)])
def test_a_missing_file_is_made_for_a_newer_duckdb_only(
    house: House, tmp_path: Path, version: str, made: bool
) -> None:
    context = house.context("")
    duckdb_files.prepare(context, env(tmp_path / "env", version))
    file = house.target.connection.file
    assert file is not None
    assert file.exists() is made
    if made:
        with duckdb.connect(str(file), read_only=True) as link:
            tags = "select tags from duckdb_databases() where database_name = 'house'"
            assert "v1.0.0" in str(link.execute(tags).fetchall())


def test_a_script_that_opens_no_database_makes_none(house: House, tmp_path: Path) -> None:
    context = house.context("")
    plain = replace(context.spec, connection="", secrets=())
    duckdb_files.prepare(replace(context, spec=plain), env(tmp_path / "env", "99.0.0"))
    file = house.target.connection.file
    assert file is not None
    assert not file.exists()
