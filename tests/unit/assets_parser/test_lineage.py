"""Lineage of a pipeline: declared, read by SQL, and column by column."""

from typing import Any

from assets_parser.lineage import Lineage
from assets_parser.model import Asset, Column, ColumnUpstream, Dependency, DependencyColumn
from tests.support.pipelines import asset, pipeline


def _sql(name: str, *depends: str, **fields: Any) -> Asset:
    return asset(name, *depends, type="duckdb.sql", **fields)


def _lineage(assets: list[Asset], **queries: str) -> Lineage:
    return Lineage(pipeline(*assets), {name.replace("__", "."): q for name, q in queries.items()})


def _edges(found: Lineage, name: str) -> list[tuple[str, str]]:
    return [(edge.name, edge.kind) for edge in found.upstreams[name]]


def _columns(found: Lineage, name: str) -> dict[str, str]:
    return {
        one.name: " ".join(f"{up.table}.{up.column}" for up in one.upstreams)
        for one in found.columns[name]
    }


def test_declared_upstreams_come_first_and_sql_adds_what_it_reads() -> None:
    assets = [_sql("raw.A"), _sql("raw.b"), _sql("raw.c"), _sql("mart.m", "raw.b", "~raw.c")]
    query = "select * from raw.a join raw.b using (id) join raw.c using (id), Ext.T, mart.m"
    found = _lineage(assets, mart__m=query)
    assert _edges(found, "mart.m") == [
        ("raw.b", "declared"),
        ("raw.c", "symbolic"),
        ("raw.A", "read"),
        ("ext.t", "external"),
    ]
    assert [(edge.name, edge.kind) for edge in found.downstreams["raw.A"]] == [("mart.m", "read")]


def test_words_of_sql_that_cannot_be_parsed_are_tables_only_if_they_are_assets() -> None:
    found = _lineage([_sql("raw.a"), _sql("b"), _sql("mart.m")], mart__m="b of raw.a, not x.y")
    assert _edges(found, "mart.m") == [("raw.a", "read")]


def test_a_star_stands_for_the_upstreams_own_columns() -> None:
    declared = (Column(name="ID", type="integer"), Column(name="n", type="bigint"))
    assets = [_sql("mart.m"), _sql("stg.s"), asset("raw.a", columns=declared)]
    found = _lineage(
        assets, stg__s="select *, n * 2 as twice from raw.a", mart__m="select s.* from stg.s s"
    )
    assert _columns(found, "stg.s") == {"ID": "raw.a.ID", "n": "raw.a.n", "twice": "raw.a.n"}
    assert _columns(found, "mart.m") == {"ID": "stg.s.ID", "n": "stg.s.n", "twice": "stg.s.twice"}
    assert [one.type for one in found.columns["mart.m"]] == ["integer", "bigint", ""]


def test_what_is_declared_stays_and_gains_what_is_found() -> None:
    own = (
        Column(name="Total", type="decimal", upstreams=(ColumnUpstream(table="x.y", column="z"),)),
        Column(name="gone", type="text"),
    )
    found = _lineage([_sql("mart.m", columns=own)], mart__m="select sum(n) as total from ext.t")
    assert _columns(found, "mart.m") == {"Total": "x.y.z ext.t.n", "gone": ""}
    assert [one.type for one in found.columns["mart.m"]] == ["decimal", "text"]


def test_python_has_only_what_it_declares() -> None:
    uses = Dependency(value="raw.a", columns=(DependencyColumn(name="id"),))
    column = Column(name="k", upstreams=(ColumnUpstream(table="raw.a", column="id"),))
    script = Asset(name="p", type="python", path="p.py", depends=(uses,), columns=(column,))
    found = _lineage([asset("raw.a"), script])
    assert found.upstreams["p"][0].columns == ("id",)
    assert _columns(found, "p") == {"k": "raw.a.id"}


def test_a_cycle_has_a_lineage_too() -> None:
    found = _lineage([_sql("a.a"), _sql("b.b")], a__a="select * from b.b", b__b="select * from a.a")
    assert _columns(found, "b.b") == {"*": "a.a.*"}
