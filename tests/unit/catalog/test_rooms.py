"""The small tables: workers, artifacts, resolutions, held locks."""

from dataclasses import replace

from sqlalchemy import Engine

from catalog import artifacts, claims, levels, locks, resolutions, workers
from catalog.claims import Want
from catalog.workers import WorkerInfo
from tests.support import catalogs as c
from tests.support.plans import asset, plan, record

W1 = WorkerInfo(
    name="w1@here", fleet="fleet", host="here", pid=7, slots=2, queues=("default",), info={"b": 1}
)


def test_a_worker_lives_while_it_beats_and_until_it_leaves(engine: Engine) -> None:
    workers.register(engine, W1)
    assert [view.info for view in workers.living(engine, "fleet")] == [W1]
    assert workers.living(engine, "another") == []
    c.change(engine, "UPDATE workers SET beat_at = beat_at - 60")
    assert workers.living(engine, "fleet") == []
    assert workers.beat(engine, "w1@here").known
    assert workers.living(engine, "fleet")[0].silent < 20
    workers.leave(engine, "w1@here")
    assert workers.living(engine, "fleet") == []
    assert not workers.beat(engine, "w1@here").known
    assert workers.all_workers(engine)[0].left_at is not None


def test_a_worker_may_come_again_under_its_name(engine: Engine) -> None:
    workers.register(engine, W1)
    workers.leave(engine, W1.name)
    workers.register(engine, replace(W1, pid=8))
    assert [view.info.pid for view in workers.living(engine, "fleet")] == [8]


def test_an_artifacts_row_outlives_its_file(engine: Engine) -> None:
    run_id = record(engine, plan([asset("a")]))
    where = {"run_id": run_id, "asset": "a", "label": "data", "kind": "data"}
    schema = [("id", "int64")]
    with engine.begin() as connection:
        artifacts.add(connection, **where, path="x/old.arrow")
        newest = artifacts.add(connection, **where, path="x/data.arrow", schema=schema, rows=3)
    (view,) = artifacts.of_run(engine, run_id)
    assert (view.id, view.path, view.schema, view.rows) == (
        newest,
        "x/data.arrow",
        [["id", "int64"]],
        3,
    )
    with engine.begin() as connection:
        artifacts.removed(connection, run_id=run_id, asset="a", label="data")
    assert artifacts.of_run(engine, run_id)[0].removed_at is not None


def test_the_first_resolution_wins_until_it_is_old(engine: Engine) -> None:
    assert resolutions.get(engine, "k", 60.0) is None
    assert resolutions.put_if_absent(engine, "k", "pandas==1") == "pandas==1"
    assert resolutions.put_if_absent(engine, "k", "pandas==2") == "pandas==1"
    assert resolutions.get(engine, "k", 60.0) == "pandas==1"
    c.change(engine, "UPDATE resolutions SET created_at = created_at - 100000")
    assert resolutions.get(engine, "k", 60.0) is None
    assert resolutions.put_if_absent(engine, "k", "pandas==2") == "pandas==2"


def test_held_locks_name_their_holders(engine: Engine) -> None:
    run_id = record(engine, plan([asset("a")]))
    c.begin(engine, run_id)
    claim = c.take(engine, run_id, "a", locks=[Want(name="duckdb:/x", what="duckdb:shop")])
    (held,) = locks.held(engine)
    assert (held.name, held.asset, held.worker, held.expired) == ("duckdb:/x", "a", "w1", False)
    c.expire(engine, claim)
    assert locks.held(engine)[0].expired


def test_the_data_of_a_materialization_is_an_artifact_until_it_is_loaded(engine: Engine) -> None:
    """What passed between two steps stays known, with its shape, after its file is gone."""
    run_id = record(engine, plan([asset("a", steps=("materialize", "load"))]))
    levels.begin(engine, run_id)
    data = {"path": "x/data.arrow", "rows": 3, "bytes": 90, "digest": "d", "schema": [["id", "i"]]}
    made = claims.claim(engine, run_id, "a", "materialize", worker="w", pid=1)
    assert isinstance(made, claims.Claim)
    claims.succeed(engine, made, {"data": data})
    (kept,) = artifacts.of_run(engine, run_id)
    assert (kept.path, kept.rows, kept.bytes, kept.removed_at) == ("x/data.arrow", 3, 90, None)
    load = claims.claim(engine, run_id, "a", "load", worker="w", pid=1)
    assert isinstance(load, claims.Claim)
    claims.succeed(engine, load, {"rows": 3})
    (gone,) = artifacts.of_run(engine, run_id)
    assert gone.removed_at is not None and gone.schema == [["id", "i"]]
