"""How long a failed step waits before it is tried again. catalog.endings and catalog.runs ask.

The delay that the asset names is the least; it doubles with each failure, to an hour at most, with
a tenth of chance, so that what failed together does not come back together.
"""

import random

from assets_parser.remaining import repeatable
from assets_parser.spec import AssetSpec, Step

LONGEST = 3600.0
"""Seconds that a growing delay ends at; one that was written longer stays as it is."""

_SPREAD = 0.1
_DOUBLINGS = 30


def pause(delay: float, failures: int) -> float:
    """Seconds until the next try after so many failures; none at all where `delay` is 0."""
    if delay <= 0:
        return 0.0
    grown = min(delay * 2.0 ** min(failures - 1, _DOUBLINGS), max(LONGEST, delay))
    chance = random.uniform(1 - _SPREAD, 1 + _SPREAD)  # noqa: S311 - no secret
    return max(delay, grown * chance)


def attempts(spec: AssetSpec, step: Step) -> int:
    """How often a step may be tried: `retries` of the asset, for checks of those that have some."""
    if not repeatable(spec, step):
        return 1
    retries = [0, spec.retries]
    if step == "checks":
        of_columns = [check.retries for column in spec.columns for check in column.checks]
        own = [*of_columns, *(check.retries for check in spec.custom_checks)]
        retries += [number for number in own if number is not None]
    return 1 + max(retries)
