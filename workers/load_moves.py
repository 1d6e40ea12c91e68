"""What moves the rows of a staging table into a load's target: SQL, as ingestr writes it. Pure.

Called by workers.load_staging in the last transaction of a load. The staging table has the columns
that the target is to have, and no key; rows that repeat a key are left out here, as ingestr does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from workers.load_flags import DELETE_INSERT, REPLACE, rfc3339
from workers.sql import dialects
from workers.sql.dialects import Dialect

NUMBER = "__bruin_dedup_rn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One move. `target` and `staging` are whole quoted names, `bare` and
    `bare_staging` their own names.

    `columns` are the staging table's with their types, `had` the target's, None if it is new.
    `keys` and `incremental_key` are columns of the staging table, in which `repeats` says that some
    rows repeat a key.
    `keyed`, `keyed_staging`: the table has a primary key, which is to be called
    `key_name` then. `outside`: keys outside of the interval may come. `by_value`: what bears a key
    that comes is replaced. `relaxed`: columns of the target that take no NULL yet, and must.
    """

    engine: str
    strategy: str
    target: str
    bare: str
    staging: str
    bare_staging: str
    columns: Mapping[str, str]
    had: Mapping[str, str] | None = None
    keys: Sequence[str] = ()
    incremental_key: str = ""
    interval: tuple[datetime, datetime] | None = None
    repeats: bool = False
    keyed: bool = True
    keyed_staging: bool = False
    outside: bool = False
    by_value: bool = False
    relaxed: Sequence[str] = ()
    key_name: str = ""
    dialect: Dialect = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "dialect", dialects.of(self.engine))

    @property
    def remakes(self) -> bool:
        """Whether the target becomes the staging table itself, with its columns and types."""
        return self.had is None or (self.strategy == REPLACE and self.engine != "postgres")


def statements(move: Move) -> list[str]:
    """All that is to be done, in order."""
    if move.remakes:
        return [*_emptied(move), *_becomes(move)]
    return [*_emptied(move), *_evolved(move), *_locked(move), *_keyed(move), *_filled(move)]


def replaced_outside(move: Move) -> str:
    """The statement that takes away earlier rows whose key comes again, as they would be doubled.

    ingestr deletes the interval only: a row outside of it would come again with every run.
    """
    if not (move.outside and move.had and move.strategy == DELETE_INSERT and move.interval):
        return ""
    key = _value(move, move.dialect.identifier(move.incremental_key))
    column = move.dialect.identifier(move.incremental_key)
    same = f"{key} IN (SELECT {key} FROM {move.staging} WHERE {column} IS NOT NULL)"  # noqa: S608
    none = f"EXISTS (SELECT 1 FROM {move.staging} WHERE {column} IS NULL)"  # noqa: S608
    return f"DELETE FROM {move.target} WHERE {same} OR ({column} IS NULL AND {none})"  # noqa: S608


def _emptied(move: Move) -> list[str]:
    if move.had is None or move.strategy != REPLACE:
        return []
    verb = "TRUNCATE" if move.engine == "postgres" else "DROP"
    return [f"{verb} TABLE {move.target}"]


def _becomes(move: Move) -> list[str]:
    """The staging table takes the target's name; with a key it must first have unique rows."""
    keys = _names(move, move.keys)
    name = move.dialect.identifier(move.bare)
    renamed = f"ALTER TABLE {move.staging} RENAME TO {name}"
    if move.keyed_staging:
        return [renamed, *_key_renamed(move)]
    if not keys:
        return [renamed]
    if move.engine != "sqlite" and not move.repeats:
        return [renamed, f"ALTER TABLE {move.target} ADD PRIMARY KEY ({keys})"]
    quote = move.dialect.identifier
    listed = ",\n  ".join(f"{quote(name)} {kind}" for name, kind in move.columns.items())
    made = f"CREATE TABLE {move.target} (\n  {listed},\n  PRIMARY KEY ({keys})\n)"
    return [made, _inserted(move), f"DROP TABLE {move.staging}"]


def _key_renamed(move: Move) -> list[str]:
    if move.engine != "postgres":
        return []
    was, now = map(move.dialect.identifier, (f"{move.bare_staging}_pkey", move.key_name))
    return [f"ALTER TABLE {move.target} RENAME CONSTRAINT {was} TO {now}"]


def _evolved(move: Move) -> list[str]:
    """The target gets the columns and types that ingestr gave its empty copy."""
    had, quote = move.had or {}, move.dialect.identifier
    relaxed = map(quote, move.relaxed)
    found = [f"ALTER TABLE {move.target} ALTER COLUMN {one} DROP NOT NULL" for one in relaxed]
    for name, kind in move.columns.items():
        if name not in had:
            found.append(f"ALTER TABLE {move.target} ADD COLUMN {quote(name)} {kind}")
        elif had[name] != kind and move.engine != "sqlite":
            cast = f"USING {quote(name)}::{kind}"
            found.append(f"ALTER TABLE {move.target} ALTER COLUMN {quote(name)} TYPE {kind} {cast}")
    return found


def _locked(move: Move) -> list[str]:
    if move.strategy != DELETE_INSERT or move.engine != "postgres":
        return []
    return [f"LOCK TABLE {move.target} IN EXCLUSIVE MODE"]


def _keyed(move: Move) -> list[str]:
    """The primary key of a PostgreSQL table that has none: ingestr adds it, but not to append."""
    if move.keyed or not move.keys or move.strategy == "append" or move.engine != "postgres":
        return []
    return [f"ALTER TABLE {move.target} ADD PRIMARY KEY ({_names(move, move.keys)})"]


def _filled(move: Move) -> list[str]:
    dropped = f"DROP TABLE {move.staging}"
    if move.strategy == "merge":
        return [*_merged(move), dropped]
    if move.strategy == DELETE_INSERT:
        again = [text] if (text := replaced_outside(move)) else []
        return [*_deleted(move), *again, _inserted(move), dropped]
    return [_inserted(move), dropped]


def _inserted(move: Move) -> str:
    names = _names(move, move.columns)
    return f"INSERT INTO {move.target} ({names}) SELECT {names} FROM {_unique(move)}"  # noqa: S608


def _merged(move: Move) -> list[str]:
    names, quote = _names(move, move.columns), move.dialect.identifier
    others = [name for name in move.columns if name not in move.keys]
    if move.engine == "postgres":
        new = ", ".join(f"{quote(name)} = EXCLUDED.{quote(name)}" for name in others)
        act = f"UPDATE SET {new}" if others else "NOTHING"
        return [f"{_inserted(move)} ON CONFLICT ({_names(move, move.keys)}) DO {act}"]
    same = " AND ".join(f"target.{quote(key)} = source.{quote(key)}" for key in move.keys)
    new = ", ".join(f"{quote(name)} = source.{quote(name)}" for name in others)
    source = _unique(move)
    update = f"UPDATE {move.target} AS target SET {new} FROM {source} WHERE {same}"  # noqa: S608
    insert = (
        f"INSERT INTO {move.target} ({names}) SELECT {names} FROM {source} "  # noqa: S608
        f"WHERE NOT EXISTS (SELECT 1 FROM {move.target} AS target WHERE {same})"
    )
    return [update, insert] if others else [insert]


def _deleted(move: Move) -> list[str]:
    column = move.dialect.identifier(move.incremental_key)
    none = f"({column} IS NULL AND EXISTS (SELECT 1 FROM {move.staging} WHERE {column} IS NULL))"  # noqa: S608
    if move.by_value:
        again = f"{column} IN (SELECT {column} FROM {move.staging})"  # noqa: S608
        return [f"DELETE FROM {move.target} WHERE {again} OR {none}"]  # noqa: S608
    if move.interval is None or _is_number(move):
        low, high = (f"(SELECT {f}({column}) FROM {move.staging})" for f in ("min", "max"))  # noqa: S608
        within = f"({column} >= {low} AND {column} <= {high})"
        return [f"DELETE FROM {move.target} WHERE {within} OR {none}"]  # noqa: S608
    low, high = (_moment(move, bound) for bound in move.interval)
    value = _value(move, column)
    return [f"DELETE FROM {move.target} WHERE {value} >= {low} AND {value} <= {high}"]  # noqa: S608


def _value(move: Move, column: str) -> str:
    """The key as it is compared: SQLite has days and moments as texts of several forms."""
    if move.engine == "sqlite":
        return f"julianday({column})"
    kind = _kind(move)
    return column if kind.startswith(("date", "timestamp")) else f"CAST({column} AS TIMESTAMPTZ)"


def _moment(move: Move, bound: datetime) -> str:
    bound = bound.astimezone(UTC)
    if move.engine == "sqlite":  # it would round up to midnight
        cut = bound.replace(microsecond=bound.microsecond // 1000 * 1000)
        return f"julianday('{rfc3339(cut)}')"
    kind = _kind(move)
    if kind == "date":
        return f"DATE '{bound:%Y-%m-%d}'"
    plain = kind in ("timestamp", "timestamp without time zone") or "(" in kind
    if plain and "with time zone" not in kind:
        return f"TIMESTAMP '{bound:%Y-%m-%d %H:%M:%S.%f}'"
    return f"TIMESTAMPTZ '{bound:%Y-%m-%d %H:%M:%S.%f}+00'"


def _kind(move: Move) -> str:
    return move.columns.get(move.incremental_key, "").lower()


def _is_number(move: Move) -> bool:
    kind = _kind(move)
    return "int" in kind.removeprefix("interval") or kind.startswith(
        ("real", "double", "float", "decimal", "numeric")
    )


def _unique(move: Move) -> str:
    """The staging table's rows, one of each key: the last by the incremental key, else any."""
    if not move.keys or move.strategy == "append" or not move.repeats:
        return f"{move.staging} AS source"
    names, keys = _names(move, move.columns), _names(move, move.keys)
    order = _names(move, [move.incremental_key]) + " DESC" if move.incremental_key else keys
    numbered = f"ROW_NUMBER() OVER (PARTITION BY {keys} ORDER BY {order}) AS {NUMBER}"
    inner = f"SELECT {names}, {numbered} FROM {move.staging}"  # noqa: S608
    return f"(SELECT {names} FROM ({inner}) AS numbered WHERE {NUMBER} = 1) AS source"  # noqa: S608


def _names(move: Move, columns: Sequence[str] | Mapping[str, str]) -> str:
    return ", ".join(map(move.dialect.identifier, columns))
