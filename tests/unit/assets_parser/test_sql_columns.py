"""Which columns a query's output columns come from."""

import pytest

from assets_parser.sql_columns import outputs

_TABLES = {"raw.o": ["id", "n", "day"], "raw.c": ["id", "name"]}


def _origins(sql: str, dialect: str = "duckdb") -> dict[str, str]:
    found = outputs(sql, dialect, "mart.a", _TABLES.get)
    return {one.name: " ".join(f"{at.table}.{at.column}" for at in one.origins) for one in found}


@pytest.mark.parametrize(
    ("sql", "origins"),
    [
        (
            "select o.id, sum(n) as total, name, day || name d from raw.o o join raw.c c on true",
            {
                "id": "raw.o.id",
                "total": "raw.o.n",
                "name": "raw.c.name",
                "d": "raw.o.day raw.c.name",
            },
        ),
        (
            "select * from RAW.o join raw.c using (id)",
            {"id": "raw.o.id", "n": "raw.o.n", "day": "raw.o.day", "name": "raw.c.name"},
        ),
        (
            "with a as (select id, n * 2 as m from raw.o), b(x, y) as (select * from a union all "
            "select id, 0 from raw.c) select x, y + 1 as z from b",
            {"x": "raw.o.id raw.c.id", "z": "raw.o.n"},
        ),
        ("select a, b.* from ext.T b", {"a": "ext.t.a", "*": "ext.t.*"}),
        ("select x.y as q from (select * from ext.t) x", {"q": "ext.t.y"}),
        ("select n + 1 as k, k * 2 as l from raw.o", {"k": "raw.o.n", "l": "raw.o.n"}),
        (
            "select * exclude (n) replace (id + n as id) from raw.o",
            {"id": "raw.o.id raw.o.n", "day": "raw.o.day"},
        ),
        (
            "select (select max(name) from raw.c where raw.c.id = o.id) as m, count(*) c, 1 as one "
            "from raw.o o where exists (select 1 from raw.c)",
            {"m": "raw.c.name", "c": "", "one": ""},
        ),
        (
            "with recursive r as (select id, 1 as lvl from raw.o union all select id, lvl + 1 "
            "from r) select * from r",
            {"id": "raw.o.id", "lvl": ""},
        ),
        ("select raw.o.day from raw.o, read_csv('x.csv') f", {"day": "raw.o.day"}),
        (
            "create table mart.a as select id from raw.o; create table b as select 1",
            {"id": "raw.o.id"},
        ),
        ("set x = 1; select name from raw.c; drop table y", {"name": "raw.c.name"}),
        (
            "select * from raw.o anti join raw.c using (id)",
            {"id": "raw.o.id", "n": "raw.o.n", "day": "raw.o.day"},
        ),
        ("no sql", {}),
        ("pivot raw.o on day using sum(n)", {}),
    ],
)
def test_each_output_column_knows_its_sources(sql: str, origins: dict[str, str]) -> None:
    assert _origins(sql) == origins


def test_postgres_too() -> None:
    sql = 'select distinct on (id) id::text as "Id", n filter_n from raw.o order by id, n'
    assert _origins(sql, "postgres") == {"Id": "raw.o.id", "filter_n": "raw.o.n"}


def test_only_a_plain_column_is_a_copy() -> None:
    sql = "select a.id, a.m, n as k from (select id, n + 1 as m, n from raw.o) a"
    assert [one.is_copy for one in outputs(sql, "duckdb", "t", _TABLES.get)] == [True, False, True]


def test_stars_that_double_without_end_are_given_up() -> None:
    sql = "select * from raw.o"
    for _ in range(40):
        sql = f"select a.*, a.* from ({sql}) a"
    assert _origins(sql) == {}


def test_a_long_chain_of_steps_is_followed() -> None:
    steps = ["a0 as (select * from raw.o)"]
    steps += [f"a{i} as (select x.n + y.n as n from a{i - 1} x, a{i - 1} y)" for i in range(1, 200)]
    assert _origins(f"with {', '.join(steps)} select n from a199") == {"n": "raw.o.n"}
