"""The BRUIN_* variables of an asset's process, without secrets. The plan stores them in AssetSpec.

What only a worker knows joins there: BRUIN_CONNECTION_TYPES and one variable per secret.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from assets_parser import interval as intervals
from assets_parser.interval import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetContext:
    """What an asset's process may know of its run.

    `vars` and `vars_schema` are the JSON texts that assets_parser.variables writes; `asset` is the
    name with its schema prefix; `connection` is only what the asset itself names.
    """

    pipeline: str
    asset: str
    run_id: str
    interval: Interval
    full_refresh: bool = False
    connection: str = ""
    commit: str = ""
    schema_prefix: str = ""
    vars: str = "{}"
    vars_schema: str = "{}"


def variables(context: AssetContext) -> dict[str, str]:
    """The variables by name, as Bruin writes them."""
    return {
        **_moments(context.interval),
        "BRUIN_RUN_ID": context.run_id,
        "BRUIN_PIPELINE": context.pipeline,
        "BRUIN_ASSET": context.asset,
        "BRUIN_THIS": context.asset,
        "BRUIN_FULL_REFRESH": "1" if context.full_refresh else "",
        "BRUIN_COMMIT_HASH": context.commit,
        "BRUIN_SCHEMA_PREFIX": context.schema_prefix,
        "BRUIN_VARS": context.vars,
        "BRUIN_VARS_SCHEMA": context.vars_schema,
        "PYTHONUNBUFFERED": "1",
        **({"BRUIN_CONNECTION": context.connection} if context.connection else {}),
    }


def _moments(interval: Interval) -> Mapping[str, str]:
    ends = {"START": interval.start, "END": interval.end, "EXECUTION": interval.execution}
    formats = {
        "DATE": intervals.date,
        "DATETIME": intervals.date_time,
        "TIMESTAMP": intervals.timestamp,
    }
    return {
        f"BRUIN_{end}_{name}": text(value)
        for end, value in ends.items()
        for name, text in formats.items()
    }
