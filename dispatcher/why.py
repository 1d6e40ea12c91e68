"""Why an asset is where it is, from the catalog alone: reasons, each with a place to look.

Used by `fleet why`. What it says of a step that waits is in dispatcher.why_waiting.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import Engine

from catalog import claims, runs, workers
from catalog.runs import AssetView, RunView, StepView
from catalog.workers import WorkerView
from dispatcher.problems import FleetError, nearest
from dispatcher.words import ago, duration, some

_MANY = 5  # assets that are named one by one


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One reason, and the command or file that shows more of it."""

    text: str
    look: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What the catalog says of the run, read once."""

    engine: Engine
    run: RunView
    asset: AssetView
    assets: Mapping[str, AssetView]
    steps: tuple[StepView, ...]
    upstreams: tuple[str, ...]
    workers: tuple[WorkerView, ...]
    lease: float

    @property
    def step(self) -> StepView | None:
        """The step that runs, waits or failed; the last one that ended if none does."""
        named = [step for step in self.steps if step.step == self.asset.step]
        open_ones = [step for step in self.steps if str(step.state) in ("queued", "running")]
        return next(iter([*open_ones, *named, *self.steps]), None)

    def since(self, moment: float | None) -> str:
        """`12s ago` by the catalog's clock."""
        return ago(max(self.run.now - moment, 0.0)) if moment else "never"


def scene(engine: Engine, run: RunView, name: str, lease: float) -> Scene:
    """What there is to know; FleetError if the run has no such asset."""
    steps = tuple(runs.step_views(engine, run.id, name))  # first: a step may end between the two
    assets = {view.asset: view for view in runs.asset_runs(engine, run.id)}
    if name not in assets:
        raise FleetError(f"run {run.id} has no asset '{name}'", hint=nearest(name, assets))
    left_out = assets[name].level < 0
    spec = None if left_out else claims.spec(engine, run.id, name)
    return Scene(
        engine=engine,
        run=run,
        asset=assets[name],
        assets=assets,
        steps=steps,
        upstreams=spec.upstreams if spec else (),
        workers=tuple(w for w in workers.all_workers(engine) if w.info.fleet == run.fleet),
        lease=lease,
    )


def causes(found: Scene) -> Iterator[Cause]:
    """The reasons, the nearest first."""
    from dispatcher import why_waiting

    state = str(found.asset.state)
    if state == "queued" and found.run.level < found.asset.level:
        yield from _level(found)
    elif state in ("queued", "running") and found.step:
        yield from why_waiting.causes(found, found.step)
    elif state == "failed":
        yield from _failed(found)
    elif state == "upstream_failed":
        yield from _upstream(found, found.asset)
    else:
        yield from _over(found)
    yield from _run(found)


def _level(found: Scene) -> Iterator[Cause]:
    """What must end before its level begins."""
    run, asset = found.run, found.asset
    if run.level < 0:
        yield Cause(text=f"run {run.id} has not begun: its first message waits for a worker")
        yield from why_nobody(found)
        return
    yield Cause(
        text=f"its level, {asset.level}, has not begun: level {run.level} goes on",
        look=f"fleet status {run.id}",
    )
    waits_for = [found.assets[name] for name in found.upstreams if name in found.assets]
    yield from (_open(found, view, "upstream") for view in waits_for if not view.ended_at)
    others = [
        view
        for view in found.assets.values()
        if view.level == run.level and not view.ended_at and view not in waits_for
    ]
    yield from (_open(found, view, "of the level,") for view in others[:_MANY])
    if len(others) > _MANY:
        yield Cause(text=f"and {some(len(others) - _MANY, 'more asset')} of that level")


def _open(found: Scene, view: AssetView, who: str) -> Cause:
    what = f"is {view.state}" + (f" ({view.step})" if view.step else "")
    why = f": {view.reason}" if view.reason else ""
    where = f" on {view.worker}" if str(view.step_state) == "running" and view.worker else ""
    return Cause(
        text=f"{who} {view.asset} {what}{where}{why}",
        look=f"fleet why {found.run.id} {view.asset}",
    )


def _failed(found: Scene) -> Iterator[Cause]:
    asset = found.asset
    where = f" on {asset.worker}" if asset.worker else ""
    yield Cause(
        text=f"it failed in {asset.step or 'its run'}{where}, {found.since(asset.ended_at)},"
        f" in attempt {asset.attempt} of {asset.attempts_allowed}:"
        f" {asset.error.get('message') or asset.reason}",
        look=f"fleet logs {found.run.id} {asset.asset}",
    )
    if hint := asset.error.get("hint"):
        yield Cause(text=str(hint))


def _upstream(found: Scene, asset: AssetView) -> Iterator[Cause]:
    """The chain of failures, from the asset up to where it began."""
    seen = {asset.asset}
    yield Cause(text=f"it did not run: {asset.reason}")
    names: tuple[str, ...] = found.upstreams
    while names:
        bad = [found.assets[n] for n in names if n in found.assets and n not in seen]
        bad = [view for view in bad if str(view.state) in _NOT_WELL]
        names = ()
        for view in bad[:1]:
            seen.add(view.asset)
            text = f"upstream {view.asset} is {str(view.state).replace('_', ' ')}"
            told = view.error.get("message") or view.reason
            yield Cause(
                text=f"{text}{f': {told}' if told else ''}",
                look=f"fleet logs {found.run.id} {view.asset}",
            )
            if str(view.state) == "upstream_failed":
                names = claims.spec(found.engine, found.run.id, view.asset).upstreams


_NOT_WELL = ("failed", "upstream_failed", "cancelled")


def _over(found: Scene) -> Iterator[Cause]:
    asset = found.asset
    if asset.level < 0:
        yield Cause(text=f"this run leaves it out: {asset.reason}")
        return
    ran = (asset.ended_at or 0.0) - (asset.started_at or asset.ended_at or 0.0)
    took = f" after {duration(ran)}" if asset.started_at else ""
    where = f" on {asset.worker}" if asset.worker else ""
    why = f": {asset.reason}" if asset.reason else ""
    yield Cause(
        text=f"it is over: {asset.state} {found.since(asset.ended_at)}{took}{where}{why}",
        look=f"fleet logs {found.run.id} {asset.asset}",
    )


def _run(found: Scene) -> Iterator[Cause]:
    """What becomes of the run as a whole, if that is a reason."""
    run = found.run
    if run.stopping and run.ended_at is None:
        yield Cause(
            text=f"run {run.id} is stopping: nothing new begins", look=f"fleet follow {run.id}"
        )


def why_nobody(found: Scene, also: str = "") -> Iterator[Cause]:
    """Said where no worker of the fleet lives."""
    if not living(found):
        yield Cause(
            text=f"no worker of fleet '{found.run.fleet}' lives{also}: start one with fleet worker",
            look="fleet workers --all",
        )


def living(found: Scene) -> list[WorkerView]:
    """The workers that were heard of within a lease."""
    return [one for one in found.workers if not one.left_at and one.silent < found.lease]
