"""The asset types that Bruin knows, and the rule that each asset has one of them."""

from collections.abc import Iterator

from assets_parser.faults import Fault
from assets_parser.model import Pipeline
from assets_parser.rules.places import at_asset
from assets_parser.suggestions import did_you_mean

PYTHON = frozenset({"python", "python.beta", "python.legacy"})
SCRIPTS = PYTHON | {"r"}

_SENSORS = ("sensor.query", "sensor.table")
_FAMILIES = {
    "bq sf pg rs ms athena clickhouse databricks doris starrocks synapse spark vertica": (
        "sql",
        "seed",
        "source",
        *_SENSORS,
    ),
    "my": ("sql", "seed", *_SENSORS),
    "duckdb": ("sql", "seed", "source", "sensor.query"),
    "fabric": ("sql", "seed", *_SENSORS, "spark_sql"),
    "fw": ("sql", "seed", *_SENSORS),
    "trino dremio sail": ("sql", "sensor.query"),
    "oracle": ("sql", "source"),
    "quicksight": ("dashboard", "dataset"),
    "tableau": ("dashboard", "datasource", "workbook", "worksheet"),
    "dbt": ("test",),
    "emr_serverless": ("spark", "pyspark"),
    "dataproc_serverless": ("pyspark",),
    "gcs": ("sensor.object", "sensor.prefix", "sensor.object_sensor_with_prefix"),
}
_SINGLE = (
    "r empty ingestr agent.claude_code dbt mongo.source s3.sensor.key_sensor appsflyer.export.bq "
    "looker looker_studio powerbi qliksense qlikview sisense domo metabase grafana superset modebi "
    "redash gooddata quicksight tableau"
)
KNOWN = frozenset(
    [f"{p}.{kind}" for ps, kinds in _FAMILIES.items() for p in ps.split() for kind in kinds]
) | {*PYTHON, *_SINGLE.split()}
SQL = frozenset(name for name in KNOWN if name.endswith((".sql", ".spark_sql")))


def check(pipeline: Pipeline) -> Iterator[Fault]:
    """Faults of assets without a type or with one that nobody knows."""
    for asset in pipeline.assets:
        if not asset.type:
            hint = "add a type such as duckdb.sql, here or under 'default:' of the pipeline"
            yield at_asset(asset, "valid-task-type", "the asset has no type", hint=hint)
        elif asset.type not in KNOWN:
            message = f"'{asset.type}' is not a type of asset"
            hint = did_you_mean(asset.type, KNOWN)
            yield at_asset(asset, "valid-task-type", message, field="type", hint=hint)
