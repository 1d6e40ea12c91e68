"""The checks of an asset by the ids that every report prints, for all who make or tell them."""

from collections.abc import Collection, Iterator
from dataclasses import replace

from assets_parser.model import Check, CustomCheck
from assets_parser.spec import AssetSpec


def checks(spec: AssetSpec) -> Iterator[tuple[str, Check | CustomCheck]]:
    """Each check with its id, in order; two that are alike have the same."""
    for column in spec.columns:
        for check in column.checks:
            yield of_column(spec.name, column.name, check.name), check
    for custom in spec.custom_checks:
        yield of_custom(spec.name, custom.name), custom


def of_column(asset: str, column: str, check: str) -> str:
    """The id of a column's check."""
    return f"{asset}:{column}:{check}"


def of_custom(asset: str, name: str) -> str:
    """The id of a custom check: its name in lower case, blanks as underscores."""
    return f"{asset}:custom:{name.lower().replace(' ', '_')}"


def without(spec: AssetSpec, names: Collection[str]) -> AssetSpec:
    """The asset without the checks that have these ids."""
    columns = tuple(
        replace(
            column,
            checks=tuple(
                check
                for check in column.checks
                if of_column(spec.name, column.name, check.name) not in names
            ),
        )
        for column in spec.columns
    )
    custom = tuple(c for c in spec.custom_checks if of_custom(spec.name, c.name) not in names)
    return replace(spec, columns=columns, custom_checks=custom)
