"""An environment's schema prefix: `dev_` makes raw.orders dev_raw.orders for the whole run."""

import dataclasses

from assets_parser.model import Asset, Column, Dependency, Pipeline


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
