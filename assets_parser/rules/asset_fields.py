"""Rules about the plain fields of an asset: secrets, custom checks, tags, dates, notifications."""

from collections.abc import Iterator

from assets_parser.faults import Fault
from assets_parser.model import Asset, Check, CustomCheck, Pipeline
from assets_parser.rules.columns import repeated
from assets_parser.rules.notifications import problems
from assets_parser.rules.pipeline_file import is_date
from assets_parser.rules.places import at_asset, warn_asset

_HIGHEST_TIER = 5


def check(pipeline: Pipeline) -> Iterator[Fault]:
    """Faults of the plain fields of each asset."""
    for asset in pipeline.assets:
        yield from _blanks(asset)
        yield from _tags(asset)
        yield from _values(asset)
        yield from _notifications(asset)
        yield from _fleets_own(asset)


def _blanks(asset: Asset) -> Iterator[Fault]:
    for index, secret in enumerate(asset.secrets):
        if not secret.key.strip():
            place, message = f"secrets.{index}", "a secret has no key"
            hint = "the key is the name of a connection"
            yield at_asset(
                asset,
                "secret-mapping-key-exists",
                message,
                field=place,
                line=secret.line,
                hint=hint,
            )
    for index, one in enumerate(asset.custom_checks):
        if not one.query.strip():
            place, message = f"custom_checks.{index}", f"custom check '{one.name}' has no query"
            yield at_asset(asset, "custom-check-query-exists", message, field=place, line=one.line)


def _tags(asset: Asset) -> Iterator[Fault]:
    for tag in repeated(asset.tags):
        yield at_asset(
            asset, "duplicate-tags", f"tag '{tag}' is there more than once", field="tags"
        )
    for index, column in enumerate(asset.columns):
        for tag in repeated(column.tags):
            message = f"tag '{tag}' of column '{column.name}' is there more than once"
            place = f"columns.{index}.tags"
            yield at_asset(asset, "duplicate-tags", message, field=place, line=column.line)


def _values(asset: Asset) -> Iterator[Fault]:
    if asset.start_date and not is_date(asset.start_date):
        message = f"start_date '{asset.start_date}' is not a date"
        hint = "write it as YYYY-MM-DD"
        yield at_asset(asset, "valid-asset-start-date", message, field="start_date", hint=hint)
    if not 0 <= asset.tier <= _HIGHEST_TIER:
        message = f"tier must be between 1 and {_HIGHEST_TIER}, it is {asset.tier}"
        yield at_asset(asset, "valid-asset-tier", message, field="tier")
    if 0 < asset.timeout < 1:
        message = "a timeout below one second stops the asset before it has begun"
        yield warn_asset(asset, "valid-timeout", message, field="timeout")


def _notifications(asset: Asset) -> Iterator[Fault]:
    """Those of the asset, and those of each check."""
    rule = "valid-asset-notifications"
    for message in problems(asset.notifications):
        yield at_asset(asset, rule, message, field="notifications")
    checks: list[Check | CustomCheck] = [one for column in asset.columns for one in column.checks]
    for one in (*checks, *asset.custom_checks):
        for message in problems(one.notifications):
            yield at_asset(asset, rule, f"check '{one.name}': {message}", line=one.line)


def _fleets_own(asset: Asset) -> Iterator[Fault]:
    """What `meta` says to fleet: a word that nobody knows must not mean the opposite."""
    said = asset.meta.get("fleet_rerun")
    if said is not None and said.strip().lower() != "never":
        message = f"fleet_rerun '{said}' is not known"
        hint = "`never` forbids another run by itself after its worker was lost; else leave it out"
        yield at_asset(asset, "valid-fleet-rerun", message, field="meta.fleet_rerun", hint=hint)
