"""Which columns of a table an INSERT fills: by name, as people mean it. Pure."""

from collections.abc import Iterable

from workers.sql.scripts import BadAsset
from workers.sql.strategies.target import Target


def find(name: str, columns: Iterable[str]) -> str | None:
    """The column of that name, in any case; the exact one if there are several."""
    known = list(columns)
    if name in known:
        return name
    return next((one for one in known if one.lower() == name.lower()), None)


def filled(target: Target) -> tuple[str, ...]:
    """The columns of the existing table that the query's columns go to, in the query's order.

    By name; by position as in Bruin where a name is none of the table's (an expression without an
    alias), as long as all other names stand at their places. BadAsset if values would land in the
    wrong columns.
    """
    existing, produced = target.existing, target.produced
    found = [find(name, existing) for name in produced]
    if all(found) and len(set(found)) == len(found):
        return tuple(name for name in found if name)
    placed = zip(found, existing, strict=False)
    if len(produced) <= len(existing) and all(name in (None, there) for name, there in placed):
        return existing[: len(produced)]
    strange = [name for name, known in zip(produced, found, strict=True) if known is None]
    said = f"has no column {', '.join(strange)}" if strange else "would get a column twice"
    raise BadAsset(
        f"{target.spec.name} {said}: the query gives {', '.join(produced)}, the table has "
        f"{', '.join(existing)}",
        "name the query's columns as the table does, or run once with --full-refresh",
    )


def needed(target: Target) -> None:
    """Refuse to change a table that does not exist."""
    if target.facts is not None and target.facts.existing is None:
        raise BadAsset(
            f"there is no table {target.spec.name} to change yet",
            "run the asset once with --full-refresh, which makes it; where `refresh_restricted` is "
            "set, without that",
        )
