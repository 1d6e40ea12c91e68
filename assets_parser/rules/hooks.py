"""Rules about hooks: queries around SQL assets, which nothing else runs."""

from collections.abc import Iterator

from assets_parser.faults import Fault
from assets_parser.model import Asset, Pipeline
from assets_parser.rules.places import at_asset, at_pipeline, warn_asset
from assets_parser.rules.types import KNOWN, SCRIPTS, SQL
from assets_parser.suggestions import did_you_mean


def check(pipeline: Pipeline) -> Iterator[Fault]:
    """Faults of the hooks of each asset, and of those that assets inherit."""
    yield from _inherited(pipeline)
    for asset in pipeline.assets:
        if asset.hooks.pre or asset.hooks.post:
            yield from _place(asset)
            yield from _blanks(asset)
        if "hooks.applicable_type" in asset.lines:
            message = "'applicable_type' has no effect here: it tells who inherits default hooks"
            rule, field = "asset-hooks-applicable-type-ignored", "hooks.applicable_type"
            hint = "take it out, or put the hooks under 'default:' of the pipeline"
            yield warn_asset(asset, rule, message, field=field, hint=hint)


def _place(asset: Asset) -> Iterator[Fault]:
    if asset.type in SCRIPTS:
        message = f"hooks do not run for assets of type '{asset.type}'"
        hint = "run the queries in the asset's own code"
        yield at_asset(asset, "script-hooks-unsupported", message, field="hooks", hint=hint)
    elif asset.type in KNOWN and asset.type not in SQL:
        message = f"hooks have no effect on assets of type '{asset.type}'"
        hint = "put the queries into a SQL asset"
        yield warn_asset(asset, "hooks-ignored", message, field="hooks", hint=hint)


def _blanks(asset: Asset) -> Iterator[Fault]:
    for side in ("pre", "post"):
        for index, query in enumerate(getattr(asset.hooks, side)):
            if not query.strip():
                message, field = f"a {side} hook has no query", f"hooks.{side}.{index}"
                yield warn_asset(asset, "hooks-ignored", message, field=field)


def _inherited(pipeline: Pipeline) -> Iterator[Fault]:
    for name in pipeline.default_hook_types:
        if name not in SQL:
            message = f"'{name}' is not a type of SQL asset, and only those have hooks"
            rule, field = "default-hooks-applicable-types", "default.hooks.applicable_type"
            hint = did_you_mean(name, SQL)
            yield at_pipeline(pipeline, rule, message, field=field, hint=hint)
