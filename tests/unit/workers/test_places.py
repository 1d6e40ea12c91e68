"""Where a failure that names no line is looked for first."""

from pathlib import Path

import pytest

from assets_parser.model import Check, Column, CustomCheck
from assets_parser.spec import AssetSpec
from catalog.values import CheckRow
from workers import places
from workers.errors import Frame, Kind, StepFailed

TEXT = """/* @bruin
name: shop.t
columns:
  - name: id
    checks:
      - name: unique
custom_checks:
  - name: Two Rows
@bruin */
select 1 as id
"""
SPEC = AssetSpec(
    pipeline="shop",
    name="shop.t",
    type="duckdb.sql",
    path="assets/t.sql",
    body_path="assets/t.sql",
    query_line=10,
    steps=("query", "checks"),
    columns=(
        Column(
            name="id",
            checks=(Check(name="unique", line=6), Check(name="not_null", line=4)),
        ),
    ),
    custom_checks=(CustomCheck(name="Two Rows", query="select 2", line=8),),
)


def failed(name: str, column: str = "") -> CheckRow:
    """A check that did not pass."""
    middle = column or "custom"
    slug = name.lower().replace(" ", "_")
    return CheckRow(id=f"shop.t:{middle}:{slug}", name=name, column=column, passed=False)


def test_a_failed_check_is_where_it_is_declared(tmp_path: Path) -> None:
    """Each with its line; that of not_null is a line of another file, the pipeline's defaults."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "t.sql").write_text(TEXT, "utf-8")
    rows = [failed("unique", "id"), failed("not_null", "id"), failed("Two Rows")]
    assert places.of_checks(rows, SPEC, tmp_path) == (
        Frame(file="assets/t.sql", line=6, function="", source="- name: unique"),
        Frame(file="assets/t.sql", line=8, function="", source="- name: Two Rows"),
    )
    assert places.of_checks(rows, SPEC, tmp_path / "gone") == ()


@pytest.mark.parametrize(
    ("kind", "step", "line"),
    [("query", "query", 10), ("config", "query", 1), ("load", "load", 1), ("script", "script", 1)],
)
def test_all_else_is_at_the_query_or_the_definition(kind: Kind, step: str, line: int) -> None:
    """So that every failure says which file it is about."""
    frame = Frame(file="assets/t.sql", line=line, function="")
    assert places.of(StepFailed(kind, "no"), SPEC, step) == (frame,)


def test_what_is_not_about_the_asset_has_no_place() -> None:
    """A server that is away, or a worker that was lost; and a failure that knows its own line."""
    own = (Frame(file="a.py", line=3, function="f"),)
    assert places.of(StepFailed("query", "no", frames=own), SPEC, "query") == own
    kinds: tuple[Kind, ...] = ("connection", "lost", "cancelled", "timeout", "env")
    assert not any(places.of(StepFailed(kind, "no"), SPEC, "query") for kind in kinds)
