"""dispatcher.plan_words: what a plan says of each kind of asset."""

from typing import Any

import pytest

from assets_parser.model import Column, Materialization
from assets_parser.spec import AssetSpec, Plan
from dispatcher import plan_words
from tests.support.pipelines import options

ID = (Column(name="id", primary_key=True),)


def _spec(*steps: str, **fields: Any) -> AssetSpec:
    usual = {"pipeline": "p", "name": "a.b", "type": "duckdb.sql", "path": "flow/assets/x/a.sql"}
    return AssetSpec(**(usual | fields), steps=steps)  # type: ignore[arg-type]


def _table(strategy: str = "", **fields: Any) -> Materialization:
    return Materialization(type="table", strategy=strategy, **fields)


def _plan(**chosen: Any) -> Plan:
    return Plan(pipeline="p", root="/r", path="flow/pipeline.yml", options=options(**chosen))


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (_spec("script"), "script"),
        (_spec("query"), "query"),
        (_spec("query", materialization=Materialization(type="view")), "view"),
        (_spec("query", "checks", materialization=_table()), "create+replace"),
        (_spec("query", materialization=_table("merge"), columns=ID), "merge (id)"),
        (_spec("query", materialization=_table("append"), columns=ID), "append"),
        (
            _spec("materialize", "load", materialization=_table("merge"), full_refresh=True),
            "create+replace (full refresh)",
        ),
        (
            _spec("query", materialization=_table("scd2_by_column"), full_refresh=True),
            "scd2_by_column (full refresh)",
        ),
        (_spec("query", materialization=_table("ddl"), full_refresh=True), "ddl"),
        (
            _spec("query", materialization=_table("time_interval", incremental_key="day")),
            "time_interval (day)",
        ),
        (_spec("seed", parameters={"path": "../../data/./p.csv"}), "seed data/p.csv"),
        (_spec("seed", parameters={"path": "../../../up.csv"}), "seed ../up.csv"),
        (
            _spec("seed", parameters={"path": "https://u:secret@host/p.csv?sig=secret"}),
            "seed host/p.csv",
        ),
        (_spec("seed", parameters={"path": "https://u:secret@[host/p.csv"}), "seed of the web"),
        (
            _spec("ingest", parameters={"source_table": "s.t", "source_connection": "app"}),
            "ingest s.t from app",
        ),
        (
            _spec("ingest", parameters={"source_table": "s.t"}, materialization=_table("append")),
            "ingest s.t from ?, append",
        ),
        (_spec("sensor"), "sensor, once"),
        (_spec("checks"), "checks only"),
        (_spec(), "nothing"),
    ],
)
def test_each_kind_of_asset_says_what_it_does(spec: AssetSpec, words: str) -> None:
    assert plan_words.work(spec, _plan()) == words


def test_a_sensor_says_how_it_looks() -> None:
    assert plan_words.work(_spec("sensor"), _plan(sensor_mode="wait")) == "sensor, wait"


def test_many_upstreams_are_counted() -> None:
    assert plan_words.after(_spec(upstreams=tuple("abcd"))) == "after a, b, c, d"
    assert plan_words.after(_spec(upstreams=tuple("abcdef"))) == "after a, b, c +3"


def test_what_runs_an_asset_is_its_python_or_its_type() -> None:
    assert plan_words.runtime(_plan(), _spec("script", type="python")) == "python 3.11"
    assert plan_words.runtime(_plan(), _spec("script", type="r")) == "r"
    assert plan_words.runtime(_plan(), _spec("query")) == "duckdb.sql"
