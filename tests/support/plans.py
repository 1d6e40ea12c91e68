"""Small plans for tests of the catalog and of what reads it."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Engine

from assets_parser.spec import AssetSpec, Plan, RunOptions
from catalog import runs

OPTIONS: dict[str, str] = {
    "start": "2026-01-14T00:00:00+00:00",
    "end": "2026-01-15T00:00:00+00:00",
    "execution": "2026-01-15T13:45:30+00:00",
}


def asset(name: str, *upstreams: str, **fields: Any) -> AssetSpec:
    """An asset that is one script, unless `steps` say otherwise."""
    given = {
        "pipeline": "shop",
        "type": "python",
        "path": f"assets/{name}.py",
        "steps": ("script",),
    }
    return AssetSpec(**given | {"name": name, "upstreams": upstreams} | fields)


def plan(*levels: Sequence[AssetSpec], **options: Any) -> Plan:
    """A plan of these levels."""
    return Plan(
        pipeline="shop",
        root="/project",
        path="pipeline.yml",
        options=RunOptions(**OPTIONS | options),
        levels=tuple(tuple(level) for level in levels),
    )


def wide(levels: int, width: int, steps: Sequence[str] = ("materialize", "load", "checks")) -> Plan:
    """A plan of `levels` levels of `width` assets; each depends on one of the level before."""
    return plan(
        *(
            [
                asset(f"l{level}.a{n}", *([f"l{level - 1}.a{n}"] if level else []), steps=steps)
                for n in range(width)
            ]
            for level in range(levels)
        )
    )


def record(engine: Engine, made: Plan, fleet: str = "fleet", **where: Any) -> str:
    """Write the plan into the catalog; the new run's id."""
    run_id = secrets.token_hex(3)
    places: Mapping[str, str] = {"project": "/project", "config": "", "submitter": "me@here, 1"}
    runs.record(engine, made, run_id=run_id, fleet=fleet, **{**places, **where})
    return run_id
