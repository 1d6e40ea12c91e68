"""Checks that are tried again, on a real table: only what failed is asked, with its own count."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from assets_parser.model import Check, Column, CustomCheck
from assets_parser.spec import AssetSpec
from catalog.values import CheckRow
from tests.support import tables
from tests.support.tables import Target
from workers import checks, rechecks

CHECKS = (Check(name="not_null"), Check(name="unique", retries=1), Check(name="positive"))
OWN = (
    CustomCheck(name="Count", query="select count(*) from shop.orders", value=2),
    CustomCheck(name="Sum", query="select sum(n) from shop.orders", value=3, retries=0),
)


@pytest.fixture
def target(tmp_path: Path) -> Target:
    """A table of which some checks hold."""
    made = tables.duckdb(tmp_path)
    made.execute("CREATE SCHEMA shop", "CREATE TABLE shop.orders AS SELECT 1 AS n")
    return made


def ask(target: Target, number: int, earlier: tuple[CheckRow, ...] = ()) -> tuple[CheckRow, ...]:
    """The outcomes of one attempt."""
    target.log.lines.clear()
    spec = AssetSpec(
        pipeline="shop",
        name="shop.orders",
        type="python",
        path="assets/orders.py",
        steps=("script", "checks"),
        connection="db",
        columns=(Column(name="n", checks=CHECKS),),
        custom_checks=OWN,
        retries=3,
    )
    claim: Any = SimpleNamespace(run_id="7f3k2", asset=spec.name, number=number, earlier=earlier)
    result = rechecks.run(checks.run, replace(target.context(spec, "checks", {}), claim=claim))
    assert result.result["passed"] == sum(row.passed for row in result.checks)
    return result.checks


def test_only_what_failed_is_asked_again_and_all_results_stay_in_order(target: Target) -> None:
    first = ask(target, 1)
    assert [row.passed for row in first] == [True, True, True, False, False]
    assert [row.retries for row in first] == [3, 1, 3, 3, 0]
    target.execute("INSERT INTO shop.orders VALUES (2), (NULL)")
    second = ask(target, 2, first)
    assert [row.id for row in second] == [row.id for row in first]
    assert [row.passed for row in second] == [True, True, True, False, False]
    assert len(target.log.lines) == 1, "more than the check with retries was asked"
    assert second[3].observed == "3", "an old result was kept for a check that was asked"


def test_a_check_without_retries_left_keeps_its_result_although_it_would_pass_now(
    target: Target,
) -> None:
    first = ask(target, 1)
    target.execute("INSERT INTO shop.orders VALUES (2)")
    second = ask(target, 2, first)
    assert [row.passed for row in second] == [True, True, True, True, False]


def test_all_are_asked_where_nothing_is_known_of_an_earlier_attempt(target: Target) -> None:
    ask(target, 2)
    assert len(target.log.lines) == 5
