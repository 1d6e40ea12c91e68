"""The checks step when it is tried again: only what failed is asked. Called by workers.attempt.

What passed, and what has no retries left, keeps its result; so each check counts its own retries.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from assets_parser import check_ids
from assets_parser.spec import AssetSpec
from catalog.values import CheckRow
from workers.context import StepContext, StepResult
from workers.host import StepFunction


def run(function: StepFunction, context: StepContext) -> StepResult:
    """What `function` makes of the checks that are to be asked, beside those that need not be."""
    spec, retries = context.spec, _retries(context.spec)
    kept = _settled(context.claim.earlier, retries, context.claim.number)
    if not kept:
        done = function(context)
        return replace(done, checks=_told(done.checks, retries))
    asked = function(replace(context, spec=check_ids.without(spec, kept))).checks
    pools: dict[str, list[CheckRow]] = defaultdict(list)
    for row in (*asked, *(row for rows in kept.values() for row in rows)):
        pools[row.id].append(row)
    order = dict.fromkeys([*retries, *pools])  # as the asset lists them
    rows = _told((row for name in order for row in pools[name]), retries)
    passed = sum(row.passed for row in rows)
    return StepResult(result={"passed": passed, "failed": len(rows) - passed}, checks=rows)


def _told(rows: Iterable[CheckRow], retries: Mapping[str, int]) -> tuple[CheckRow, ...]:
    """The results with the retries that each check may have."""
    return tuple(replace(row, retries=retries.get(row.id)) for row in rows)


def _settled(
    earlier: tuple[CheckRow, ...], retries: Mapping[str, int], number: int
) -> dict[str, list[CheckRow]]:
    """The earlier results by id that stand: passed, or failed as often as they may."""
    found: dict[str, list[CheckRow]] = defaultdict(list)
    for row in earlier:
        found[row.id].append(row)
    return {
        name: rows
        for name, rows in found.items()
        if name in retries and (all(row.passed for row in rows) or retries[name] < number - 1)
    }


def _retries(spec: AssetSpec) -> dict[str, int]:
    """By the id of each check, in order, how often it may be asked again."""
    return {
        name: spec.retries if check.retries is None else check.retries
        for name, check in check_ids.checks(spec)
    }
