"""What day it is does not depend on the host that a step runs on."""

import threading
from pathlib import Path

import pytest

from assets_parser.model import CustomCheck, Materialization
from assets_parser.spec import AssetSpec
from tests.support import tables
from workers import query_step

ZONE = "SELECT current_setting('TimeZone') AS zone"


def test_duckdb_computes_in_utc_on_every_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A SQL asset and a check on a host that lives in Tokyo."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    target = tables.duckdb(tmp_path)
    spec = AssetSpec(
        pipeline="shop",
        name="main.zone",
        type="duckdb.sql",
        path="assets/zone.sql",
        steps=("query",),
        connection="db",
        query=ZONE,
        materialization=Materialization(type="table"),
    )
    context = target.context(spec, "query", {})
    step = threading.Thread(target=query_step.run, args=[context])  # with a process of its own
    step.start()
    step.join()
    assert target.rows(name="main.zone") == [("UTC",)]
    query = f"SELECT count(*) FROM ({ZONE}) WHERE zone = 'UTC'"
    check = CustomCheck(name="zone", query=query, value=1)
    assert target.check(custom_checks=(check,))["custom:zone"].passed
