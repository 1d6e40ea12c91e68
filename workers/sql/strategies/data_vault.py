"""Data Vault on DuckDB and PostgreSQL: hubs, links and satellites only ever gain rows. Pure.

The query gives the hashes; here a key is stored once, and a satellite's row when its hash changes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from assets_parser.rules.data_vault import said_role
from workers.sql.scripts import BadAsset, Script, Statement
from workers.sql.strategies import ddl
from workers.sql.strategies.keys import given
from workers.sql.strategies.target import Target

_PLATFORMS = frozenset({"duckdb", "pg"})
_TIMES = ("load_dts", "load_datetime", "loaded_at")


@dataclass(frozen=True, slots=True)
class _Vault:
    """The columns that play a part: names, as declared. `required` are never NULL."""

    key: str
    load: str
    required: tuple[str, ...]
    primary: tuple[str, ...]
    diff: str = ""


def hub(target: Target) -> Script:
    """One row for each business key, the earliest."""
    key = _key(target, ("hash_key", "hub_hash_key"))
    return _first_rows(target, key, _some(target, ("business_key",), "_bk"), "business key")


def link(target: Target) -> Script:
    """One row for each relation, the earliest."""
    key = _key(target, ("link_hash_key", "hash_key"))
    roles = ("hub_hash_key", "parent_hash_key", "foreign_hash_key")
    related = tuple(name for name in _some(target, roles, "_hk") if name != key)
    return _first_rows(target, key, related, "related hash key")


def satellite(target: Target) -> Script:
    """A row for each change of what describes a key."""
    parent = _key(target, ("parent_hash_key", "hub_hash_key", "hash_key"))
    diff = _one(target, "hashdiff", ("hashdiff", "hash_diff"), ("hashdiff", "hash_diff"))
    load, source = _load(target), _source(target)
    marked = tuple(column.name for column in target.keys)
    primary = marked if set(marked) - {parent} else (parent, load)
    vault = _Vault(parent, load, (parent, diff, load, source), primary, diff)
    return _script(target, vault, _changes(target, vault))


def _first_rows(target: Target, key: str, others: tuple[str, ...], what: str) -> Script:
    if not others:
        raise _lacks(target, what)
    load = _load(target)
    vault = _Vault(key, load, (key, *others, load, _source(target)), (key,))
    return _script(target, vault, _new_keys(target, vault))


def _script(target: Target, vault: _Vault, insert: Statement) -> Script:
    if target.platform.name not in _PLATFORMS:
        raise BadAsset("Data Vault strategies run on DuckDB and PostgreSQL only")
    dropped = target.run(f"DROP TABLE IF EXISTS {target.table}")
    made = target.run(_table(target, vault))
    before = (dropped, made) if target.fresh else (made,)
    return Script(
        setup=(*before, *target.staged()),
        describe=target.staged_columns,
        main=(insert, target.unstaged, *target.after),
        atomic=True,
    )


def _table(target: Target, vault: _Vault) -> str:
    columns = tuple(
        replace(column, nullable=False) if column.name in vault.required else column
        for column in target.spec.columns
    )
    strict = replace(target, spec=replace(target.spec, columns=columns))
    return ddl.table(strict, f"PRIMARY KEY ({target.quoted(vault.primary)})")


def _new_keys(target: Target, vault: _Vault) -> Statement:
    quote = target.platform.dialect.identifier
    key = quote(vault.key)
    return target.run(
        f"{_into(target)}\nFROM (\n{_numbered(target, vault, (vault.key,))}\n) AS source\n"  # noqa: S608
        f"WHERE source._row = 1 AND NOT EXISTS (\n"
        f"  SELECT 1 FROM {target.table} AS target WHERE target.{key} = source.{key}\n)",
        counted=True,
    )


def _changes(target: Target, vault: _Vault) -> Statement:
    """Of each key: the rows that differ from the one before them, be it new or in the table."""
    quote, table = target.platform.dialect.identifier, target.table
    key, load, diff = quote(vault.key), quote(vault.load), quote(vault.diff)
    names = target.quoted(tuple(column.name for column in target.spec.columns))
    known = " AND ".join(f"target.{name} = source.{name}" for name in map(quote, vault.primary))
    return target.run(
        f"{_into(target)}\nFROM (\n"  # noqa: S608 - every name is quoted
        f"  SELECT merged.*, LAG({diff}) OVER (PARTITION BY {key} ORDER BY {load}) AS _before\n"
        f"  FROM (\n  SELECT {names}, 0 AS _new FROM {table}\n  UNION ALL\n"
        f"  SELECT {names}, 1 AS _new FROM (\n{_numbered(target, vault, vault.primary)}\n"
        f"  ) AS source\n  WHERE source._row = 1 AND NOT EXISTS (\n"
        f"    SELECT 1 FROM {table} AS target WHERE {known}\n  )\n  ) AS merged\n) AS source\n"
        f"WHERE source._new = 1 AND source._before IS DISTINCT FROM source.{diff}",
        counted=True,
    )


def _into(target: Target) -> str:
    names = tuple(column.name for column in target.spec.columns)
    selected = target.quoted(names, "source.")
    return f"INSERT INTO {target.table} ({target.quoted(names)})\nSELECT {selected}"


def _numbered(target: Target, vault: _Vault, by: Sequence[str]) -> str:
    """The query's rows that lack nothing, numbered within each key from the earliest."""
    quote = target.platform.dialect.identifier
    real = {column.name: quote(given(target, column.name)) for column in target.spec.columns}
    names = ", ".join(f"{name} AS {quote(declared)}" for declared, name in real.items())
    keys = ", ".join(real[name] for name in by)
    order = ", ".join(real[name] for name in (vault.load, *filter(None, [vault.diff])))
    where = " AND ".join(f"{real[name]} IS NOT NULL" for name in vault.required)
    return (
        f"    SELECT {names},\n"  # noqa: S608 - quoted
        f"      ROW_NUMBER() OVER (PARTITION BY {keys} ORDER BY {order}) AS _row\n"
        f"    FROM {target.temp}\n    WHERE {where}"
    )


def _key(target: Target, roles: Sequence[str]) -> str:
    """The hash key: by role, else the first primary key, else the only column named `_hk`."""
    columns = target.spec.columns
    said = [column.name for column in columns if said_role(column) in roles]
    named = [column.name for column in columns if column.name.lower().endswith("_hk")]
    marked = [column.name for column in target.keys]
    found = [*said[:1], *marked[:1], *(named if len(named) == 1 else [])]
    if not found:
        raise _lacks(target, "hash key")
    return found[0]


def _some(target: Target, roles: Sequence[str], suffix: str) -> tuple[str, ...]:
    return tuple(
        column.name
        for column in target.spec.columns
        if said_role(column) in roles or column.name.lower().endswith(suffix)
    )


def _one(target: Target, what: str, roles: Sequence[str], names: Sequence[str]) -> str:
    columns = target.spec.columns
    said = [column.name for column in columns if said_role(column) in roles]
    named = [column.name for column in columns if column.name.lower() in names]
    if not said and not named:
        raise _lacks(target, what)
    return [*said, *named][0]


def _load(target: Target) -> str:
    return _one(target, "load datetime", ("load_datetime", "load_dts"), _TIMES)


def _source(target: Target) -> str:
    return _one(target, "record source", ("record_source",), ("record_source",))


def _lacks(target: Target, what: str) -> BadAsset:
    strategy = target.spec.materialization.strategy
    return BadAsset(f"strategy {strategy} needs a {what} column", "see `meta.datavault_role`")
