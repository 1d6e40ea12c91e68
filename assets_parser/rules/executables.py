"""Rules about the code of an asset: a file to run, and something in it.

Bruin also refuses bodies of YAML assets that have an x bit: an accident that is not copied.
"""

from collections.abc import Iterator

from assets_parser.faults import Fault
from assets_parser.model import Asset, Pipeline
from assets_parser.rules.places import at_asset, warn_asset
from assets_parser.rules.types import SCRIPTS, SQL

_RULE = "valid-executable-file"


def check(pipeline: Pipeline) -> Iterator[Fault]:
    """Faults of bodies that are missing or empty."""
    for asset in pipeline.assets:
        apart = asset.path.endswith((".yml", ".yaml"))
        if asset.body.strip() or (not apart and asset.type in SCRIPTS):
            continue
        if apart and asset.body_path:
            message, hint = f"the file '{asset.body_path}' is empty", "it holds what the asset runs"
            yield at_asset(asset, _RULE, message, field="run", hint=hint)
        elif apart and asset.type in SCRIPTS:
            message, hint = "the asset names no file to run", "add: run: FILE, beside this file"
            yield at_asset(asset, _RULE, message, hint=hint)
        elif asset.type in SQL and asset.materialization.strategy != "ddl":
            yield _no_query(asset, apart=apart)


def _no_query(asset: Asset, *, apart: bool) -> Fault:
    hint = "add: run: FILE.sql, beside this file" if apart else "write it below the header"
    return warn_asset(asset, _RULE, "the asset has no query and will fail", hint=hint)
