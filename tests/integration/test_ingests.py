"""ingestr assets copy tables between databases, and lose nothing in silence."""

from pathlib import Path

import pytest

from assets_parser.model import Column
from tests.support import warehouse
from tests.support.sources import ITEMS, ROWS, Pair, file_target, pair, plain, web, within
from tests.support.tables import Target
from tests.support.targets import server
from workers.engines import opened
from workers.errors import StepFailed

__all__ = ["plain", "server", "within"]

ENGINES = ["duckdb", "sqlite", "postgres"]
KEY = (Column(name="id", type="integer", primary_key=True),)
CHANGE = (
    "UPDATE items SET name = 'B' WHERE id = 2",
    "INSERT INTO items VALUES (3, 'c', '2024-01-03 12:00:00')",
    "DELETE FROM items WHERE id = 1",
)
FIRST, SECOND = [(1, "a"), (2, None)], [(2, "B"), (3, "c")]
DAY_TWO = {"start": "2024-01-02T00:00:00+00:00", "end": "2024-01-02T23:59:59.999999+00:00"}


@pytest.fixture(params=[(a, b) for a in ENGINES for b in ENGINES], ids="-to-".join)
def both(request: pytest.FixtureRequest, tmp_path: Path) -> Pair:
    """A project with a source and a target, of all pairs of engines."""
    source, target = request.param
    return _pair(request, tmp_path, source, target)


def _pair(request: pytest.FixtureRequest, folder: Path, source: str, target: str) -> Pair:
    made: list[Target] = []
    for kind, name in ((target, "db"), (source, "src")):
        if kind == "postgres":
            server: warehouse.Server = request.getfixturevalue("server")
            made.append(server.target(folder))
        else:
            made.append(file_target(folder, kind, name))
    return pair(*made)


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def test_a_table_is_replaced(both: Pair) -> None:
    """By what the source holds, run after run."""
    both.prepare(ITEMS, ROWS)
    assert both.ingest()["rows"] == 2
    assert both.copied("id name") == FIRST
    both.prepare(*CHANGE)
    assert both.ingest(strategy="create+replace")["rows"] == 2
    assert both.copied("id name") == SECOND


def test_merge_keeps_what_the_source_lost(both: Pair) -> None:
    """Rows of known keys are updated, others come."""
    both.prepare(ITEMS, ROWS)
    both.ingest(strategy="merge", columns=KEY)
    both.prepare(*CHANGE)
    for _ in range(2):
        both.ingest(strategy="merge", columns=KEY)
    assert both.copied("id name") == [(1, "a"), (2, "B"), (3, "c")]


def test_append_adds_up(both: Pair) -> None:
    """Where no primary key stands against it."""
    both.prepare("CREATE TABLE items (id INTEGER, name TEXT)")
    both.prepare("INSERT INTO items VALUES (1, 'a'), (2, NULL)")
    for _ in range(2):
        assert both.ingest(strategy="append")["rows"] == 2
    assert both.copied("id name") == [(1, "a"), (1, "a"), (2, None), (2, None)]


def test_append_of_known_keys_fails(both: Pair) -> None:
    """The copy inherits the source's key; DuckDB drops the batch, and ingestr ends with success."""
    both.prepare(ITEMS, ROWS)
    both.ingest(strategy="append", columns=KEY)
    both.prepare(*CHANGE)
    with pytest.raises(StepFailed) as failure:
        both.ingest(strategy="append", columns=KEY)
    assert failure.value.kind == "load"
    assert (1, "a") in both.copied("id name")


def test_delete_insert_reads_its_interval_only(both: Pair) -> None:
    """And replaces it, however often."""
    both.prepare(ITEMS, ROWS)
    both.ingest()
    both.prepare("UPDATE items SET name = 'B'")
    for _ in range(2):
        both.ingest(strategy="delete+insert", key="day", **DAY_TWO)
    assert both.copied("id name") == [(1, "a"), (2, "B")]


def test_truncate_insert_is_replace(both: Pair) -> None:
    """ingestr refuses the word and names the other."""
    both.prepare(ITEMS, ROWS)
    for _ in range(2):
        both.ingest(strategy="truncate+insert")
    assert both.copied("id name") == FIRST


def test_full_refresh_replaces(plain: Pair) -> None:
    """Whatever the strategy."""
    plain.prepare(ITEMS, ROWS)
    plain.ingest(strategy="append")
    plain.prepare(*CHANGE)
    plain.ingest(strategy="append", full_refresh=True)
    assert plain.copied("id name") == SECOND


def test_delete_insert_by_a_number_reads_everything(plain: Pair) -> None:
    """A number cannot be compared with the run's moments; ingestr alone fails."""
    plain.prepare(ITEMS, ROWS)
    for _ in range(2):
        plain.ingest(strategy="delete+insert", key="id")
    assert plain.copied("id name") == FIRST


def test_an_interval_of_nothing_is_no_reason_to_fail(plain: Pair) -> None:
    """Where no key uses it."""
    plain.prepare(ITEMS, ROWS)
    plain.ingest(end=DAY_TWO["start"], start=DAY_TWO["start"])
    assert plain.copied("id name") == FIRST


def test_a_table_of_the_same_file_is_copied(tmp_path: Path) -> None:
    """Source and target may be one DuckDB file."""
    target = file_target(tmp_path, "duckdb")
    both = pair(target, target)
    both.prepare(ITEMS, ROWS)
    for _ in range(2):
        both.ingest("main.items")
    assert both.copied("id name") == FIRST


def test_a_copy_of_a_copy_has_a_time_of_its_own(within: Pair) -> None:
    """The column with the time of the load is no data."""
    stamped = "CREATE TABLE items AS SELECT 1 AS id, TIMESTAMPTZ '2000-01-01' AS _ingestr_loaded_at"
    within.prepare(stamped)
    assert within.ingest()["rows"] == 1
    assert within.copied() == [(1,)]


def test_lists_are_lists_or_json(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """They are NULL in PostgreSQL and nonsense in SQLite with ingestr alone."""
    for kind, wanted in (("postgres", [1, 2]), ("sqlite", "[1,2]"), ("duckdb", [1, 2])):
        folder = tmp_path / kind
        folder.mkdir()
        both = _pair(request, folder, "duckdb", kind)
        both.prepare("CREATE TABLE items AS SELECT [1, 2] AS l")
        both.ingest()
        assert both.copied() == [(wanted,)]


def test_no_secret_is_shown(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """The source's password is masked like the target's."""
    both = _pair(request, tmp_path, "postgres", "duckdb")
    with pytest.raises(StepFailed) as failure:
        both.ingest("nothing")
    said = "\n".join([failure.value.message, failure.value.detail, *both.log.lines])
    assert "p@ss" not in said
    assert "p%40ss" not in said


def test_a_file_of_the_web_is_copied(tmp_path: Path) -> None:
    """By an `http` connection; the table's hint says what the address does not."""
    (tmp_path / "export").write_text('{"id": 1}\n')
    with web(tmp_path) as address:
        config = f"{{name: src, url: '{address}/export?token=hunter2'}}"
        target = file_target(tmp_path, "duckdb")
        both = Pair(
            folder=tmp_path,
            kind="duckdb",
            config=target.config,
            source_kind="http",
            source_config=config,
        )
        both.ingest("export#jsonl")
        assert both.copied() == [(1,)]
    with pytest.raises(StepFailed, match="cannot fetch") as failure:
        both.ingest("export#jsonl")
    assert "hunter2" not in failure.value.message
    assert both.copied() == [(1,)]


@pytest.mark.parametrize("strategy", ["merge", "append", "create+replace"])
def test_a_decimal_without_digits_keeps_its_type(
    request: pytest.FixtureRequest, tmp_path: Path, strategy: str
) -> None:
    """ingestr alone fails on the second run of a merge, from SQLite."""
    for target in ("duckdb", "postgres"):
        made = _pair(request, _made(tmp_path / target), "sqlite", target)
        made.prepare("CREATE TABLE items (id INTEGER PRIMARY KEY, n NUMERIC, N2 decimal)")
        made.prepare("INSERT INTO items VALUES (1, 3, 4), (2, NULL, 5)")
        made.ingest(strategy=strategy, columns=KEY)
        made.prepare("UPDATE items SET id = id + 2, n = 7")
        made.ingest(strategy=strategy, columns=KEY)
        types = made.columns("shop.copy")
        assert [types[name].lower() for name in ("n", "n2")] == [
            {"duckdb": "decimal(38,9)", "postgres": "numeric(38,9)"}[target]
        ] * 2
        assert {row[0] for row in made.copied("n")} - {3, None} == {7}


def test_a_numeric_of_postgres_stays_what_it_is(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Without digits on both sides, as ingestr makes it by itself."""
    made = _pair(request, tmp_path, "sqlite", "postgres")
    made.prepare("CREATE TABLE items (id INTEGER PRIMARY KEY, n NUMERIC)")
    made.prepare("INSERT INTO items VALUES (1, 3)")
    made.ingest(strategy="merge", columns=KEY)
    with opened(made.connection, write=True) as database:
        database.execute("ALTER TABLE shop.copy ALTER COLUMN n TYPE numeric")
    made.ingest(strategy="merge", columns=KEY)
    assert made.columns("shop.copy")["n"] == "numeric"


def test_arrays_of_several_dimensions_are_refused(
    request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """ingestr makes one of them; those of one dimension are copied, whatever is declared."""
    made = _pair(request, tmp_path, "postgres", "duckdb")
    made.prepare("CREATE TABLE items (id INT, a INT[][])", "INSERT INTO items VALUES (1, '{1,2}')")
    assert made.ingest()["rows"] == 1
    made.prepare("INSERT INTO items VALUES (2, '{{1,2},{3,4}}')")
    with pytest.raises(StepFailed, match="'a' of items holds arrays of several dimensions"):
        made.ingest()
    made.ingest("query:select id, to_json(a) as a from items")
    assert [str(row[0]).replace(" ", "") for row in made.copied("a")] == ["[1,2]", "[[1,2],[3,4]]"]
