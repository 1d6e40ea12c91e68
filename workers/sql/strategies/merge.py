"""merge: new keys are inserted, known ones updated in the columns that say so. Pure.

UPDATE and INSERT instead of MERGE: every version of every engine knows them.
"""

from workers.sql.scripts import BadAsset, Script, Statement
from workers.sql.strategies import columns
from workers.sql.strategies.keys import Meeting, given, key_pairs, meetings, stored, unique
from workers.sql.strategies.target import Target


def merge(target: Target) -> Script:
    """`incremental_predicate` and a column's `merge_sql` may speak of `target` and `source`."""
    columns.needed(target)
    pairs = key_pairs(target)
    changes: list[Statement] = []
    for meeting in meetings(target, pairs):
        changes += [*_update(target, meeting), _insert(target, meeting)]
    return Script(
        setup=target.staged(),
        describe=target.staged_columns,
        main=(
            unique(target, pairs),
            *changes,
            target.unstaged,
            *target.after,
        ),
        atomic=True,
    )


def _on(target: Target, meeting: Meeting) -> str:
    predicate = target.spec.materialization.incremental_predicate.strip()
    return f"{meeting.on}\n  AND ({predicate}\n  )" if predicate else meeting.on


def _update(target: Target, meeting: Meeting) -> list[Statement]:
    changed = [
        column for column in target.spec.columns if column.update_on_merge or column.merge_sql
    ]
    if not changed:
        return []
    sets = {}
    for column in changed:
        name = target.quoted((stored(target, column.name),))
        sets[name] = column.merge_sql or f"source.{target.quoted((given(target, column.name),))}"
    picked = f"{meeting.source} AND " if meeting.source else ""
    return [target.run(target.updated(sets, picked + _on(target, meeting)), counted=True)]


def _insert(target: Target, meeting: Meeting) -> Statement:
    into, values = _inserted(target)
    picked = f"{meeting.source} AND " if meeting.source else ""
    return target.run(
        f"INSERT INTO {target.table} ({target.quoted(into)})\n"  # noqa: S608 - quoted
        f"SELECT {target.quoted(values, 'source.')}\nFROM {target.temp} AS source\n"
        f"WHERE {picked}NOT EXISTS (\n"
        f"  SELECT 1 FROM {target.table} AS target WHERE {_on(target, meeting)}\n)",
        counted=True,
    )


def _inserted(target: Target) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The columns of the table that are filled, and those of the query that fill them.

    What the query gives beyond the declared columns is left out where the table lacks it.
    """
    declared = tuple(column.name for column in target.spec.columns)
    if not target.existing or not target.produced:
        return declared, declared
    pairs = [(columns.find(name, target.existing), name) for name in target.produced]
    lost = [name for known, name in pairs if known is None and columns.find(name, declared)]
    if lost:
        raise BadAsset(
            f"{target.spec.name} has no column {', '.join(lost)}, which the asset declares",
            "add it to the table, or run once with --full-refresh",
        )
    kept = [(known, name) for known, name in pairs if known is not None]
    return tuple(known for known, _ in kept), tuple(name for _, name in kept)
