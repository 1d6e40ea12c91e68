"""catalog.placing: which queued steps are looked at again, as they may wait in the wrong place."""

from sqlalchemy import Engine

from catalog import file_homes, placing
from catalog.file_homes import Home
from tests.support import catalogs as c
from tests.support.plans import asset, plan, record


def looked_at(engine: Engine) -> set[str]:
    """The assets whose steps one look finds in queues that nobody serves."""
    return {step.key[1] for step in placing.misplaced(engine, "fleet", ["other"], patience=2.0)}


def test_steps_that_must_stay_where_they_are_hide_no_others(engine: Engine) -> None:
    names = {f"a{number}" for number in range(placing.MANY + 1)}
    c.begin(engine, record(engine, plan([asset(name) for name in sorted(names)])))
    assert len(looked_at(engine)) == placing.MANY
    assert set().union(*(looked_at(engine) for _ in range(8))) == names


def test_a_step_whose_description_cannot_be_read_holds_up_no_other(engine: Engine) -> None:
    c.begin(engine, record(engine, plan([asset("a"), asset("b")])))
    file_homes.add(engine, Home(identity="f", host="h1", path="/data/shop.db"))
    c.change(engine, "UPDATE asset_runs SET spec_json = '{' WHERE asset = 'a'")
    assert looked_at(engine) == {"b"}
