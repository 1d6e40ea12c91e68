"""What a run will do for one asset, in few words. Used by plan_text."""

from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from assets_parser.spec import AssetSpec, Plan
from dispatcher.plan_envs import NOTHING, packages
from dispatcher.preparing import Prepared
from dispatcher.terminal import printable

_REBUILT = ("scd2_by_column", "scd2_by_time")  # a full refresh rebuilds them in their own way
_UNKEYED = ("", "create+replace", "append", "truncate+insert", "ddl")


def work(spec: AssetSpec, plan: Plan) -> str:
    """`merge (id)`, `view`, `seed data/x.csv`, `ingest shop.orders from pg`, `sensor, once`."""
    say = _WORK.get(spec.steps[0]) if spec.steps else None
    return printable(say(spec, plan)) if say else "nothing"


def runtime(plan: Plan, spec: AssetSpec) -> str:
    """What runs it: `python 3.11, pandas 2.3.1 +4`, or the asset's type."""
    if not {"script", "materialize"} & set(spec.steps) or spec.type == "r":
        return printable(spec.type)
    found = packages(plan, spec)
    return f"python {spec.python}" + ("" if found == NOTHING else f", {found}")


def destination(spec: AssetSpec, prepared: Prepared) -> str:
    """Where it goes: `duckdb:shop`, or the connection's name alone if its type is not known."""
    if not spec.connection or not set(spec.steps) - {"script"}:
        return ""
    raw = prepared.environment.connections.get(spec.connection)
    return printable(f"{raw.type}:{spec.connection}" if raw else spec.connection)


def after(spec: AssetSpec) -> str:
    """The assets that it waits for; of many the first ones."""
    names = list(spec.upstreams)
    more = f" +{len(names) - 3}" if len(names) > 4 else ""
    return f"after {', '.join(names[:3] if more else names)}{more}" if names else ""


def _query(spec: AssetSpec, plan: Plan) -> str:
    kind = spec.materialization.type
    if kind == "view":
        return "view"
    return _strategy(spec, plan) if kind else "query"


def _strategy(spec: AssetSpec, _: Plan) -> str:
    how = spec.materialization
    if spec.full_refresh and how.strategy != "ddl":
        rebuilt = how.strategy if how.strategy in _REBUILT else "create+replace"
        return f"{rebuilt} (full refresh)"
    key = how.incremental_key or ", ".join(c.name for c in spec.columns if c.primary_key)
    shown = f" ({key})" if key and how.strategy not in _UNKEYED else ""
    return (how.strategy or "create+replace") + shown


def _seed(spec: AssetSpec, plan: Plan) -> str:
    """The seed's file, from the pipeline's folder; of an address no more than host and path."""
    path = str(spec.parameters.get("path") or spec.parameters.get("file") or "")
    if "://" in path:
        return f"seed {_address(path)}"
    place = PurePosixPath(spec.path).parent / path
    folder = PurePosixPath(plan.path).parent
    shown = place.relative_to(folder) if place.is_relative_to(folder) else place
    return f"seed {_normal(shown)}"


def _address(url: str) -> str:
    try:
        where = urlsplit(url)
    except ValueError:  # the step will say what is wrong with it
        return "of the web"
    return f"{where.hostname or ''}{where.path}"


def _normal(path: PurePosixPath) -> PurePosixPath:
    parts: list[str] = []
    for part in path.parts:
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return PurePosixPath(*parts)


def _ingest(spec: AssetSpec, _: Plan) -> str:
    given = spec.parameters
    words = ["ingest", str(given.get("source_table") or "")]
    words += ["from", str(given.get("source_connection") or "?")]
    how = spec.materialization.strategy or str(given.get("incremental_strategy") or "")
    return " ".join(filter(None, words)) + (f", {how}" if how else "")


def _sensor(_: AssetSpec, plan: Plan) -> str:
    return f"sensor, {plan.options.sensor_mode or 'once'}"


_WORK: Mapping[str, Callable[[AssetSpec, Plan], str]] = {  # by the first step
    "script": lambda *_: "script",
    "materialize": _strategy,
    "query": _query,
    "seed": _seed,
    "ingest": _ingest,
    "sensor": _sensor,
    "checks": lambda *_: "checks only",
}
