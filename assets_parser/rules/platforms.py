"""Rules about what single platforms ask for: options of BigQuery tables, EMR Serverless jobs."""

import re
from collections.abc import Iterator

from assets_parser import durations
from assets_parser.faults import Fault
from assets_parser.model import Asset, Pipeline
from assets_parser.rules.places import at_asset, warn_asset, word_of
from assets_parser.templates import is_template

_BIGQUERY, _EMR = "bigquery-table-options", "emr-serverless-spark-validation"
_PARTITIONED = ("require_partition_filter", "partition_expiration_days")
_ARN = re.compile(r"arn:([^:\n]*:){4}[^\n]*")
_SHORTEST = 300  # seconds
_LONGEST_NAME = 2000


def check(pipeline: Pipeline) -> Iterator[Fault]:
    """Faults of these platforms' own fields."""
    for asset in pipeline.assets:
        if asset.options.get("bigquery"):
            yield from _bigquery(asset)
        if asset.type in ("emr_serverless.spark", "emr_serverless.pyspark"):
            yield from _emr(asset)


def _bigquery(asset: Asset) -> Iterator[Fault]:
    options = asset.options["bigquery"]
    days = options.get("partition_expiration_days")
    if days is not None and days <= 0:
        message, place = f"partition_expiration_days must be above 0, it is {days}", "bigquery"
        yield at_asset(asset, _BIGQUERY, message, field=f"{place}.partition_expiration_days")
    if asset.type != "bq.sql" or asset.materialization.type != "table":
        if "bigquery" in asset.lines:  # inherited options are for those that can have them
            message = "these options belong to assets of type bq.sql that make a table"
            yield warn_asset(asset, _BIGQUERY, message, field="bigquery")
        return
    for name in _PARTITIONED:
        if options.get(name) and not asset.materialization.partition_by:
            message, hint = f"'{name}' needs a partitioned table", "add partition_by"
            yield at_asset(asset, _BIGQUERY, message, field=f"bigquery.{name}", hint=hint)


def _emr(asset: Asset) -> Iterator[Fault]:
    python = asset.type.endswith("pyspark")
    suffixes, words = ((".py",), "a Python file") if python else ((".yml", ".yaml"), "YAML")
    if not (asset.body_path or asset.path).endswith(suffixes):
        yield at_asset(asset, _EMR, f"an asset of type '{asset.type}' is {words}", field="type")
    if python and "entrypoint" in asset.parameters:
        message = "'entrypoint' is not for this type: its own code is what runs"
        yield at_asset(asset, _EMR, message, field="parameters.entrypoint")
    if not python and not word_of(asset, "entrypoint"):
        message, hint = "there is no 'entrypoint'", "add: parameters: {entrypoint: s3://...}"
        yield at_asset(asset, _EMR, message, field="parameters", hint=hint)
    for name, (wrong, hint) in _EMR_WORDS.items():
        text = word_of(asset, name)
        if text and not is_template(text) and wrong(text):
            place, message = f"parameters.{name}", f"'{text[:100]}' is not a value of '{name}'"
            yield at_asset(asset, _EMR, message, field=place, hint=hint)


def _bad_timeout(text: str) -> bool:
    seconds = durations.seconds(text)
    return seconds is None or (seconds != 0 and seconds < _SHORTEST)


def _bad_role(text: str) -> bool:
    return len(text) > _LONGEST_NAME or not _ARN.fullmatch(text)


def _bad_place(text: str) -> bool:
    return not text.startswith("s3://")


_EMR_WORDS = {
    "timeout": (_bad_timeout, "write 5m or more, or 0 for none"),
    "execution_role": (_bad_role, "write an Amazon Resource Name: arn:aws:iam::..."),
    "logs": (_bad_place, "write s3://bucket/path"),
}
