"""Rules about ingestr assets: what their `parameters` and `materialization` may say together."""

import re
from collections.abc import Iterator

from assets_parser.faults import Fault
from assets_parser.model import Asset, Pipeline
from assets_parser.rules.places import at_asset, warn_asset
from assets_parser.suggestions import did_you_mean
from assets_parser.templates import is_template

_RULE = "valid-ingestr"
REQUIRED = ("source_connection", "source_table", "destination")
_STRATEGIES = {  # of `materialization`, and what ingestr calls them
    "create+replace": "replace",
    "append": "append",
    "merge": "merge",
    "delete+insert": "delete+insert",
    "truncate+insert": "truncate+insert",
}
_OWN = (*_STRATEGIES.values(), "scd2", "none")  # what `incremental_strategy` may say
ENDLESS_RULE = "endless-ingestr"
ENDLESS = "'{name}' asks for changes without an end, which cannot run: a step has an end"
ENDLESS_HINT = "load the table with merge or delete+insert, or stream with `bruin run`"
_KEYED = ("append", "merge", "delete+insert")
_WORDS = {"cdc_mode": ("stream", "batch"), "cdc_sql_capture": ("cdc", "change_tracking")}
_VERSION = re.compile(r"v(0|[1-9]\d*)(\.\d+\.\d+)?", re.ASCII)


def check(pipeline: Pipeline) -> Iterator[Fault]:
    """Faults of each ingestr asset."""
    for asset in pipeline.assets:
        if asset.type == "ingestr":
            missing = [name for name in REQUIRED if not parameter(asset, name)]
            if missing:
                yield _lacks(asset, missing)
            yield from _materialization(asset)
            yield from _keys(asset)
            yield from _values(asset)
            yield from _deprecated(asset)
            if name := endless(asset):
                yield _without_end(asset, name)


def endless(asset: Asset) -> str:
    """The parameter of an ingestr asset that asks for changes without an end, empty if none."""
    if asset.type != "ingestr":
        return ""
    on = (name for name in ("stream", "cdc") if parameter(asset, name).strip().lower() == "true")
    return next(on, "cdc_mode" if parameter(asset, "cdc_mode") else "")


def _without_end(asset: Asset, name: str) -> Fault:
    """Only a warning: a run that leaves the asset out may go on; the plan refuses it."""
    message, place = ENDLESS.format(name=name), f"parameters.{name}"
    return warn_asset(asset, ENDLESS_RULE, message, field=place, hint=ENDLESS_HINT)


def parameter(asset: Asset, name: str) -> str:
    """A parameter as text, empty if it is not there; `true` is "true"."""
    value = asset.parameters.get(name)
    if isinstance(value, bool):
        return str(value).lower()
    return value.strip() if isinstance(value, str) else "" if value is None else str(value)


def _lacks(asset: Asset, missing: list[str]) -> Fault:
    names = " and ".join(f"'{name}'" for name in missing)
    hint = f"an ingestr asset needs the parameters {', '.join(REQUIRED)}"
    return at_asset(asset, _RULE, f"there is no {names}", field="parameters", hint=hint)


def _materialization(asset: Asset) -> Iterator[Fault]:
    kind, strategy = asset.materialization.type, asset.materialization.strategy
    if kind not in ("", "table"):
        message, place = f"an ingestr asset cannot be a '{kind}'", "materialization.type"
        yield at_asset(asset, _RULE, message, field=place, hint="write: type: table")
    elif kind and strategy and strategy not in _STRATEGIES:
        yield _unknown(asset, strategy, "materialization.strategy", tuple(_STRATEGIES))
    elif kind:
        yield from _conflicts(asset)
    elif strategy:
        message = f"strategy '{strategy}' has no effect without a type"
        place = "materialization.strategy"
        yield warn_asset(asset, _RULE, message, field=place, hint="add: type: table")
    own = parameter(asset, "incremental_strategy")
    if own and own not in _OWN and not is_template(own):
        yield _unknown(asset, own, "parameters.incremental_strategy", _OWN)


def _unknown(asset: Asset, word: str, place: str, known: tuple[str, ...]) -> Fault:
    message = f"'{word}' is not a strategy that ingestr assets have"
    hint = did_you_mean(word, known) or f"there are {', '.join(known)}"
    return at_asset(asset, _RULE, message, field=place, hint=hint)


def _conflicts(asset: Asset) -> Iterator[Fault]:
    """The same thing said twice, and differently."""
    given = asset.materialization
    pairs = {
        "incremental_strategy": ("strategy", _STRATEGIES.get(given.strategy, "")),
        "incremental_key": ("incremental_key", given.incremental_key),
        "partition_by": ("partition_by", given.partition_by),
        "cluster_by": ("cluster_by", ",".join(given.cluster_by)),
    }
    for name, (field, value) in pairs.items():
        other = parameter(asset, name)
        if value and other and _listed(value) != _listed(other):
            message = f"'{name}' is '{other}' in parameters and '{value}' in materialization"
            place, hint = f"materialization.{field}", "say it once, in materialization"
            yield at_asset(asset, _RULE, message, field=place, hint=hint)


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def strategy_of(asset: Asset) -> str:
    """What the asset asks ingestr for: its materialization, else its parameters; empty if none."""
    if asset.materialization.type and asset.materialization.strategy:
        return _STRATEGIES.get(asset.materialization.strategy, "")
    return parameter(asset, "incremental_strategy")


def _keys(asset: Asset) -> Iterator[Fault]:
    strategy, place = strategy_of(asset), "materialization"
    key = asset.materialization.incremental_key or parameter(asset, "incremental_key")
    if asset.materialization.type == "table" and key and strategy not in _KEYED:
        message = f"'incremental_key' is not used by {_named(strategy)}"
        place, hint = "materialization.incremental_key", f"it belongs to {', '.join(_KEYED)}"
        yield at_asset(asset, _RULE, message, field=place, hint=hint)
    cdc = parameter(asset, "cdc") == "true"
    if cdc and strategy not in ("", "merge"):
        message = f"change data capture needs strategy 'merge', not '{strategy}'"
        yield at_asset(asset, _RULE, message, field="parameters.cdc")
    if strategy == "merge" and not cdc and not any(c.primary_key for c in asset.columns):
        message = "strategy 'merge' needs a primary key"
        hint = "mark the columns that identify a row with 'primary_key: true'"
        yield at_asset(asset, _RULE, message, field="materialization.strategy", hint=hint)
    for index, column in enumerate(asset.columns):
        if column.update_on_merge:
            message = f"'update_on_merge' of '{column.name}' does not work for ingestr assets"
            place = f"columns.{index}.update_on_merge"
            yield at_asset(
                asset, _RULE, message, field=place, line=column.line, hint="all columns are updated"
            )


def _named(strategy: str) -> str:
    return f"strategy '{strategy}'" if strategy else "a table without a strategy"


def _values(asset: Asset) -> Iterator[Fault]:
    for name, words in _WORDS.items():
        value = parameter(asset, name)
        if name in asset.parameters and value not in words and not is_template(value):
            message = f"'{value}' is not a {name}"
            place, hint = f"parameters.{name}", f"write {' or '.join(words)}"
            yield at_asset(asset, _RULE, message, field=place, hint=hint)
    version = parameter(asset, "version")
    if version and not _VERSION.fullmatch(version) and not is_template(version):
        message, hint = f"'{version}' is not a version of ingestr", "write v1 or v1.2.3"
        yield at_asset(asset, _RULE, message, field="parameters.version", hint=hint)


def _deprecated(asset: Asset) -> Iterator[Fault]:
    if parameter(asset, "cdc_mode") in _WORDS["cdc_mode"]:
        message = "'cdc_mode' is out of date"
        hint = "write stream: true, or leave it out"
        place = "parameters.cdc_mode"
        yield warn_asset(asset, "ingestr-cdc-mode-deprecated", message, field=place, hint=hint)
