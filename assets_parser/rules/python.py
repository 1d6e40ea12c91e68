"""Rules about Python assets: what their `materialization` may say.

Bruin refuses some of it before a run and lets the rest fail in the run; what fails in the run is a
warning here, so that the same pipelines start.
"""

from collections.abc import Iterator

from assets_parser.faults import Fault
from assets_parser.model import Asset, Pipeline
from assets_parser.rules.places import at_asset, warn_asset
from assets_parser.rules.types import PYTHON
from assets_parser.suggestions import did_you_mean

_RULE = "assets-python-validation"
STRATEGIES = ("create+replace", "append", "merge", "delete+insert")
_MEANT = {  # what people write for the strategy that they mean
    "overwrite": "create+replace",
    "replace": "create+replace",
    "full": "create+replace",
    "full_refresh": "create+replace",
    "truncate+insert": "create+replace",
    "insert": "append",
    "insert_append": "append",
    "incremental": "append",
    "upsert": "merge",
    "update": "merge",
    "time_interval": "delete+insert",
    "insert_overwrite": "delete+insert",
    "delete_insert": "delete+insert",
}


def check(pipeline: Pipeline) -> Iterator[Fault]:
    """Faults of the materialization of each Python asset."""
    for asset in pipeline.assets:
        if asset.type in PYTHON:
            yield from _type(asset)
            if asset.materialization.type == "table":
                yield from _connection(asset, pipeline)
                yield from _strategy(asset)
                yield from _keys(asset)


def _type(asset: Asset) -> Iterator[Fault]:
    kind, strategy = asset.materialization.type, asset.materialization.strategy
    place = "materialization.type"
    if kind == "view":
        message = "a Python asset cannot be a 'view'; it will fail"
        yield warn_asset(asset, _RULE, message, field=place, hint="write: type: table")
    elif kind not in ("", "table"):
        hint = did_you_mean(kind, ["table"]) or "write: type: table"
        yield at_asset(asset, _RULE, f"'{kind}' is not a materialization", field=place, hint=hint)
    elif not kind and strategy:
        message = f"strategy '{strategy}' has no effect without a type; the asset is only a script"
        field = "materialization.strategy"
        yield warn_asset(asset, _RULE, message, field=field, hint="add: type: table")


def _connection(asset: Asset, pipeline: Pipeline) -> Iterator[Fault]:
    if not asset.connection:
        names = sorted(set(pipeline.default_connections.values())) or ["NAME"]
        yield at_asset(
            asset,
            _RULE,
            "a Python asset that makes a table needs a connection to load it into",
            field="materialization",
            hint=f"add 'connection: {names[0]}' to the asset or under 'default:' of the pipeline",
        )


def _strategy(asset: Asset) -> Iterator[Fault]:
    strategy = asset.materialization.strategy
    if strategy and strategy not in STRATEGIES:
        meant = _MEANT.get(strategy)
        yield at_asset(
            asset,
            _RULE,
            f"'{strategy}' is not a strategy that Python assets have",
            field="materialization.strategy",
            hint=f"did you mean '{meant}'?"
            if meant
            else did_you_mean(strategy, STRATEGIES) or f"there are {', '.join(STRATEGIES)}",
        )
    if asset.materialization.incremental_predicate:
        yield at_asset(
            asset,
            _RULE,
            "'incremental_predicate' does not work for Python assets",
            field="materialization.incremental_predicate",
            hint="filter the rows in materialize()",
        )


def _keys(asset: Asset) -> Iterator[Fault]:
    strategy, field = asset.materialization.strategy, "materialization.strategy"
    if strategy == "merge" and not any(column.primary_key for column in asset.columns):
        message = "strategy 'merge' needs a primary key; the load will fail"
        hint = "mark the columns that identify a row with 'primary_key: true'"
        yield warn_asset(asset, _RULE, message, field=field, hint=hint)
    if strategy == "merge":
        yield from _merged_columns(asset)
    if strategy == "delete+insert" and not _incremental_key(asset):
        message = "strategy 'delete+insert' needs an incremental_key; the load will fail"
        hint = "name the column that holds the time of each row"
        yield warn_asset(asset, _RULE, message, field=field, hint=hint)


def _merged_columns(asset: Asset) -> Iterator[Fault]:
    """The loader updates every column but the key."""
    for index, column in enumerate(asset.columns):
        for field in ("update_on_merge", "merge_sql"):
            if getattr(column, field):
                message = f"'{field}' has no effect: a merge of a Python asset updates all columns"
                yield warn_asset(asset, _RULE, message, field=f"columns.{index}.{field}")


def _incremental_key(asset: Asset) -> str:
    return asset.materialization.incremental_key or str(asset.parameters.get("incremental_key", ""))
