"""workers.query_failures: what a person reads when an engine refuses a statement."""

from pathlib import Path

from assets_parser.spec import AssetSpec
from workers import query_failures
from workers.sql.scripts import Statement


def test_the_caret_of_the_engine_points_at_its_word(tmp_path: Path) -> None:
    """DuckDB and PostgreSQL write `LINE 1: ` before the line, and the caret below."""
    query = "select i.nam from items as i"
    (tmp_path / "a.sql").write_text(f"/* @bruin\n@bruin */\n{query}\n", "utf-8")
    spec = AssetSpec(
        pipeline="shop",
        name="a",
        type="duckdb.sql",
        path="a.sql",
        body_path="a.sql",
        steps=("query",),
    )
    said = f'no column "nam"\n\nLINE 1: {query}\n{" " * 15}^'
    statement = Statement(text=query, first=1, last=1, line=3)
    failed = query_failures.of(said, statement, spec, tmp_path)
    assert [frame.line for frame in failed.frames] == [3]
    assert failed.detail == f"{query}\n{' ' * 7}^"
