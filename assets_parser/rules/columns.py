"""Rules about columns, their checks and their foreign keys."""

import re
from collections.abc import Iterable, Iterator, Mapping

from assets_parser.faults import Fault
from assets_parser.model import Asset, Check, Column, Pipeline
from assets_parser.rules.places import at_asset, warn_asset
from assets_parser.suggestions import did_you_mean

_METADATA = "valid-column-metadata"
_TEXT = re.compile(r"(var)?char|text|string|n?varchar2?|clob", re.IGNORECASE)


def check(pipeline: Pipeline) -> Iterator[Fault]:
    """Faults of the columns of each asset."""
    assets = {asset.name: asset for asset in pipeline.assets}
    for asset in pipeline.assets:
        if asset.columns:
            yield from _repeated(asset)
            for index, column in enumerate(asset.columns):
                yield from _sizes(asset, column, f"columns.{index}")
                yield from _foreign_key(asset, column, f"columns.{index}", assets)
                yield from _checks(asset, column, f"columns.{index}")


def repeated(words: Iterable[str]) -> list[str]:
    """The words that were there before, whatever their case."""
    seen: set[str] = set()
    again = []
    for word in words:
        if word.casefold() in seen:
            again.append(word)
        seen.add(word.casefold())
    return again


def _repeated(asset: Asset) -> Iterator[Fault]:
    again = repeated(column.name for column in asset.columns)
    for name in dict.fromkeys(again):
        line = max(c.line for c in asset.columns if c.name.casefold() == name.casefold())
        message = f"column '{name}' is declared more than once"
        yield at_asset(asset, "duplicate-column-names", message, field="columns", line=line)


def _sizes(asset: Asset, column: Column, place: str) -> Iterator[Fault]:
    for field in ("precision", "length"):
        value = getattr(column, field)
        if value is not None and value <= 0:
            message = f"{field} of '{column.name}' must be above 0, it is {value}"
            yield at_asset(asset, _METADATA, message, field=f"{place}.{field}", line=column.line)
    scale, precision = column.scale, column.precision
    if scale is not None and (scale < 0 or (precision is not None and scale > precision)):
        message = f"scale of '{column.name}' must be between 0 and the precision, it is {scale}"
        yield at_asset(asset, _METADATA, message, field=f"{place}.scale", line=column.line)


def _foreign_key(
    asset: Asset, column: Column, place: str, assets: Mapping[str, Asset]
) -> Iterator[Fault]:
    key = column.foreign_key
    if key is not None and not (key.table and key.column):
        message = f"the foreign key of '{column.name}' has no {'column' if key.table else 'table'}"
        place, hint = f"{place}.foreign_key", "write: foreign_key: {table: ..., column: ...}"
        yield at_asset(asset, _METADATA, message, field=place, line=column.line, hint=hint)
        return
    if key is None:
        if any(one.name == "relationships" for one in column.checks):
            message = f"check 'relationships' of '{column.name}' needs a foreign_key"
            hint = "add: foreign_key: {table: ..., column: ...}"
            yield at_asset(asset, _METADATA, message, field=place, line=column.line, hint=hint)
        return
    place = f"{place}.foreign_key"
    if key.table not in assets:
        message = f"foreign key table '{key.table}' is not an asset of this pipeline"
        hint = did_you_mean(key.table, assets)
        yield at_asset(asset, _METADATA, message, field=place, hint=hint)
        return
    declared = [other.name for other in assets[key.table].columns]
    if declared and key.column.casefold() not in {name.casefold() for name in declared}:
        message = f"'{key.table}' declares no column '{key.column}'"
        hint = did_you_mean(key.column, declared)
        yield at_asset(asset, _METADATA, message, field=place, hint=hint)


def _checks(asset: Asset, column: Column, place: str) -> Iterator[Fault]:
    for index, one in enumerate(column.checks):
        if message := _problem(column, one):
            field = f"{place}.checks.{index}"
            yield warn_asset(asset, "check", message, field=field, line=one.line)


def _problem(column: Column, one: Check) -> str:
    """Why this check can only fail, or does not mean what it seems to."""
    if one.name in ("min", "max", "pattern") and one.value in (None, ""):
        return f"'{one.name}' of '{column.name}' has no value and will fail"
    if one.name == "accepted_values" and not (isinstance(one.value, list | tuple) and one.value):
        return f"'accepted_values' of '{column.name}' has no list of values and will fail"
    if one.name in ("min", "max") and _TEXT.match(column.type):
        return f"'{one.name}' on a text column compares as text"
    return ""
