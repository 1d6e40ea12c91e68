"""The connections that assets name are in .bruin.yml.

`fleet validate` asks; a run does not, because its workers may have a file of their own.
"""

from collections.abc import Iterator

from assets_parser.config import Environment
from assets_parser.connections import connection_of
from assets_parser.faults import Fault
from assets_parser.kinds import main_steps
from assets_parser.model import Asset, Pipeline
from assets_parser.rules.ingestr import parameter
from assets_parser.rules.places import at_asset, warn_asset
from assets_parser.suggestions import did_you_mean
from assets_parser.templates import is_template

RULE = "unknown-connection"
_NO_SOURCE = ("chess.com", "frankfurter.dev")  # ingestr reads them without a connection


def check(pipeline: Pipeline, environment: Environment, *, exists: bool) -> Iterator[Fault]:
    """Errors about connections that the environment lacks; warnings if there is no file at all."""
    fault = at_asset if exists else warn_asset
    where = f"environment '{environment.name}'" if exists else f"there is no {environment.file}:"
    for asset in pipeline.assets:
        for name, field, line in dict.fromkeys(_used(asset, pipeline)):
            if name in environment.connections or is_template(name):
                continue
            message = f"{where} has no connection '{name}'" if exists else f"{where} no '{name}'"
            hint = did_you_mean(name, environment.connections) or f"add it to {environment.file}"
            yield fault(asset, RULE, message, field=field, line=line, hint=hint)


def _used(asset: Asset, pipeline: Pipeline) -> Iterator[tuple[str, str, int]]:
    """Names, each with the field and line that ask for it."""
    checked = asset.custom_checks or any(column.checks for column in asset.columns)
    steps = main_steps(asset) or ()
    if checked or set(steps) - {"script"}:
        field = "connection" if asset.connection else "type"
        yield connection_of(asset, pipeline), field, 0
    elif asset.connection:
        yield asset.connection, "connection", 0
    source = parameter(asset, "source_connection") if asset.type == "ingestr" else ""
    if source and source not in _NO_SOURCE:
        yield source, "parameters.source_connection", 0
    for index, secret in enumerate(asset.secrets):
        if secret.key.strip() and not secret.injected:
            yield secret.key, f"secrets.{index}", secret.line
