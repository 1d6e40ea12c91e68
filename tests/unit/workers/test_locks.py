"""Locks on database files: who takes which, and that one file has one lock."""

import dataclasses
import os
from pathlib import Path

import pytest

from assets_parser.model import Hooks, Secret
from assets_parser.spec import AssetSpec
from workers import connections, locks
from workers.connections import Connections

CONFIG = """
environments:
  default:
    connections:
      duckdb: [{name: house, path: house.duckdb}, {name: lake, path: lake.duckdb}]
      sqlite: [{name: files, path: files.db}]
      generic: [{name: token, value: abc}]
      postgres: [{name: pg, host: h}]
"""


@pytest.fixture
def known(tmp_path: Path) -> Connections:
    """A project with files and without."""
    (tmp_path / ".bruin.yml").write_text(CONFIG, "utf-8")
    return connections.load(tmp_path / ".bruin.yml", "", {}, root=tmp_path)


def spec(connection: str = "house", *secrets: str, imports: tuple[str, ...] = ()) -> AssetSpec:
    """An asset that loads into `connection`."""
    return AssetSpec(
        pipeline="shop",
        name="raw.orders",
        type="python",
        path="a.py",
        steps=("materialize", "load", "checks"),
        connection=connection,
        secrets=tuple(Secret(key=key, inject_as=key) for key in secrets),
        imports=imports,
    )


def taken(known: Connections, asset: AssetSpec, step: str) -> list[str]:
    """The names of the files that the step locks."""
    found = locks.wanted(asset, step, known)  # type: ignore[arg-type]
    return [Path(name.partition(":")[2]).name for name, _ in found]


def test_load_and_checks_lock_their_target(known: Connections) -> None:
    """One writer for a file."""
    assert taken(known, spec(), "load") == ["house.duckdb"]
    assert taken(known, spec("pg"), "load") == []
    assert taken(known, spec("files"), "load") == ["files.db", "files__raw.db"]


def test_a_script_locks_all_that_it_can_open(known: Connections) -> None:
    """Its connection and its secrets, in one fixed order."""
    asset = spec("house", "lake", "token", "pg")
    assert taken(known, asset, "script") == ["house.duckdb", "lake.duckdb"]


def test_materialize_does_not_lock_its_target(known: Connections) -> None:
    """It returns data; the load writes it."""
    assert taken(known, spec(), "materialize") == []
    assert taken(known, spec("house", "lake"), "materialize") == ["lake.duckdb"]


@pytest.mark.parametrize("module", ["bruin", "duckdb", "sqlite3"])
def test_materialize_locks_its_target_if_it_may_open_it(known: Connections, module: str) -> None:
    """Its source imports what opens files."""
    assert taken(known, spec(imports=("os", module)), "materialize") == ["house.duckdb"]


def test_a_script_that_names_a_file_locks_it_without_any_declaration(known: Connections) -> None:
    """`duckdb.connect("data/lake.duckdb")`, in itself or in what it imports or starts."""
    asset = dataclasses.replace(spec(""), opens=("lake.duckdb", "elsewhere.db"))
    assert taken(known, asset, "script") == ["lake.duckdb"]
    assert taken(known, asset, "checks") == []
    both = dataclasses.replace(spec("house"), opens=("files.db",))
    assert taken(known, both, "materialize") == ["files.db"]


def test_a_script_that_opens_databases_and_names_none_may_mean_any(known: Connections) -> None:
    assert taken(known, spec("", imports=("duckdb",)), "script") == ["house.duckdb", "lake.duckdb"]
    assert taken(known, spec("", imports=("sqlite3",)), "script") == ["files.db"]
    elsewhere = dataclasses.replace(spec("", imports=("sqlite3",)), opens=("lib.db",))
    assert taken(known, elsewhere, "script") == ["files.db"]
    assert taken(known, spec("", imports=("os",)), "script") == []
    assert taken(known, spec("", "lake", imports=("duckdb",)), "script") == ["lake.duckdb"]


def test_a_query_locks_the_files_that_it_attaches(known: Connections) -> None:
    asset = dataclasses.replace(spec("house"), query="ATTACH 'x/lake.duckdb' AS lake; SELECT 1")
    assert taken(known, asset, "query") == ["house.duckdb", "lake.duckdb"]
    hooks = Hooks(pre=("ATTACH 'x/lake.duckdb' AS lake",))
    hooked = dataclasses.replace(spec("house"), query="SELECT 1", hooks=hooks)
    assert taken(known, hooked, "query") == ["house.duckdb", "lake.duckdb"]


def test_links_lead_to_one_name(tmp_path: Path) -> None:
    """A link to a folder is the folder."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    made = [
        connections.Connection(name="c", type="duckdb", fields={"path": str(tmp_path / p / "x.db")})
        for p in ("real", "link")
    ]
    assert locks.name(made[0]) == locks.name(made[1])


def test_a_file_with_two_names_has_a_lock_in_common(tmp_path: Path) -> None:
    """A hard link is known by its inode."""
    (tmp_path / "a.db").touch()
    os.link(tmp_path / "a.db", tmp_path / "b.db")
    names = [
        set(
            locks.names(connections.Connection(name="c", type="duckdb", fields={"path": str(path)}))
        )
        for path in (tmp_path / "a.db", tmp_path / "b.db")
    ]
    assert len(names[0] & names[1]) == 1


def test_the_lock_of_a_file_is_the_same_before_and_after_it_exists(tmp_path: Path) -> None:
    """The first load makes the file while it holds the lock."""
    made = connections.Connection(name="c", type="duckdb", fields={"path": str(tmp_path / "n.db")})
    before = locks.names(made)
    (tmp_path / "n.db").touch()
    assert before[0] in locks.names(made)


def test_unknown_connections_are_left_to_the_step(known: Connections) -> None:
    """The step says that the connection is missing, not the claim."""
    assert taken(known, spec("nowhere", "neither"), "script") == []


def test_a_limited_connection_has_places_for_all_that_use_it(tmp_path: Path) -> None:
    """`max_concurrent_assets` counts the connection and every secret; loads only their target."""
    text = CONFIG.replace("host: h", "host: h, max_concurrent_assets: 2")
    (tmp_path / ".bruin.yml").write_text(text, "utf-8")
    limited = connections.load(tmp_path / ".bruin.yml", "", {}, root=tmp_path)
    asset = spec("house", "pg")
    assert [most for _, most, _ in locks.places(asset, "script", limited)] == [2]
    assert locks.places(asset, "load", limited) == []
    assert [want.capacity for want in locks.wants(spec("pg"), "load", limited)] == [2]


def test_a_load_between_databases_counts_for_both(tmp_path: Path) -> None:
    """An ingestr asset holds a place of its source and one of its destination."""
    text = CONFIG.replace("host: h", "host: h, max_concurrent_assets: 3")
    (tmp_path / ".bruin.yml").write_text(text, "utf-8")
    limited = connections.load(tmp_path / ".bruin.yml", "", {}, root=tmp_path)
    asset = dataclasses.replace(spec("house"), parameters={"source_connection": "pg"})
    assert [most for _, most, _ in locks.places(asset, "ingest", limited)] == [3]
    for step in ("query", "seed", "sensor", "checks", "load"):
        assert [most for _, most, _ in locks.places(spec("pg"), step, limited)] == [3]


def test_connections_of_one_name_to_two_databases_share_no_places(tmp_path: Path) -> None:
    """Two projects of one fleet may both call theirs `pg`."""
    names = []
    for host in ("one", "two"):
        text = CONFIG.replace("host: h", f"host: {host}, max_concurrent_assets: 1")
        (tmp_path / ".bruin.yml").write_text(text, "utf-8")
        known = connections.load(tmp_path / ".bruin.yml", "", {}, root=tmp_path)
        names += [name for name, _, _ in locks.places(spec("pg"), "load", known)]
    assert len(set(names)) == 2
