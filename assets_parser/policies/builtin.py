"""The rules of policies that Bruin brings along, by name. Each says what is wrong, or nothing."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from assets_parser.model import Asset, Column, Pipeline
from assets_parser.rules.types import SQL

Wrong: TypeAlias = tuple[str, str]  # where: a dotted field, and what
AssetRule: TypeAlias = Callable[[Asset], Iterator[Wrong]]
PipelineRule: TypeAlias = Callable[[Pipeline], Iterator[Wrong]]

_SNAKE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_CAMEL = re.compile(r"[a-z][a-z0-9]*([A-Z][a-z0-9]*)*")
_PLACEHOLDERS = (
    *("todo", "fixme", "tbd", "wip", "temp", "temporary", "placeholder", "add description"),
    *("description goes here", "to be added", "work in progress"),
)
_PLACEHOLDER = re.compile(r"\b(" + "|".join(_PLACEHOLDERS) + r")\b")
_TYPES = {
    "bq": frozenset(
        """
        string bytes int64 integer int bigint smallint tinyint byteint float64 numeric decimal
        bignumeric bigdecimal bool boolean timestamp date time datetime interval geography json
        struct array range
        """.split()  # noqa: SIM905 - a list of quoted words hides them
    ),
    "sf": frozenset(
        """
        number decimal numeric int integer bigint smallint tinyint byteint float float4 float8
        double real varchar char character string text binary varbinary boolean date datetime time
        timestamp timestamp_ltz timestamp_ntz timestamp_tz variant object array geography geometry
        vector
        """.split()  # noqa: SIM905
    )
    | {"double precision"},
}
_PLATFORMS = {"bq": "BigQuery", "sf": "Snowflake"}


def _lower_case(asset: Asset) -> Iterator[Wrong]:
    if asset.name != asset.name.lower():
        yield "name", f"the asset's name '{asset.name}' is not in lower case"


def _schema_and_table(asset: Asset) -> Iterator[Wrong]:
    if asset.name.count(".") != 1:
        yield "name", f"the asset's name '{asset.name}' is not of the form schema.table"


def _has(field: str, what: str) -> AssetRule:
    """The rule that a field of the asset is not empty."""

    def check(asset: Asset) -> Iterator[Wrong]:
        value = getattr(asset, field)
        if not (value.strip() if isinstance(value, str) else value):
            yield field, f"the asset has no {what}"

    return check


def _primary_key(asset: Asset) -> Iterator[Wrong]:
    if not any(column.primary_key for column in asset.columns):
        yield "columns", "the asset has no primary key"


def _checks(asset: Asset) -> Iterator[Wrong]:
    if not asset.custom_checks and not any(column.checks for column in asset.columns):
        yield "columns", "the asset has no checks"


def _columns(wrong: Callable[[Column], str]) -> AssetRule:
    """The rule that nothing is wrong with any column."""

    def check(asset: Asset) -> Iterator[Wrong]:
        for index, column in enumerate(asset.columns):
            if message := wrong(column):
                yield f"columns.{index}", f"column '{column.name}' {message}"

    return check


def _known_types(asset: Asset) -> Iterator[Wrong]:
    platform = asset.type.partition(".")[0]
    for index, column in enumerate(asset.columns if platform in _TYPES else ()):
        name = re.split(r"[(<]", column.type.lower())[0].strip()
        if name and name not in _TYPES[platform]:
            message = f"'{column.type}' of column '{column.name}' is not a type of"
            yield f"columns.{index}", f"{message} {_PLATFORMS[platform]}"


def _placeholders(asset: Asset) -> Iterator[Wrong]:
    if found := _PLACEHOLDER.search(asset.description.lower()):
        yield "description", f"the description says '{found[0]}'"
    for index, column in enumerate(asset.columns):
        if found := _PLACEHOLDER.search(column.description.lower()):
            yield f"columns.{index}", f"the description of '{column.name}' says '{found[0]}'"


def _own_pipeline(asset: Asset) -> Iterator[Wrong]:
    for index, one in enumerate(asset.depends):
        if one.type == "uri":
            yield f"depends.{index}", f"'{one.value}' belongs to another pipeline"


def _pipeline(field: str, fine: Callable[[Pipeline], object], message: str) -> PipelineRule:
    def check(pipeline: Pipeline) -> Iterator[Wrong]:
        if not fine(pipeline):
            yield field, message

    return check


ASSET_RULES: Mapping[str, AssetRule] = {
    "asset-name-is-lowercase": _lower_case,
    "asset-name-is-schema-dot-table": _schema_and_table,
    "asset-has-description": _has("description", "description"),
    "asset-has-owner": _has("owner", "owner"),
    "asset-has-columns": _has("columns", "columns"),
    "asset-has-primary-key": _primary_key,
    "asset-has-checks": _checks,
    "asset-has-tags": _has("tags", "tags"),
    "asset-has-no-cross-pipeline-dependencies": _own_pipeline,
    "column-has-description": _columns(
        lambda column: "" if column.description.strip() else "has no description"
    ),
    "column-has-type": _columns(lambda column: "" if column.type else "has no type"),
    "column-name-is-snake-case": _columns(
        lambda column: "" if _SNAKE.fullmatch(column.name) else "is not in snake_case"
    ),
    "column-name-is-camel-case": _columns(
        lambda column: "" if _CAMEL.fullmatch(column.name) else "is not in camelCase"
    ),
    "column-type-is-valid-for-platform": _known_types,
    "description-must-not-be-placeholder": _placeholders,
}
PIPELINE_RULES: Mapping[str, PipelineRule] = {
    "pipeline-has-notifications": _pipeline(
        "notifications", lambda one: one.notifications, "the pipeline has no notifications"
    ),
    "pipeline-has-retries": _pipeline(
        "retries", lambda one: (one.retries or 0) > 0, "the pipeline's retries are not above 0"
    ),
    "pipeline-has-start-date": _pipeline(
        "start_date", lambda one: one.start_date.strip(), "the pipeline has no start_date"
    ),
    "pipeline-has-metadata-push": _pipeline(
        "metadata_push", lambda one: one.metadata_push, "the pipeline does not push its metadata"
    ),
}
_COLUMNS_MATCH = "columns-match-query"
NAMES = frozenset((*ASSET_RULES, *PIPELINE_RULES, _COLUMNS_MATCH))


def warned(name: str, asset: Asset) -> Iterator[Wrong]:
    """What rules that only warn say: the query gives columns that are not declared."""
    if name != _COLUMNS_MATCH or asset.type not in SQL or not asset.materialization.type:
        return
    from assets_parser.policies.query_columns import undeclared  # noqa: PLC0415 - needs sqlglot

    if found := undeclared(asset):
        yield "columns", f"columns of the query are not declared: {', '.join(found)}"
