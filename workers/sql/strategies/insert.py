"""Strategies that insert what the query gives: append, truncate+insert, time_interval. Pure."""

from datetime import date, timedelta

from workers.sql.scripts import BadAsset, Script, Statement
from workers.sql.strategies import columns
from workers.sql.strategies.target import Target


def append(target: Target) -> Script:
    """Add the query's rows; the first time they are the table."""
    if target.facts is not None and target.facts.existing is None:
        made = target.around(f"CREATE TABLE {target.table} AS", counted=True)
        return Script(setup=target.setup, main=(made, *target.after), atomic=True)
    return _inserting(target)


def truncate_insert(target: Target) -> Script:
    """The query's rows instead of all that is there; the table stays as it is defined."""
    columns.needed(target)
    return _inserting(target, target.run(target.platform.truncate.format(target.table)))


def time_interval(target: Target) -> Script:
    """The query's rows instead of those of the run's interval."""
    columns.needed(target)
    where = interval(target)
    return _inserting(target, target.run(f"DELETE FROM {target.table} WHERE {where}"))  # noqa: S608


def interval(target: Target) -> str:
    """The condition that picks the table's rows of the run's interval."""
    key = key_of(target, target.existing)
    return _days(target, key) if _is_daily(target) else _moments(target, key)


def key_of(target: Target, names: tuple[str, ...]) -> str:
    """The incremental key, quoted as it stands in `names`; an expression stays as it is written."""
    key = target.spec.materialization.incremental_key
    if not key:
        strategy = target.spec.materialization.strategy
        raise BadAsset(f"strategy {strategy} needs `incremental_key`", "name the table's column")
    known = names or tuple(column.name for column in target.spec.columns)
    found = columns.find(key, known)
    if found is None and not key.isidentifier():
        return f"({key})"
    if found is None and names:
        raise BadAsset(
            f"incremental_key {key!r} is none of the columns {', '.join(names)}",
            "name a column that the table has and the query gives",
        )
    return target.platform.dialect.identifier(found or key)


def _inserting(target: Target, *before: Statement) -> Script:
    return Script(
        setup=target.setup,
        describe=target.query_columns,
        main=(*before, _insert(target), *target.after),
        atomic=True,
    )


def _insert(target: Target) -> Statement:
    names = f" ({target.quoted(columns.filled(target))})" if target.produced else ""
    return target.around(f"INSERT INTO {target.table}{names}", counted=True)


def _is_daily(target: Target) -> bool:
    granularity = target.spec.materialization.time_granularity
    if granularity not in ("date", "timestamp"):
        raise BadAsset("strategy time_interval needs `time_granularity`: date or timestamp")
    return granularity == "date"


def _days(target: Target, key: str) -> str:
    """All of the last day belongs to the interval, also on a column with a time of day."""
    environment, spec = target.spec.environment, target.spec
    first = environment.get("BRUIN_START_DATE") or spec.interval_start[:10]
    last = environment.get("BRUIN_END_DATE") or spec.interval_end[:10]
    behind = (date.fromisoformat(last) + timedelta(days=1)).isoformat()
    first, last = (_literal(target, target.platform.day, text) for text in (first, behind))
    return f"{key} >= {first} AND {key} < {last}"


def _moments(target: Target, key: str) -> str:
    environment, spec = target.spec.environment, target.spec
    first = environment.get("BRUIN_START_TIMESTAMP") or spec.interval_start
    last = environment.get("BRUIN_END_TIMESTAMP") or spec.interval_end
    if target.platform.zoneless:
        first, last = (_without_zone(text) for text in (first, last))
    first, last = (_literal(target, target.platform.moment, text) for text in (first, last))
    return f"{key} BETWEEN {first} AND {last}"


def _literal(target: Target, form: str, text: str) -> str:
    return form.format(target.platform.dialect.literal(text))


def _without_zone(text: str) -> str:
    """A moment in UTC, as engines read it that know no zones."""
    return text.removesuffix("Z").removesuffix("+00:00").replace("T", " ")
