"""Rules about `materialization` of all assets but Python's and ingestr's, which have their own.

What Bruin reads and does not use is a warning here.
"""

from collections.abc import Callable, Iterator, Mapping

from assets_parser.faults import Fault
from assets_parser.model import Asset, Materialization, Pipeline
from assets_parser.rules import data_vault
from assets_parser.rules.places import at_asset, warn_asset
from assets_parser.rules.types import PYTHON, SQL
from assets_parser.suggestions import did_you_mean

RULE = "materialization-config"
TYPES = ("table", "view")
GRANULARITIES = ("date", "timestamp")
_KEYED = ("delete+insert", "time_interval", "scd2_by_time", "scd2_by_column")  # take a key
_PLACE = "materialization"


def check(pipeline: Pipeline) -> Iterator[Fault]:
    """Faults of the materialization of each asset."""
    for asset in pipeline.assets:
        if asset.type in PYTHON or asset.type == "ingestr":
            continue
        kind = asset.materialization.type
        if not kind:
            yield from _idle(asset)
        elif kind == "view":
            yield from _view(asset)
        elif kind == "table":
            yield from _table(asset)
        else:
            hint = did_you_mean(kind, TYPES) or f"there are {' and '.join(TYPES)}"
            message = f"'{kind}' is not a materialization"
            yield at_asset(asset, RULE, message, field=f"{_PLACE}.type", hint=hint)


def _idle(asset: Asset) -> Iterator[Fault]:
    """A strategy that nothing uses: the query only runs."""
    if strategy := asset.materialization.strategy:
        message = f"strategy '{strategy}' has no effect without a type; the query only runs"
        yield warn_asset(asset, RULE, message, field=f"{_PLACE}.strategy", hint="add: type: table")


def _view(asset: Asset) -> Iterator[Fault]:
    for field in ("strategy", "incremental_key", "cluster_by", "partition_by"):
        if getattr(asset.materialization, field):
            message = f"a view has no '{field}'"
            hint = "take it out, or write: type: table"
            yield at_asset(asset, RULE, message, field=f"{_PLACE}.{field}", hint=hint)


def _table(asset: Asset) -> Iterator[Fault]:
    strategy = asset.materialization.strategy
    if strategy and strategy not in _NEEDS:
        hint = did_you_mean(strategy, _NEEDS) or f"there are {', '.join(_NEEDS)}"
        message = f"'{strategy}' is not a strategy"
        yield at_asset(asset, RULE, message, field=f"{_PLACE}.strategy", hint=hint)
        return
    yield from _unused(asset, asset.materialization)
    if strategy:
        yield from _NEEDS[strategy](asset)


def _unused(asset: Asset, given: Materialization) -> Iterator[Fault]:
    """Keys that belong to other strategies; without any strategy Bruin does not mind."""
    fault = at_asset if given.strategy else warn_asset
    if given.incremental_key and given.strategy not in _KEYED:
        message = f"'incremental_key' is not used by {_named(given)}"
        hint = f"it belongs to {', '.join(_KEYED)}"
        yield fault(asset, RULE, message, field=f"{_PLACE}.incremental_key", hint=hint)
    if given.incremental_predicate and given.strategy != "merge":
        message = f"'incremental_predicate' is not used by {_named(given)}"
        place, hint = f"{_PLACE}.incremental_predicate", "it belongs to merge"
        yield fault(asset, RULE, message, field=place, hint=hint)


def _named(given: Materialization) -> str:
    return f"strategy '{given.strategy}'" if given.strategy else "a table without a strategy"


def _lacks(asset: Asset, what: str, hint: str) -> Fault:
    message = f"strategy '{asset.materialization.strategy}' needs {what}"
    return at_asset(asset, RULE, message, field=f"{_PLACE}.strategy", hint=hint)


def _nothing(asset: Asset) -> Iterator[Fault]:
    yield from ()


def _key(asset: Asset) -> Iterator[Fault]:
    if not asset.materialization.incremental_key:
        yield _lacks(asset, "an incremental_key", "name the column that tells old rows from new")


def _primary_key(asset: Asset) -> Iterator[Fault]:
    if not any(column.primary_key for column in asset.columns):
        hint = "mark the columns that identify a row with 'primary_key: true'"
        yield _lacks(asset, "a primary key", hint)


def _merge(asset: Asset) -> Iterator[Fault]:
    if asset.columns:
        yield from _primary_key(asset)
    else:
        yield _lacks(asset, "columns", "declare them, and 'primary_key: true' on one at least")


def _time_interval(asset: Asset) -> Iterator[Fault]:
    yield from _key(asset)
    granularity = asset.materialization.time_granularity
    words = " or ".join(GRANULARITIES)
    if not granularity:
        yield _lacks(asset, "a time_granularity", f"write {words}")
    elif granularity not in GRANULARITIES:
        message, place = f"'{granularity}' is not a granularity", f"{_PLACE}.time_granularity"
        yield at_asset(asset, RULE, message, field=place, hint=f"write {words}")


def _both_keys(asset: Asset) -> Iterator[Fault]:
    yield from _key(asset)
    yield from _primary_key(asset)


def _ddl(asset: Asset) -> Iterator[Fault]:
    if asset.body.strip():
        message = "strategy 'ddl' makes the table from its columns and takes no query"
        hint = "take the query out, or choose another strategy"
        yield at_asset(asset, RULE, message, field=f"{_PLACE}.strategy", hint=hint)
    elif not asset.columns and asset.type in SQL:
        message, hint = "strategy 'ddl' without columns makes no table", "declare its columns"
        yield warn_asset(asset, RULE, message, field=f"{_PLACE}.strategy", hint=hint)


def _vault(asset: Asset) -> Iterator[Fault]:
    for what, hint in data_vault.lacking(asset):
        yield _lacks(asset, what, hint)


_NEEDS: Mapping[str, Callable[[Asset], Iterator[Fault]]] = {  # what each strategy asks for
    "create+replace": _nothing,
    "append": _nothing,
    "delete+insert": _key,
    "truncate+insert": _nothing,
    "merge": _merge,
    "time_interval": _time_interval,
    "ddl": _ddl,
    "scd2_by_column": _primary_key,
    "scd2_by_time": _both_keys,
    "datavault_hub": _vault,
    "datavault_link": _vault,
    "datavault_satellite": _vault,
}
