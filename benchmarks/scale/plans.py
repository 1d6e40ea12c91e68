"""Runs of many assets for the catalog, and engines to keep them in."""

from sqlalchemy import Engine

from assets_parser.spec import AssetSpec, Plan, RunOptions
from catalog import runs

FLEET = "scale"
_DAY = "2026-01-01T00:00:00+00:00"


def plan(assets: int, levels: int) -> Plan:
    """Scripts, each of which waits for one of the level above."""
    wide = assets // levels
    names = [[f"l{level}.a{n:05d}" for n in range(wide)] for level in range(levels)]
    made = tuple(
        tuple(_spec(name, (names[level - 1][n],) if level else ()) for n, name in enumerate(row))
        for level, row in enumerate(names)
    )
    options = RunOptions(start=_DAY, end=_DAY, execution=_DAY)
    return Plan(pipeline="scale", root="/", path="pipeline.yml", options=options, levels=made)


def _spec(name: str, upstreams: tuple[str, ...]) -> AssetSpec:
    path = f"assets/{name}.py"
    return AssetSpec(
        pipeline="scale",
        name=name,
        type="python",
        path=path,
        steps=("script",),
        upstreams=upstreams,
    )


def record(engine: Engine, run_id: str, made: Plan, contract: int) -> None:
    """Write the run into the catalog, as a dispatcher does."""
    runs.record(
        engine,
        made,
        run_id=run_id,
        fleet=FLEET,
        project="/",
        config="",
        submitter="scale",
        contract=contract,
    )
