"""How many parts a table's name may have on each platform: names of assets, tables of sensors."""

from collections.abc import Iterator

from assets_parser.connections import platform_of_type
from assets_parser.faults import Fault
from assets_parser.model import Pipeline
from assets_parser.rules.places import at_asset

_RULE = "asset-name-component-count"
_FORMS = ("table", "schema.table", "catalog.schema.table")
_PARTS = {
    **dict.fromkeys(("google_cloud_platform", "databricks"), (2, 3)),
    **dict.fromkeys(
        "snowflake spark trino duckdb motherduck mssql fabric athena".split(),  # noqa: SIM905
        (1, 3),
    ),
    **dict.fromkeys(
        "postgres redshift mysql doris starrocks clickhouse vertica oracle sail synapse".split(),  # noqa: SIM905
        (1, 2),
    ),
}


def check(pipeline: Pipeline) -> Iterator[Fault]:
    """Faults of names that the asset's platform cannot have."""
    for asset in pipeline.assets:
        platform = platform_of_type(asset.type)
        if asset.name and (wrong := problem(platform, asset.name)):
            message = f"'{asset.name}' is not a name for a table of {platform}: {wrong}"
            yield at_asset(asset, _RULE, message, field="name", hint=f"write {forms(platform)}")


def problem(platform: str, name: str) -> str:
    """Why the platform cannot have a table of this name; empty if it can, or is not known."""
    if platform not in _PARTS:
        return ""
    parts = name.split(".")
    least, most = _PARTS[platform]
    if not all(parts):
        return "a part of it is empty"
    if least <= len(parts) <= most:
        return ""
    return f"it has {len(parts)} part{'s' if len(parts) > 1 else ''}"


def forms(platform: str) -> str:
    """The forms that names have there, in words."""
    least, most = _PARTS[platform]
    return " or ".join(_FORMS[least - 1 : most])
