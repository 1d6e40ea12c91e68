"""The command line of a load: what a definition means to ingestr. Pure; called by the loader."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from assets_parser.model import Column
from assets_parser.spec import AssetSpec
from workers import column_hints
from workers.arrow_files import Data, is_number
from workers.column_hints import Hint
from workers.errors import StepFailed
from workers.sql.names import alike, resolve, snake_case

REPLACE = "replace"
DELETE_INSERT = "delete+insert"
_STRATEGIES = {
    "": REPLACE,
    "create+replace": REPLACE,
    "append": "append",
    "merge": "merge",
    DELETE_INSERT: DELETE_INSERT,
}
_VALUES = (
    *("partition_by", "cluster_by", "schema_contract", "schema_naming", "page_size"),
    *("loader_file_size", "extract_parallelism", "extract_partition_by"),
    *("extract_partition_interval", "sql_limit", "sql_exclude_columns", "pipelines_dir"),
    *("staging_bucket", "staging_dataset", "loader_file_format"),
)
_SWITCHES = ("no_inference", "trim_whitespace")
# Platforms of ingestr that keep a list of plain values as a list.
LISTS_STAY = frozenset(
    {"duckdb", "motherduck", "google_cloud_platform", "clickhouse", "databricks"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What one load does. `strategy` is ingestr's word, after full refresh was considered.

    `names` maps the data's columns to other names when ingestr would lose their values under a
    hint (it looks for a hinted column by its new name only), else it is empty.
    """

    strategy: str
    keys: tuple[str, ...] = ()
    incremental_key: str = ""
    interval: tuple[datetime, datetime] | None = None
    names: Mapping[str, str] | None = None
    flags: tuple[str, ...] = ()
    typed: tuple[str, ...] = ()  # text columns of the data that get another type
    hints: tuple[Hint, ...] = ()  # with the names of `names`
    refreshed: bool = False
    by_value: bool = False  # delete+insert replaces the keys that come, and no interval

    def staged(self, *, copied: bool, remade: bool, reads: bool) -> tuple[str, ...]:
        """The flags with which ingestr fills a staging table: with each row, whatever its key.

        `copied`: the table is there, as a copy of the target, to be `remade` where the target is.
        `reads`: the source may care for a full refresh, and bring keys of its own; it may choose
        the strategy too. A new table then gets them from ingestr, as a new target would.
        """
        if not self.strategy:
            return self.flags
        if reads and (remade or not copied):
            how = self.strategy if self.strategy == "append" else REPLACE
            return ("--incremental-strategy", how, *_without(self.flags, "--incremental-strategy"))
        kept = _without(self.flags, "--incremental-strategy", "--primary-key")
        if not reads:
            kept = tuple(flag for flag in kept if flag != "--full-refresh")
        return ("--incremental-strategy", REPLACE if remade else "append", *kept)


def _without(flags: Sequence[str], *names: str) -> tuple[str, ...]:
    """The flags without those of these names, which have a value each."""
    kept: list[str] = []
    rest = iter(flags)
    for flag in rest:
        if flag in names:
            next(rest, None)
        else:
            kept.append(flag)
    return tuple(kept)


def strategy_of(spec: AssetSpec) -> str:
    """ingestr's word for the strategy; StepFailed for one that Python assets do not have."""
    if spec.full_refresh:
        return REPLACE
    written = spec.materialization.strategy or str(
        spec.parameters.get("incremental_strategy") or ""
    )
    found = _STRATEGIES.get(written, written if written == REPLACE else "")
    if not found:
        known = ", ".join(name for name in _STRATEGIES if name)
        raise StepFailed("config", f"a Python asset has no strategy {written!r}; known: {known}")
    return found


def build(
    spec: AssetSpec,
    data: Data,
    platform: str,
    existing: Mapping[str, str],
    kept: Sequence[Hint] = (),
) -> Load:
    """The load of `data` into a table with the columns `existing` and their types (new: none).

    `kept` are types of the table that the data's values get unless others are declared.
    """
    strategy = strategy_of(spec)
    key = spec.materialization.incremental_key or str(spec.parameters.get("incremental_key") or "")
    _check(spec, strategy, key, data)
    hints = [*kept, *_of_nothing(data, strategy, existing), *_hints(spec, data, platform, key)]
    masks = column_hints.masks(spec.columns, spec.parameters.get("mask"))
    names = _names(spec, data, list(existing))
    load = Load(
        strategy=strategy,
        keys=tuple(column_hints.keys(spec.columns)),
        incremental_key=key,
        interval=_interval(spec, strategy, data.kind(_in_data(data, key)), hints, key),
        names=names if hints or masks else None,
        typed=tuple(_typed(hints, data)),
        refreshed=spec.full_refresh,
    )
    return _with_flags(spec, load, hints, masks)


def _check(spec: AssetSpec, strategy: str, key: str, data: Data) -> None:
    if strategy == DELETE_INSERT and not key:
        raise StepFailed("config", "delete+insert needs materialization.incremental_key")
    if strategy == "merge" and not column_hints.keys(spec.columns):
        raise StepFailed(
            "config",
            "merge needs a primary key",
            hint="set `primary_key: true` on the columns that tell rows apart",
        )
    if not data.names and data.rows:
        raise StepFailed("load", f"the asset returned {data.rows} rows without any column")
    if missing := _missing(spec, strategy, key, data):
        raise StepFailed(
            "load",
            f"the data has no column {', '.join(missing)}; it has: {', '.join(data.names)}",
            hint="return it, or correct `primary_key` and `incremental_key` in the definition",
        )


def _missing(spec: AssetSpec, strategy: str, key: str, data: Data) -> list[str]:
    """The columns that tell rows apart, or what is deleted, and that the data lacks."""
    sources = {column.name: column.source_column for column in spec.columns}
    wanted = [*column_hints.keys(spec.columns), *([key] if strategy == DELETE_INSERT else [])]
    have = [*data.names, *map(snake_case, data.names)]
    return [
        repr(name)
        for name in dict.fromkeys(wanted)
        if not resolve(name, have) and sources.get(name) not in have
    ]


def _hints(spec: AssetSpec, data: Data, platform: str, key: str) -> list[Hint]:
    """Lists first, then what is declared: the later one wins, but a list stays JSON."""
    lists = [] if platform in LISTS_STAY else data.lists
    dates = [c for c in spec.columns if c.name == key and column_hints.type_of(c) == "date"]
    wanted = [Hint(name=column.name, type="date") for column in dates]
    if true(spec.parameters.get("enforce_schema")):
        wanted += column_hints.declared(spec.columns)
    known = [hint for hint in wanted if resolve(hint.source or hint.name, data.names)]
    return [
        *(hint for hint in known if (hint.source or hint.name) not in lists),
        *(Hint(name=name, type="json") for name in lists),
    ]


def _of_nothing(data: Data, strategy: str, existing: Mapping[str, str]) -> list[Hint]:
    """The table's own types for columns without a value: ingestr would change the table's column to
    text, or to what an empty DataFrame happens to have."""
    if strategy == REPLACE:
        return []
    found = [(name, resolve(name, existing)) for name in data.valueless]
    types = [
        (n, column_hints.type_of(Column(name=n, type=existing[had]))) for n, had in found if had
    ]
    return [Hint(name=name, type=hint) for name, hint in types if hint]


def _names(spec: AssetSpec, data: Data, existing: list[str]) -> dict[str, str] | None:
    """New names for the data's columns, None where ingestr keeps the names anyway."""
    if spec.parameters.get("schema_naming") == "direct":
        return None
    made = {name: snake_case(name) for name in data.names}
    changed = {old for old, new in made.items() if old != new}
    if not changed or changed & set(existing):
        return None
    for new, names in alike(data.names).items():
        raise StepFailed(
            "load",
            f"columns {', '.join(map(repr, names))} would all be named {new!r} in {spec.name}: "
            "only one would be kept",
            hint="give them names of their own, or set `parameters.schema_naming: direct`",
        )
    return made


def _interval(
    spec: AssetSpec, strategy: str, kind: Any, hints: list[Hint], key: str
) -> tuple[datetime, datetime] | None:
    """The run's interval where it decides what is deleted.

    Other strategies ignore it. A number cannot be compared with a moment: then the data's own least
    and greatest key decide.
    """
    if strategy != DELETE_INSERT or not spec.interval_start or not spec.interval_end:
        return None
    hinted = {hint.type for hint in hints if hint.name == key}
    if kind is not None and is_number(kind) and not hinted & {"date", "timestamp", "timestamp_ntz"}:
        return None
    return moment(spec.interval_start), moment(spec.interval_end)


def _with_flags(spec: AssetSpec, load: Load, hints: list[Hint], masks: list[str]) -> Load:
    names = load.names or {}
    chosen = spec.materialization.strategy or load.strategy != REPLACE
    flags = ["--incremental-strategy", load.strategy] if chosen else []
    if load.incremental_key and not (load.refreshed and load.strategy == REPLACE):
        flags += ["--incremental-key", names.get(load.incremental_key, load.incremental_key)]
    flags += parameters(spec)
    for mask in masks:
        column, _, algorithm = mask.partition(":")
        flags += ["--mask", f"{names.get(column, column)}:{algorithm}"]
    for key in load.keys:
        flags += ["--primary-key", names.get(key, key)]
    if load.interval:
        start, end = load.interval
        flags += ["--interval-start", rfc3339(start), "--interval-end", rfc3339(end)]
    if load.refreshed:
        flags.append("--full-refresh")
    hints = [_renamed(hint, names) for hint in hints]
    if hints:
        flags += ["--columns", column_hints.flag(hints)]
    return replace(load, flags=tuple(flags), hints=tuple(hints))


def _renamed(hint: Hint, names: Mapping[str, str]) -> Hint:
    return Hint(
        name=names.get(hint.name, hint.name),
        type=hint.type,
        source=names.get(hint.source, hint.source),
    )


def parameters(spec: AssetSpec) -> list[str]:
    """The flags that `parameters` asks for."""
    flags: list[str] = []
    for name in _VALUES:
        value = spec.parameters.get(name)
        if value not in (None, ""):
            flags += [f"--{name.replace('_', '-')}", _text(value)]
    return flags + [f"--{n.replace('_', '-')}" for n in _SWITCHES if true(spec.parameters.get(n))]


def _typed(hints: list[Hint], data: Data) -> list[str]:
    """Text columns that become another type: a value that cannot be read would become NULL."""
    other = {h.name for h in hints if h.type and not h.type.startswith(("text", "varchar", "json"))}
    return [name for name in data.texts if name in other]


def _in_data(data: Data, key: str) -> str:
    return (resolve(key, data.names) or key) if key else key


def true(value: object) -> bool:
    """Whether a parameter is switched on."""
    return value is True or str(value).strip().lower() == "true"


def _text(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ",".join(str(item) for item in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def moment(text: str) -> datetime:
    """An ISO 8601 time as a moment in UTC; without an offset it is UTC already."""
    found = datetime.fromisoformat(text)
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def rfc3339(value: datetime) -> str:
    """As Bruin passes it: `2024-01-01T23:59:59.999999Z`, the fraction without zeros at its end."""
    fraction = f".{value.microsecond:06d}".rstrip("0") if value.microsecond else ""
    return value.strftime("%Y-%m-%dT%H:%M:%S") + fraction + "Z"
