"""One quality check alone: finds it by its id and makes it the only one. Called by selection, plan.

Bruin's id is the SHA-256 of `asset-column-check` or `asset-name`, in which the asset is an empty
text where its name comes from its path. Ours is what every report prints: `asset:column:check`.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

from assets_parser import check_ids
from assets_parser.model import Asset, Pipeline
from assets_parser.naming import SelectionError, find_all, listed, refusal
from assets_parser.suggestions import did_you_mean


@dataclass(frozen=True, slots=True, kw_only=True)
class SingleCheck:
    """A check of an asset; a custom one has no column. `name` is as the definition has it."""

    asset: str
    column: str
    name: str

    @property
    def id(self) -> str:
        """The id that people read."""
        if self.column:
            return check_ids.of_column(self.asset, self.column, self.name)
        return check_ids.of_custom(self.asset, self.name)


def find(
    pipeline: Pipeline, wanted: str, among: tuple[str, ...] = (), base: str = ""
) -> SingleCheck:
    """The check of this id, of the assets `among` if any are named. Raises SelectionError."""
    assets = find_all(pipeline, among, base) or pipeline.assets
    checks = [(asset, check) for asset in assets for check in _checks(asset)]
    found = [check for asset, check in checks if wanted in _ids(asset, check)]
    if len(found) == 1:
        return found[0]
    known = [check.id for _, check in checks]
    if found:
        hint = f"name the asset too, or use one of {', '.join(check.id for check in found)}"
        raise SelectionError([refusal(f"{len(found)} checks have the id '{wanted}'", hint)])
    hint = did_you_mean(wanted, known) or listed("checks", known)
    raise SelectionError([refusal(f"no check has the id '{wanted}'", hint)])


def alone(asset: Asset, check: SingleCheck) -> Asset:
    """The asset with no other check than this one."""
    columns = tuple(
        replace(column, checks=tuple(c for c in column.checks if _is(check, column.name, c.name)))
        for column in asset.columns
    )
    custom = tuple(c for c in asset.custom_checks if _is(check, "", c.name))
    return replace(asset, columns=columns, custom_checks=custom)


def _is(check: SingleCheck, column: str, name: str) -> bool:
    return (check.column, check.name) == (column, name)


def _checks(asset: Asset) -> Iterator[SingleCheck]:
    for column in asset.columns:
        for check in column.checks:
            yield SingleCheck(asset=asset.name, column=column.name, name=check.name)
    for custom in asset.custom_checks:
        yield SingleCheck(asset=asset.name, column="", name=custom.name)


def _ids(asset: Asset, check: SingleCheck) -> set[str]:
    parts = [check.column, check.name] if check.column else [check.name]
    names = [asset.name] if "name" in asset.lines else [asset.name, ""]
    return {check.id, *(_hash("-".join([name, *parts])) for name in names)}


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
