"""Rules about sensors: what they wait for, and how long."""

from collections.abc import Iterator

from assets_parser.connections import platform_of_type
from assets_parser.faults import Fault
from assets_parser.interval import read_shift
from assets_parser.model import Asset, Pipeline
from assets_parser.rules.places import at_asset, warn_asset
from assets_parser.rules.table_names import forms, problem
from assets_parser.templates import is_template

_QUERY_RULES = {
    "bq.sensor.query": "valid-bigquery-query-sensor",
    "sf.sensor.query": "valid-snowflake-query-sensor",
}
_TABLE, _TIMEOUT = "valid-table-sensor-table", "valid-sensor-timeout"
UNITS = "s m h d ms ns"


def check(pipeline: Pipeline) -> Iterator[Fault]:
    """Faults of each sensor."""
    for asset in pipeline.assets:
        if ".sensor." in asset.type:
            yield from _waits_for(asset)
            yield from _timeout(asset)
            yield from _interval(asset)


def _waits_for(asset: Asset) -> Iterator[Fault]:
    if asset.type.endswith(".sensor.query") and not _word(asset, "query"):
        rule = _QUERY_RULES.get(asset.type, "valid-query-sensor")
        hint = "add: parameters: {query: ...}; it passes when the result is above 0"
        yield at_asset(asset, rule, "the sensor has no query", field="parameters", hint=hint)
    if asset.type.endswith(".sensor.table"):
        yield from _table(asset)


def _table(asset: Asset) -> Iterator[Fault]:
    table, platform = _word(asset, "table"), platform_of_type(asset.type)
    if not table:
        hint = "add: parameters: {table: ...}"
        yield at_asset(asset, _TABLE, "the sensor names no table", field="parameters", hint=hint)
    elif not is_template(table) and (wrong := problem(platform, table)):
        message, hint = f"'{table}' is not a table of {platform}: {wrong}", forms(platform)
        yield at_asset(asset, _TABLE, message, field="parameters.table", hint=f"write {hint}")


def _timeout(asset: Asset) -> Iterator[Fault]:
    text = _word(asset, "timeout")
    if text and not is_template(text) and not _is_duration(text):
        message = f"'{text}' is not a timeout that sensors have"
        hint = f"write a number and one unit of {UNITS}, such as 30m"
        yield at_asset(asset, _TIMEOUT, message, field="parameters.timeout", hint=hint)


def _is_duration(text: str) -> bool:
    try:
        shift = read_shift(text)
    except ValueError:
        return False
    return not text.endswith("M") and not text.startswith(("-", "+")) and bool(shift)


def _interval(asset: Asset) -> Iterator[Fault]:
    """Bruin waits 30 seconds between two tries if it cannot read the number."""
    text = _word(asset, "poke_interval")
    if text and not is_template(text) and not text.isdecimal():
        message = f"poke_interval '{text}' is not a number of seconds; 30 is taken"
        yield warn_asset(asset, "valid-sensor-poke", message, field="parameters.poke_interval")


def _word(asset: Asset, name: str) -> str:
    value = asset.parameters.get(name)
    return "" if value is None else str(value).strip()
