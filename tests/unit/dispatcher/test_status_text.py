"""dispatcher.status_text: a run that ends while it is looked at."""

import json
from typing import Any

import pytest
from sqlalchemy import Engine

from catalog import claims, levels, runs
from catalog.claims import CheckRow
from dispatcher import status_text
from tests.support import catalogs as c
from tests.support.plans import asset, plan, record


@pytest.mark.parametrize("name", ["get", "asset_runs", "step_views", "check_results"])
def test_a_run_that_is_over_has_all_of_its_results(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """It ends right after one of the questions: what is told is of before, or whole."""
    run_id = record(engine, plan([asset("a", steps=("script", "checks"))]))
    c.begin(engine, run_id)
    c.succeed(engine, run_id, "a")
    claim = c.take(engine, run_id, "a", "checks")
    check = CheckRow(id="a:id:unique", name="unique", blocking=True, passed=True)
    ask = getattr(runs, name)

    def then_it_ends(*args: Any) -> Any:
        found = ask(*args)
        if not claims.succeed(engine, claim, {}, (check,)).refused:
            levels.advance(engine, run_id)
        return found

    monkeypatch.setattr(runs, name, then_it_ends)
    told = json.loads(status_text.document(engine, runs.get(engine, run_id)))
    assert told["state"] == "running"
    (found,) = told["assets"]
    if found["state"] == "succeeded":
        assert found["main"] == "succeeded"
        assert [step["state"] for step in found["steps"]] == ["succeeded", "succeeded"]
        assert told["check_counts"] == {"passed": 1, "failed": 0}
