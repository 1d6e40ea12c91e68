"""Which connection an asset uses, by name. Whether it exists is for its worker to find out."""

from collections import Counter
from collections.abc import Iterable

from assets_parser.model import Asset, Pipeline

_GUESS = "google_cloud_platform"  # what Bruin takes when nothing else decides
_PREFIXES = {
    "bq": "google_cloud_platform",
    "sf": "snowflake",
    "pg": "postgres",
    "rs": "redshift",
    "my": "mysql",
    "ms": "mssql",
    "fw": "fabric",
    "s3": "aws",
}
_DESTINATIONS = {"bigquery": "google_cloud_platform", "gsheets": "google_sheets"}
_DEFAULT_NAMES = {
    "google_cloud_platform": "gcp-default",
    "google_sheets": "google-sheets-default",
}
_OTHER_KEYS = {"mongo": ("mongo_atlas",), "gcs": ("google_cloud_platform",)}
_BY_MAJORITY = frozenset({"python", "python.beta", "python.legacy", "r", "empty"})
_SQL_PLATFORMS = frozenset(
    """
    athena clickhouse databricks db2 doris dremio duckdb fabric google_cloud_platform motherduck
    mssql mysql oracle postgres redshift sail snowflake sqlite starrocks synapse trino vertica
    """.split()  # noqa: SIM905 - a list of quoted words hides them
)


def connection_of(asset: Asset, pipeline: Pipeline) -> str:
    """The name of the connection that the asset's loads and checks use.

    Its own `connection`, else the pipeline's default for its platform, else `<platform>-default`.
    """
    return asset.connection or _destination_connection(asset) or _default(asset, pipeline)


def platform_of(asset: Asset, pipeline: Pipeline) -> str:
    """The connection type, as .bruin.yml calls it, that the asset's type asks for.

    For Python that of most SQL assets; without any, the one SQL platform that has a default here.
    """
    if asset.type == "ingestr":
        return _platform(_text(asset, "destination"), _DESTINATIONS)
    if asset.type in _BY_MAJORITY:
        if any(map(_sql_platform, pipeline.assets)):
            return majority_platform(pipeline.assets)
        named = [name for name in pipeline.default_connections if name in _SQL_PLATFORMS]
        return named[0] if len(named) == 1 else _GUESS
    return platform_of_type(asset.type)


def platform_of_type(name: str) -> str:
    """The connection type that the prefix of an asset type asks for: `pg.sql` is postgres."""
    return _platform(name.partition(".")[0], _PREFIXES)


def majority_platform(assets: Iterable[Asset]) -> str:
    """The platform of most SQL and ingestr assets; a tie at the top is Google's, as in Bruin."""
    counts = Counter(platform for asset in assets if (platform := _sql_platform(asset)))
    best = counts.most_common(2)
    if not best or (len(best) > 1 and best[0][1] == best[1][1]):
        return _GUESS
    return best[0][0]


def _sql_platform(asset: Asset) -> str:
    if asset.type == "ingestr":
        return _platform(_text(asset, "destination"), _DESTINATIONS)
    prefix, _, kind = asset.type.partition(".")
    return _platform(prefix, _PREFIXES) if kind == "sql" else ""


def _destination_connection(asset: Asset) -> str:
    return _text(asset, "destination_connection") if asset.type == "ingestr" else ""


def _default(asset: Asset, pipeline: Pipeline) -> str:
    platform = platform_of(asset, pipeline)
    for key in (platform, *_OTHER_KEYS.get(platform, ())):
        if name := pipeline.default_connections.get(key):
            return name
    return _DEFAULT_NAMES.get(platform, f"{platform}-default") if platform else ""


def _platform(word: str, names: dict[str, str]) -> str:
    return names.get(word, word)


def _text(asset: Asset, parameter: str) -> str:
    value = asset.parameters.get(parameter, "")
    return value if isinstance(value, str) else ""
