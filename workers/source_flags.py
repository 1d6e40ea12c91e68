"""The command line of a load that ingestr reads by itself: seeds and ingestr assets. Pure.

Called by workers.seed_step and workers.ingest_step; what a Python asset's load needs is in
workers.load_flags.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from assets_parser.model import Column
from assets_parser.spec import AssetSpec
from workers import column_hints
from workers.column_hints import Hint
from workers.errors import StepFailed
from workers.load_flags import DELETE_INSERT, REPLACE, Load, moment, parameters, rfc3339, true
from workers.sql.names import snake_case

_STRATEGIES = {
    "create+replace": REPLACE,
    REPLACE: REPLACE,
    "truncate+insert": REPLACE,  # what ingestr itself says to use instead
    "append": "append",
    "merge": "merge",
    DELETE_INSERT: DELETE_INSERT,
}
_WITH_KEY = frozenset({"append", "merge", DELETE_INSERT})
_NUMBERS = ("int", "bigint", "smallint", "tinyint", "double", "decimal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What is known of the source. `lists` are columns that must become JSON, `numbers` those that
    hold numbers; `kept` are types that ingestr would not come to by itself; `bounded`: the source
    reads everything where no interval is given."""

    lists: Sequence[str] = ()
    numbers: Sequence[str] = ()
    kept: Sequence[Hint] = ()
    notices: Sequence[str] = ()
    bounded: bool = True


def of_seed(spec: AssetSpec, lists: Sequence[str] = (), kept: Sequence[Hint] = ()) -> Load:
    """The load of a file; its columns have the declared types unless `enforce_schema` is false.

    `lists` are columns that become JSON, whatever is declared; `kept` are types of others.
    """
    written = str(spec.parameters.get("incremental_strategy") or "")
    strategy = _strategy(spec, written)
    columns = [_snake(column) for column in spec.columns]
    hints = [*kept, *(column_hints.declared(columns) if _enforced(spec, default=True) else [])]
    hints += [Hint(name=snake_case(name), type="json") for name in lists]
    flags = ["--incremental-strategy", strategy] if written else []
    key = str(spec.parameters.get("incremental_key") or "")
    if key and not spec.full_refresh:
        flags += ["--incremental-key", snake_case(key)]
    return _load(spec, columns, strategy, hints, flags)


def of_source(spec: AssetSpec, reading: Reading) -> Load:
    """The load of a table that a connection gives."""
    written = spec.materialization.strategy or str(
        spec.parameters.get("incremental_strategy") or ""
    )
    strategy = _strategy(spec, written) if written or spec.full_refresh else ""
    key = _key(spec, strategy)
    hints = [*reading.kept, *(Hint(name=name, type="json") for name in reading.lists)]
    hints += [Hint(name=c.name, type="date") for c in spec.columns if _is_date(c, key)]
    if _enforced(spec, default=False):
        hints += column_hints.declared(spec.columns)
    flags = ["--incremental-strategy", strategy] if written else []
    flags += ["--incremental-key", key] if key else []
    flags += _laid_out(spec)
    flags += _interval(spec, strategy, key, reading)
    return _load(spec, list(spec.columns), strategy, hints, flags)


def _strategy(spec: AssetSpec, written: str) -> str:
    if written and written not in _STRATEGIES:
        known = ", ".join(_STRATEGIES)
        raise StepFailed("config", f"there is no strategy {written!r} here; known: {known}")
    return REPLACE if spec.full_refresh or not written else _STRATEGIES[written]


def _key(spec: AssetSpec, strategy: str) -> str:
    key = spec.materialization.incremental_key
    if key and not spec.full_refresh and strategy not in _WITH_KEY:
        raise StepFailed(
            "config",
            "materialization.incremental_key needs a strategy that uses it",
            hint=f"set materialization.strategy to one of {', '.join(sorted(_WITH_KEY))}",
        )
    key = key or str(spec.parameters.get("incremental_key") or "")
    if strategy == DELETE_INSERT and not key:
        raise StepFailed("config", "delete+insert needs materialization.incremental_key")
    return key


def _laid_out(spec: AssetSpec) -> list[str]:
    """Partitions and clusters; `parameters` says them too, but not both."""
    wanted = {
        "partition_by": spec.materialization.partition_by,
        "cluster_by": ",".join(spec.materialization.cluster_by),
    }
    flags: list[str] = []
    for name, value in wanted.items():
        if value and spec.parameters.get(name) not in (None, "", value):
            raise StepFailed("config", f"materialization.{name} and parameters.{name} differ")
        if value and not spec.parameters.get(name):
            flags += [f"--{name.replace('_', '-')}", value]
    return flags


def _interval(spec: AssetSpec, strategy: str, key: str, reading: Reading) -> list[str]:
    """The run's interval. A number cannot be compared with moments: then all rows are read."""
    if not spec.interval_start or not spec.interval_end or key in _numbers(spec, reading):
        return []
    start, end = moment(spec.interval_start), moment(spec.interval_end)
    if start >= end and not key and not reading.bounded:
        return []  # ingestr refuses such an interval, although nothing would use it
    return ["--interval-start", rfc3339(start), "--interval-end", rfc3339(end)]


def _numbers(spec: AssetSpec, reading: Reading) -> set[str]:
    declared = {c.name for c in spec.columns if column_hints.type_of(c).startswith(_NUMBERS)}
    return declared | set(reading.numbers)


def _load(
    spec: AssetSpec, columns: Sequence[Column], strategy: str, hints: list[Hint], flags: list[str]
) -> Load:
    flags = [*flags, *parameters(spec)]
    for mask in column_hints.masks(columns, spec.parameters.get("mask")):
        flags += ["--mask", mask]
    keys = column_hints.keys(columns)
    for key in keys:
        flags += ["--primary-key", key]
    if spec.full_refresh:
        flags.append("--full-refresh")
    if hints:
        flags += ["--columns", column_hints.flag(hints)]
    interval = None
    if "--interval-start" in flags and strategy == DELETE_INSERT:
        interval = moment(spec.interval_start), moment(spec.interval_end)
    return Load(
        strategy=strategy,
        keys=tuple(keys),
        incremental_key=_after("--incremental-key", flags),
        interval=interval,
        flags=tuple(flags),
        hints=tuple(hints),
        typed=tuple(hint.name for hint in hints if hint.converts),
        refreshed=spec.full_refresh,
    )


def _after(flag: str, flags: Sequence[str]) -> str:
    return flags[flags.index(flag) + 1] if flag in flags else ""


def _enforced(spec: AssetSpec, *, default: bool) -> bool:
    written = spec.parameters.get("enforce_schema")
    return default if written in (None, "") else true(written)


def _is_date(column: Column, key: str) -> bool:
    return bool(key) and column.name == key and column_hints.type_of(column) == "date"


def _snake(column: Column) -> Column:
    return replace(column, name=snake_case(column.name))
