"""scd2_by_column and scd2_by_time: every version of a row, each with the time that it was true.

A version that is closed never changes again; a row that comes back is a new version, and the gap
stays. One form for all engines. Pure.
"""

from collections.abc import Callable

from workers.sql.scripts import BadAsset, Script, Statement
from workers.sql.strategies import columns
from workers.sql.strategies.keys import Meeting, Pair, given, key_pairs, meetings, stored, unique
from workers.sql.strategies.target import Target

FROM, UNTIL, CURRENT = "_valid_from", "_valid_until", "_is_current"


def by_column(target: Target) -> Script:
    """A new version when a declared column outside of the key has changed, also to or from NULL."""
    return _script(target, lambda: _changed(target))


def by_time(target: Target) -> Script:
    """A new version when the incremental key is later than that of the version before."""
    if not target.spec.materialization.incremental_key:
        raise BadAsset("strategy scd2_by_time needs `incremental_key`: the time of a change")
    return _script(target, lambda: _later(target))


def _script(target: Target, changed: Callable[[], str]) -> Script:
    pairs = key_pairs(target)
    _check_names(target)
    platform = target.platform
    history = _rebuilt(target) if target.fresh else _continued(target, pairs, changed())
    return Script(
        setup=target.staged(),
        describe=target.staged_columns,
        main=(
            unique(target, pairs),
            *([target.run(platform.utc)] if platform.utc else []),
            *history,
            target.unstaged,
            *target.after,
        ),
        finish=(target.run(platform.utc_back),) if platform.utc_back else (),
        atomic=True,
    )


def _check_names(target: Target) -> None:
    used = {name.lower() for name in (*target.produced, *(one.name for one in target.spec.columns))}
    taken = sorted(used & {FROM, UNTIL, CURRENT})
    if taken:
        raise BadAsset(f"{', '.join(taken)}: fleet fills this column itself", "rename it")


def _rebuilt(target: Target) -> list[Statement]:
    """All rows of the query as first versions."""
    names, time = target.produced, _time(target)
    own = target.quoted(names, "source.") if names else "source.*"
    now = target.platform.now
    start = f"{f'COALESCE({time}, {now})' if time else now} AS {FROM}"
    parts = [start, own] if target.platform.starts_history else [own, start]
    parts += [f"{target.platform.far} AS {UNTIL}", f"TRUE AS {CURRENT}"]
    selected = ",\n  ".join(parts)
    query = f"SELECT\n  {selected}\nFROM {target.temp} AS source"
    made = target.made_anew(
        lambda name: target.run(f"CREATE TABLE {name} AS\n{query}", counted=True)
    )
    return list(made)


def _continued(target: Target, pairs: tuple[Pair, ...], changed: str) -> list[Statement]:
    _check_history(target)
    found: list[Statement] = []
    met = meetings(target, pairs)
    for meeting in met:
        found += [_close_changed(target, meeting, changed), _close_vanished(target, meeting)]
    return found + [_open(target, meeting, pairs) for meeting in met]


def _check_history(target: Target) -> None:
    columns.needed(target)
    known = target.existing
    missing = [name for name in (FROM, UNTIL, CURRENT) if known and name not in known]
    if missing:
        raise BadAsset(
            f"{target.spec.name} keeps no history: it has no column {', '.join(missing)}",
            "run the asset once with --full-refresh, which makes the table anew",
        )


def _close_changed(target: Target, meeting: Meeting, changed: str) -> Statement:
    time, until = _time(target), target.platform.now
    if time:  # a time that is no later than the version's start cannot be its end
        until = f"CASE WHEN {time} > target.{FROM} THEN {time} ELSE {until} END"
    picked = f"{meeting.source} AND " if meeting.source else ""
    where = f"target.{CURRENT} AND {picked}{meeting.on}\n  AND ({changed})"
    return target.run(target.updated({UNTIL: until, CURRENT: "FALSE"}, where))


def _close_vanished(target: Target, meeting: Meeting) -> Statement:
    picked = f"{meeting.target} AND " if meeting.target else ""
    now = target.platform.now
    now = f"CASE WHEN target.{FROM} > {now} THEN target.{FROM} ELSE {now} END"
    return target.run(
        f"UPDATE {target.table} AS target\nSET {UNTIL} = {now}, {CURRENT} = FALSE\n"  # noqa: S608
        f"WHERE target.{CURRENT} AND {picked}NOT EXISTS (\n"
        f"  SELECT 1 FROM {target.temp} AS source WHERE {meeting.on}\n)"
    )


def _open(target: Target, meeting: Meeting, pairs: tuple[Pair, ...]) -> Statement:
    """Versions for the rows that have none that is current: new, changed or come back."""
    into, values = _carried(target)
    picked = f"{meeting.source} AND " if meeting.source else ""
    start, past = _start(target, meeting, pairs)
    return target.run(
        f"INSERT INTO {target.table} ({target.quoted((*into, FROM, UNTIL, CURRENT))})\n"  # noqa: S608
        f"SELECT {target.quoted(values, 'source.')},\n  {start},\n"
        f"  {target.platform.far}, TRUE\nFROM {target.temp} AS source\n{past}"
        f"WHERE {picked}NOT EXISTS (\n"
        f"  SELECT 1 FROM {target.table} AS target WHERE {meeting.on} AND target.{CURRENT}\n)",
        counted=True,
    )


def _start(target: Target, meeting: Meeting, pairs: tuple[Pair, ...]) -> tuple[str, str]:
    """When a version begins, and the join that it needs to know it.

    It is the row's own time, unless an earlier version was still true then: it came back later.
    """
    time = _time(target)
    now = target.platform.now
    if not time:
        return now, ""
    keys = target.quoted(tuple(pair.stored for pair in pairs))
    past = (
        f"LEFT JOIN (\n  SELECT {keys}, MAX({UNTIL}) AS _ended FROM {target.table}\n"  # noqa: S608
        f"  WHERE NOT {CURRENT} GROUP BY {keys}\n) AS target ON {meeting.on}\n"
    )
    late = f"{time} IS NULL OR target._ended > {time}"
    return f"CASE WHEN {late} THEN {now} ELSE {time} END", past


def _carried(target: Target) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The table's columns that the query fills, and the query's for them; BadAsset if one lacks."""
    if not target.existing or not target.produced:
        declared = tuple(column.name for column in target.spec.columns)
        return declared, declared
    found = {name: columns.find(name, target.existing) for name in target.produced}
    strange = [name for name, known in found.items() if known is None]
    if strange:
        raise BadAsset(
            f"{target.spec.name} has no column {', '.join(strange)}, which the query gives",
            "add it to the table, so that the history stays; --full-refresh would begin a new one",
        )
    return tuple(known for known in found.values() if known), tuple(found)


def _changed(target: Target) -> str:
    compared = [one.name for one in target.spec.columns if not one.primary_key]
    quote = target.platform.dialect.identifier
    differs = target.platform.differs
    conditions = [
        differs.format(
            f"target.{quote(stored(target, one))}", f"source.{quote(given(target, one))}"
        )
        for one in compared
    ]
    return " OR ".join(conditions) or "1 = 0"


def _later(target: Target) -> str:
    key, quote = target.spec.materialization.incremental_key, target.platform.dialect.identifier
    return f"source.{quote(given(target, key))} > target.{quote(stored(target, key))}"


def _time(target: Target) -> str:
    """The moment that the row itself names; nothing if the moment of the run counts."""
    key = target.spec.materialization.incremental_key
    if not key:
        return ""
    name = target.platform.dialect.identifier(given(target, key))
    return f"CAST(source.{name} AS {target.platform.instant})"
