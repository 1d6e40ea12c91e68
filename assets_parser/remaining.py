"""What is left to do of an earlier run: its plan, made again, without what succeeded. Pure.

The dispatcher builds the plan from the earlier run's options and narrows it by what the catalog
knows (catalog.remains). An asset whose own text changed meanwhile starts from its beginning.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from assets_parser import check_ids
from assets_parser.model import Pipeline
from assets_parser.spec import AssetSpec, Plan, Skipped, Step

_UNDONE = frozenset({"", "config", "connection", "query"})  # errors that leave no rows behind

Written: TypeAlias = Literal["", "yes", "perhaps"]
"""Whether a query step that failed has its rows in the table, where a second try would add them
again: "yes" if only a hook behind the commit failed."""

_RECORDED = ("duckdb.", "pg.")  # the database itself keeps which run's rows it has

_SAID = {
    "yes": "has its rows in the table already: only its post hooks run",
    "perhaps": "may have its rows in the table already: its database is asked for its record, and "
    "without one it fails, as it could add them twice",
}
WRITTEN = "written"  # the key by which a continued query step is given it


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What an earlier run did of one asset.

    `spec` is None for one that it left out, for this `reason`. `done` are the steps that succeeded,
    in order; `given` is what the last of them left, None if that is gone; `begun` is the step that
    began and did not succeed; `written` says whether its rows are in the table. `passed`
    are the ids of checks that need not be asked again.
    """

    spec: AssetSpec | None = None
    reason: str = ""
    over: bool = False
    done: tuple[Step, ...] = ()
    begun: str = ""
    written: Written = ""
    given: Mapping[str, Any] | None = None
    passed: frozenset[str] = field(default_factory=frozenset)


def repeatable(spec: AssetSpec, step: Step) -> bool:
    """Whether a second try of the step does no harm: a query that only adds rows may double them.

    A load does not: the database keeps which run's rows it has, or the loads say "at least once".
    """
    recorded = step != "query" or spec.type.startswith(_RECORDED)
    return recorded or spec.full_refresh or not _may_be_half_done(spec)


def _may_be_half_done(spec: AssetSpec) -> bool:
    """Whether the query step can fail with its new rows in the table: behind a hook that runs
    after the commit, or where there are no transactions."""
    outside = bool(spec.hooks.post) or spec.type.startswith("clickhouse.")
    return spec.materialization.strategy == "append" and outside


def written(spec: AssetSpec, step: Step, kind: str) -> Written:
    """What an error of this kind says of the rows of a step that only adds some."""
    if step != "query" or not _appends(spec):
        return ""
    if kind == "hook":
        return "yes"
    half_done = kind == "query" and spec.type.startswith("clickhouse.")
    ended_late = kind not in _UNDONE and _may_be_half_done(spec)
    return "perhaps" if kind == "lost" or half_done or ended_late else ""


def _appends(spec: AssetSpec) -> bool:
    return spec.materialization.strategy == "append" and not spec.full_refresh


def shape(pipeline: Pipeline) -> str:
    """A digest of what must not change for a run to be continued: names, enabled, upstreams."""
    assets = sorted(
        [asset.name, str(asset.enabled), sorted(one.value for one in asset.depends)]
        for asset in pipeline.assets
    )
    text = json.dumps([pipeline.name, assets], ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def digest(text: str) -> str:
    """What an asset's own text is known by."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def unfinished(earlier: Mapping[str, Left]) -> tuple[str, ...]:
    """The assets that the earlier run set out to do and did not."""
    return tuple(name for name, left in earlier.items() if left.spec is not None and not left.over)


def narrowed(plan: Plan, earlier: Mapping[str, Left], run_id: str) -> Plan:
    """The plan with only what is left of the run `run_id`; the rest says why it is left out."""
    levels = tuple(tuple(rest(spec, earlier[spec.name]) for spec in level) for level in plan.levels)
    planned = {spec.name for spec in plan.assets}
    skipped = [
        Skipped(asset=name, reason=left.reason or f"succeeded in run {run_id}")
        for name, left in earlier.items()
        if name not in planned
    ]
    said = [
        f"{spec.name} {_SAID[mark]}"
        for level in levels
        for spec in level
        if (mark := spec.given.get(WRITTEN))
    ]
    notices = (*plan.notices, *said)
    return replace(plan, levels=levels, skipped=tuple(skipped), notices=notices)


def rest(spec: AssetSpec, left: Left) -> AssetSpec:
    """The asset with the steps that are still to be done."""
    if left.spec is None:
        return spec
    if mark := _mark(spec, left.spec, left):
        return replace(spec, given={WRITTEN: mark})
    number = _done(spec, left.spec, left)
    if not number or not _same(left.spec, spec):
        return spec
    steps = spec.steps[number:]
    if steps[:1] == ("load",) and left.given is None:
        return spec
    if steps == ("checks",):
        return _unchecked(replace(spec, steps=steps), left.spec, left)
    return replace(spec, steps=steps, given=left.given or {})


def _mark(spec: AssetSpec, before: AssetSpec, left: Left) -> str:
    """Whether the rows that the asset would add now are there, also if its text has changed."""
    if "query" not in spec.steps or not _appends(spec) or "query" in left.done:
        return ""
    return str(before.given.get(WRITTEN) or left.written)


def _done(spec: AssetSpec, before: AssetSpec, left: Left) -> int:
    """How many of the asset's steps need not be done; the earlier run may have done a rest only."""
    start = len(spec.steps) - len(before.steps)
    if start < 0 or spec.steps[start:] != before.steps:
        return 0
    return start + len(left.done)


def _unchecked(spec: AssetSpec, before: AssetSpec, left: Left) -> AssetSpec:
    """Only the checks that did not pass, or that are new."""
    settled = set(left.passed)
    if before.steps == ("checks",):  # of which it may have asked a part only
        asked = {name for name, _ in check_ids.checks(before)}
        settled |= {name for name, _ in check_ids.checks(spec)} - asked
    narrow = check_ids.without(spec, settled)
    return narrow if any(check_ids.checks(narrow)) else replace(narrow, steps=())


def _same(before: AssetSpec, now: AssetSpec) -> bool:
    """Whether what was done would be done in the same way again."""
    if before.source and now.source and before.source != now.source:
        return False
    return _facts(before) == _facts(now)


def _facts(spec: AssetSpec) -> tuple[object, ...]:
    kept = {key: value for key, value in spec.parameters.items() if value is not None}
    return (
        spec.type,
        spec.query,
        spec.hooks,
        spec.materialization,
        json.dumps(kept, sort_keys=True, default=str),
        spec.connection,
    )
