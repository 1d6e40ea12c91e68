"""delete+insert: the query's rows instead of those with the same key value. Pure."""

from workers.sql.scripts import Script, Statement
from workers.sql.strategies import columns
from workers.sql.strategies.insert import key_of
from workers.sql.strategies.target import Target


def delete_insert(target: Target) -> Script:
    """Rows without a key value replace those without one, or each run would add them again.

    With a statement of its own: behind an OR, no engine would join the others by hash.
    """
    columns.needed(target)
    temp = target.temp
    key, new = key_of(target, target.existing), key_of(target, target.produced)
    same = f"{key} IN (SELECT {new} FROM {temp})"  # noqa: S608 - quoted
    none = f"{key} IS NULL AND EXISTS (SELECT 1 FROM {temp} WHERE {new} IS NULL)"  # noqa: S608
    return Script(
        setup=target.staged(),
        describe=target.staged_columns,
        main=(
            target.run(f"DELETE FROM {target.table} WHERE {same}"),  # noqa: S608
            target.run(f"DELETE FROM {target.table} WHERE {none}"),  # noqa: S608
            _insert(target),
            target.unstaged,
            *target.after,
        ),
        atomic=True,
    )


def _insert(target: Target) -> Statement:
    into, source = target.table, target.temp
    if not target.produced:
        return target.run(f"INSERT INTO {into} SELECT * FROM {source}", counted=True)  # noqa: S608
    names = target.quoted(columns.filled(target))
    return target.run(f"INSERT INTO {into} ({names})\nSELECT * FROM {source}", counted=True)
