"""ClickHouse, which has no transactions: each strategy in an order that a failure does least harm.

Pure. What the query gives is staged first, so that a query that fails changes nothing; what a crash
between two statements leaves, the next run puts right.
"""

from collections.abc import Mapping

from workers.sql.bodies import parts
from workers.sql.scripts import BadAsset, Script, Statement
from workers.sql.strategies import columns, ddl, insert
from workers.sql.strategies.keys import key_pairs, unique
from workers.sql.strategies.target import Target, Writer

_AGAIN = "SETTINGS insert_deduplicate = 0"  # else rows that were just deleted would not come back


def script(target: Target) -> Script:
    """Without materialization: one statement after the other, as its interface takes one."""
    found = parts(target.spec.query, target.platform.grammar)
    return Script(main=tuple(target.placed(part) for part in found))


def replace(target: Target) -> Script:
    """The table made anew and exchanged in one step."""
    made = target.around(f"CREATE OR REPLACE TABLE {target.table} {_engine(target)} AS")
    return Script(setup=target.setup, main=(made, *target.after))


def append(target: Target) -> Script:
    """Add the query's rows; the first time they are the table."""
    if target.facts is not None and target.facts.existing is None:
        return replace(target)
    into = f"INSERT INTO {target.table}{_names(target)}"
    return Script(
        setup=target.setup,
        describe=target.query_columns,
        main=(target.around(into), *target.after),
    )


def truncate_insert(target: Target) -> Script:
    """A table of the same definition is filled aside, then exchanged in one step."""
    columns.needed(target)
    new = target.aside("new")
    return Script(
        setup=target.setup,
        describe=target.query_columns,
        main=(
            target.run(f"DROP TABLE IF EXISTS {new}"),
            target.run(f"CREATE TABLE {new} AS {target.table}"),
            target.around(f"INSERT INTO {new}{_names(target)}"),
            target.run(f"EXCHANGE TABLES {new} AND {target.table}"),
            target.run(f"DROP TABLE {new}"),
            *target.after,
        ),
    )


def delete_insert(target: Target) -> Script:
    """The query's rows instead of those with the same key value, NULL being one."""
    columns.needed(target)
    stage = target.aside("tmp")
    key = insert.key_of(target, target.existing)
    new = insert.key_of(target, target.produced)
    none = f"(SELECT count() FROM {stage} WHERE {new} IS NULL) > 0"  # noqa: S608 - quoted
    stale = f"{key} IN (SELECT {new} FROM {stage}) OR ({key} IS NULL AND {none})"  # noqa: S608
    return _exchanged(target, stale)


def time_interval(target: Target) -> Script:
    """The query's rows instead of those of the run's interval."""
    columns.needed(target)
    return _exchanged(target, insert.interval(target))


def merge(target: Target) -> Script:
    """Rows of the same primary key are replaced as a whole, as by Bruin."""
    columns.needed(target)
    pairs = key_pairs(target)
    stage = target.aside("tmp")
    ours = target.quoted(tuple(pair.stored for pair in pairs))
    theirs = target.quoted(tuple(pair.given for pair in pairs))
    stale = f"({ours}) IN (SELECT {theirs} FROM {stage})"  # noqa: S608 - quoted
    if predicate := target.spec.materialization.incremental_predicate.strip():
        stale += f"\n  AND ({predicate}\n  )"
    return _exchanged(target, stale, unique(target, pairs, stage))


def declared(target: Target) -> Script:
    """An empty table from the declared columns, where there is none."""
    made = ddl.table(target)
    return Script(main=(target.run(f"{made} {_engine(target)}"),))


def refused(target: Target) -> Script:
    """Strategies that keep history need what ClickHouse cannot promise."""
    strategy = target.spec.materialization.strategy
    raise BadAsset(
        f"fleet does not run {strategy} on ClickHouse: without transactions a history may tear",
        "use `merge` for the current rows, or keep the history in another database",
    )


def _exchanged(target: Target, stale: str, *checks: Statement) -> Script:
    """Stage the query's rows, delete the `stale` ones of the table, insert those staged."""
    stage = target.aside("tmp")
    made = f"CREATE TABLE {stage} ENGINE = MergeTree ORDER BY tuple() AS"
    return Script(
        setup=(
            *target.setup,
            target.run(f"DROP TABLE IF EXISTS {stage}"),
            target.around(made),
        ),
        describe=target.run(f"SELECT * FROM {stage} LIMIT 0"),  # noqa: S608 - quoted
        main=(
            *checks,
            target.run(f"DELETE FROM {target.table} WHERE {stale}"),  # noqa: S608 - quoted
            target.run(
                f"INSERT INTO {target.table}{_names(target)} {_AGAIN}\nSELECT * FROM {stage}"
            ),
            target.run(f"DROP TABLE {stage}"),
            *target.after,
        ),
    )


def _names(target: Target) -> str:
    return f" ({target.quoted(columns.filled(target))})" if target.produced else ""


def _engine(target: Target) -> str:
    """The table's engine: sorted by its primary key, of which a part may be NULL."""
    keys = target.quoted(tuple(column.name for column in target.keys))
    words = ["ENGINE = MergeTree"]
    if partition := target.spec.materialization.partition_by:
        words.append(f"PARTITION BY {partition}")
    words.append(
        f"ORDER BY ({keys}) SETTINGS allow_nullable_key = 1" if keys else "ORDER BY tuple()"
    )
    return " ".join(words)


WRITERS: Mapping[str, Writer] = {
    "none": script,
    "": replace,
    "append": append,
    "create+replace": replace,
    "ddl": declared,
    "delete+insert": delete_insert,
    "merge": merge,
    "scd2_by_column": refused,
    "scd2_by_time": refused,
    "time_interval": time_interval,
    "truncate+insert": truncate_insert,
}
