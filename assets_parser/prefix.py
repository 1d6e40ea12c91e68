"""An environment's schema prefix: `dev_` makes raw.orders dev_raw.orders for the whole run."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping

from assets_parser.model import Asset, Column, CustomCheck, Dependency, Pipeline
from assets_parser.spec import AssetSpec
from assets_parser.sql_tables import dialect_of, references_of

_MAKES_TABLES = frozenset({"materialize", "query", "seed", "ingest"})


def prefixed(pipeline: Pipeline, prefix: str) -> Pipeline:
    """The pipeline with the prefix before the schema of its assets, dependencies, foreign keys.

    The names of other pipelines' tables stay as they are.
    """
    if not prefix:
        return pipeline
    new = {asset.name: with_prefix(asset.name, prefix) for asset in pipeline.assets}
    return dataclasses.replace(
        pipeline, assets=tuple(_asset(asset, new) for asset in pipeline.assets)
    )


def in_queries(
    specs: Mapping[str, AssetSpec], prefix: str, dialect: str = ""
) -> dict[str, AssetSpec]:
    """The specs with SQL and checks that read and write the prefixed tables which this run makes.

    Other tables are for the worker to decide, which can look whether a prefixed one exists.
    `dialect` is that of checks of assets which are not SQL.
    """
    if not prefix:
        return dict(specs)
    made = {_without(spec.name, prefix) for spec in specs.values() if _makes_table(spec)}

    def new(spec: AssetSpec) -> AssetSpec:
        language = dialect_of(spec.type) or dialect
        own = made | {_without(spec.name, prefix)}

        def is_own(name: str) -> bool:
            return name.casefold() in own

        return in_texts(spec, lambda sql: with_prefixed_tables(sql, prefix, is_own, language))

    return {name: new(spec) for name, spec in specs.items()}


def in_texts(spec: AssetSpec, new: Callable[[str], str]) -> AssetSpec:
    """The spec with the SQL of its query, hooks and custom checks changed."""
    return dataclasses.replace(
        spec,
        query=new(spec.query) if "query" in spec.steps else spec.query,
        hooks=dataclasses.replace(
            spec.hooks, pre=_all(spec.hooks.pre, new), post=_all(spec.hooks.post, new)
        ),
        custom_checks=tuple(_check(check, new) for check in spec.custom_checks),
    )


def with_prefixed_tables(
    sql: str, prefix: str, is_wanted: Callable[[str], bool], dialect: str = ""
) -> str:
    """The SQL with the prefix before the schemas of the tables that are wanted, nothing else new.

    `is_wanted` gets a table's dotted name as it is written, without quotes.
    """
    found = references_of(sql, dialect)
    tables = {one.name.casefold() for one in found if one.use != "column"}
    places = sorted(
        {
            one.schema_at
            for one in found
            if one.schema_at >= 0 and one.name.casefold() in tables and is_wanted(one.name)
        }
    )
    pieces = [sql[a:b] for a, b in zip([0, *places], [*places, len(sql)], strict=True)]
    return prefix.join(pieces)


def with_prefix(name: str, prefix: str) -> str:
    """`name` with the prefix before its second-last part; a name without a schema stays."""
    parts = name.split(".")
    if len(parts) > 1:
        parts[-2] = prefix + parts[-2]
    return ".".join(parts)


def _asset(asset: Asset, new: dict[str, str]) -> Asset:
    return dataclasses.replace(
        asset,
        name=new[asset.name],
        depends=tuple(_dependency(dependency, new) for dependency in asset.depends),
        columns=tuple(_column(column, new) for column in asset.columns),
    )


def _dependency(dependency: Dependency, new: dict[str, str]) -> Dependency:
    if dependency.type == "uri" or dependency.value not in new:
        return dependency
    return dataclasses.replace(dependency, value=new[dependency.value])


def _column(column: Column, new: dict[str, str]) -> Column:
    key = column.foreign_key
    if key is None or key.table not in new:
        return column
    return dataclasses.replace(column, foreign_key=dataclasses.replace(key, table=new[key.table]))


def _makes_table(spec: AssetSpec) -> bool:
    return not _MAKES_TABLES.isdisjoint(spec.steps)


def _without(name: str, prefix: str) -> str:
    parts = name.casefold().split(".")
    if len(parts) > 1:
        parts[-2] = parts[-2].removeprefix(prefix.casefold())
    return ".".join(parts)


def _all(texts: Iterable[str], new: Callable[[str], str]) -> tuple[str, ...]:
    return tuple(new(text) for text in texts)


def _check(check: CustomCheck, new: Callable[[str], str]) -> CustomCheck:
    return dataclasses.replace(check, query=new(check.query))
