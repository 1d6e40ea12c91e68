"""What the catalog knows of an ended run's rest."""

from typing import Any

import pytest
from sqlalchemy import Engine

from assets_parser.model import Materialization
from catalog import artifacts, claims, levels, remains, runs
from catalog.claims import CheckRow, StepError
from tests.support import catalogs as c
from tests.support.plans import asset, plan, record

FULL = ("materialize", "load", "checks")
DATA = {"path": "runs/x/a.1.arrow", "rows": 1, "bytes": 9, "digest": "sha256:0"}


def failed_at(engine: Engine, step: str, **fields: Any) -> str:
    """A run whose only asset fails in this step."""
    run_id = record(engine, plan([asset("a", steps=FULL, **fields)]))
    c.begin(engine, run_id)
    for earlier in FULL[: FULL.index(step)]:
        c.succeed(engine, run_id, "a", earlier, **({"data": DATA} if earlier == FULL[0] else {}))
    c.fail(engine, run_id, "a", step)
    levels.advance(engine, run_id)
    return run_id


def test_the_newest_run_of_a_pipeline_in_its_project(engine: Engine) -> None:
    assert remains.newest(engine, "/project", "pipeline.yml") is None
    record(engine, plan([asset("a")]))
    c.change(engine, "UPDATE runs SET created_at = created_at - 10")
    second = record(engine, plan([asset("a")]))
    record(engine, plan([asset("a")]), project="/elsewhere")
    assert remains.newest(engine, "/project", "pipeline.yml") == second


def test_steps_that_succeeded_and_what_the_last_of_them_left(engine: Engine) -> None:
    left = remains.left(engine, failed_at(engine, "load"))["a"]
    assert (left.over, left.done, left.begun) == (False, ("materialize",), "load")
    assert left.given is not None and left.given["data"]["path"] == DATA["path"]


@pytest.mark.parametrize(("kind", "written"), [("hook", "yes"), ("lost", "perhaps"), ("query", "")])
def test_whether_the_rows_of_a_failed_append_are_there(
    engine: Engine, kind: str, written: str
) -> None:
    form = Materialization(type="table", strategy="append")
    run_id = record(engine, plan([asset("a", steps=("query", "checks"), materialization=form)]))
    c.begin(engine, run_id)
    claims.fail(engine, c.take(engine, run_id, "a", "query"), StepError(kind=kind, message="no"))
    assert remains.left(engine, run_id)["a"].written == written


def test_data_that_was_removed_is_not_given(engine: Engine) -> None:
    run_id = failed_at(engine, "load")
    c.change(engine, "UPDATE artifacts SET removed_at = 1.0")
    assert remains.left(engine, run_id)["a"].given is None


def test_an_asset_that_never_ran_has_done_nothing(engine: Engine) -> None:
    run_id = record(engine, plan([asset("a")], [asset("b", "a", steps=FULL)]))
    c.begin(engine, run_id)
    c.fail(engine, run_id, "a")
    levels.advance(engine, run_id)
    left = remains.left(engine, run_id)
    assert (left["b"].done, left["b"].begun, left["b"].over) == ((), "", False)


def test_what_succeeded_is_over(engine: Engine) -> None:
    run_id = record(engine, plan([asset("a")]))
    c.begin(engine, run_id)
    c.succeed(engine, run_id, "a")
    assert remains.left(engine, run_id)["a"].over


def test_checks_that_passed_when_they_were_asked_last(engine: Engine) -> None:
    run_id = record(engine, plan([asset("a", steps=("checks",), retries=1)]))
    c.begin(engine, run_id)
    rows = [CheckRow(id=f"a:n:{name}", name=name, passed=name != "unique") for name in ("unique",)]
    rows += [CheckRow(id="a:n:min", name="min", passed=True)]
    error = StepError(kind="checks", message="1 of 2 checks failed")
    for _ in range(2):
        claims.fail(engine, c.take(engine, run_id, "a", "checks"), error, rows)
    assert remains.left(engine, run_id)["a"].passed == {"a:n:min"}


def test_a_run_is_continued_once(engine: Engine) -> None:
    """Twice, and what is left would be done twice."""
    first = failed_at(engine, "load")
    second = record(engine, plan([asset("a")], continues=first))
    with pytest.raises(runs.ContinuedAlready, match=second):
        record(engine, plan([asset("a")], continues=first))
    assert record(engine, plan([asset("a")], continues=second))


def test_a_continuing_run_owns_the_data_that_it_is_given_and_removes_it_for_both(
    engine: Engine,
) -> None:
    first = failed_at(engine, "load")
    spec = asset("a", steps=("load",), given={"data": DATA})
    second = record(engine, plan([spec], continues=first))
    assert [one.path for one in artifacts.of_run(engine, second)] == [DATA["path"]]
    c.begin(engine, second)
    c.succeed(engine, second, "a", "load")
    for run_id in (first, second):
        assert all(one.removed_at for one in artifacts.of_run(engine, run_id))
    assert remains.left(engine, first)["a"].given is None
    assert runs.options(engine, second).continues == first
