"""Short words for tests that drive a catalog by hand."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Engine, text

from catalog import claims, levels, runs
from catalog.claims import Claim, Ended, StepError, Want
from catalog.views import AssetView


def take(
    engine: Engine, run_id: str, asset: str, step: str = "script", *, locks: Sequence[Want] = ()
) -> Claim:
    """Claim a step that can be claimed."""
    got = try_to_take(engine, run_id, asset, step, locks=locks)
    assert isinstance(got, Claim), got
    return got


def try_to_take(
    engine: Engine,
    run_id: str,
    asset: str,
    step: str = "script",
    *,
    locks: Sequence[Want] = (),
    worker: str = "w1",
) -> Any:
    """Claim a step, whatever comes of it."""
    return claims.claim(engine, run_id, asset, step, worker=worker, pid=1, locks=locks, lease=60.0)


def succeed(engine: Engine, run_id: str, asset: str, step: str = "script", **result: Any) -> Ended:
    """Claim a step and end it well."""
    ended = claims.succeed(engine, take(engine, run_id, asset, step), result)
    assert not ended.refused
    return ended


def fail(
    engine: Engine, run_id: str, asset: str, step: str = "script", message: str = "it broke"
) -> Ended:
    """Claim a step and let it fail."""
    return claims.fail(
        engine, take(engine, run_id, asset, step), StepError(kind="script", message=message)
    )


def assets(engine: Engine, run_id: str) -> dict[str, AssetView]:
    """The assets of a run by name."""
    return {view.asset: view for view in runs.asset_runs(engine, run_id)}


def states(engine: Engine, run_id: str) -> dict[str, str]:
    """The states of the assets of a run by name."""
    return {name: view.state.value for name, view in assets(engine, run_id).items()}


def steps(engine: Engine, run_id: str) -> dict[tuple[str, str], str]:
    """The states of the steps of a run."""
    return {(view.asset, view.step): view.state.value for view in runs.step_views(engine, run_id)}


def expire(engine: Engine, claim: Claim) -> None:
    """Let the lease of a claim be over."""
    change(engine, "UPDATE steps SET lease_until = 1.0 WHERE id = :id", id=claim.step_id)


def change(engine: Engine, statement: str, **values: Any) -> None:
    """Change the catalog behind its back, as time or a crash would."""
    with engine.begin() as connection:
        connection.execute(text(statement), values)


def value(engine: Engine, query: str) -> Any:
    """One value of the catalog that no view shows."""
    with engine.connect() as connection:
        return connection.scalar(text(query))


def begin(engine: Engine, run_id: str) -> tuple[str, ...]:
    """Open the first level; the assets to send."""
    opened = levels.begin(engine, run_id)
    assert isinstance(opened, levels.Published), opened
    return tuple(name for name, _ in opened.chains)
