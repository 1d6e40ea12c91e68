"""The frozen values that a pipeline's files become. Everybody reads them; nobody changes them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class DependencyColumn:
    """A column that an asset declares to use of its upstream."""

    name: str
    usage: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dependency:
    """One entry of `depends`; `symbolic` edges are lineage only and are never waited for."""

    value: str
    type: Literal["asset", "uri"] = "asset"
    mode: Literal["full", "symbolic"] = "full"
    columns: tuple[DependencyColumn, ...] = ()
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A connection whose value the asset's process receives in the variable `inject_as`."""

    key: str
    inject_as: str
    line: int = 0
    injected: bool = False  # not declared: the asset's connection, which its process receives too


@dataclass(frozen=True, slots=True, kw_only=True)
class Materialization:
    """What becomes of an asset's result; all fields empty means that it is not materialized."""

    type: str = ""
    strategy: str = ""
    partition_by: str = ""
    cluster_by: tuple[str, ...] = ()
    incremental_key: str = ""
    incremental_predicate: str = ""
    time_granularity: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """Where to tell about a success or a failure; `target` names channel, connection or people."""

    service: str
    target: tuple[str, ...]
    success: bool = True
    failure: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A column check: the number of rows that break it must be 0."""

    name: str
    value: Any = None
    blocking: bool = True
    description: str = ""
    retries: int | None = None
    notifications: tuple[Notification, ...] = ()
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomCheck:
    """A query whose one value must equal `value`, or whose number of rows must equal `count`."""

    name: str
    query: str
    value: int = 0
    count: int | None = None
    blocking: bool = True
    description: str = ""
    retries: int | None = None
    notifications: tuple[Notification, ...] = ()
    line: int = 0
    fault: str = ""  # of a run: why the query cannot be rendered


@dataclass(frozen=True, slots=True, kw_only=True)
class ForeignKey:
    """The table and column that a column refers to."""

    table: str = ""
    column: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnUpstream:
    """A column of another table that a column comes from."""

    table: str = ""
    column: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One declared column of an asset's table."""

    name: str
    type: str = ""
    description: str = ""
    primary_key: bool = False
    update_on_merge: bool = False
    merge_sql: str = ""
    nullable: bool = True
    default: str = ""
    precision: int | None = None
    scale: int | None = None
    length: int | None = None
    collation: str = ""
    foreign_key: ForeignKey | None = None
    source_column: str = ""
    mask: str = ""
    owner: str = ""
    tags: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    meta: Mapping[str, str] = field(default_factory=dict)
    extends: str = ""
    upstreams: tuple[ColumnUpstream, ...] = ()
    checks: tuple[Check, ...] = ()
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalShift:
    """How far one end of the interval moves; a `template` is rendered first, at run time."""

    months: int = 0
    days: int = 0
    hours: int = 0
    minutes: int = 0
    seconds: int = 0
    milliseconds: int = 0
    nanoseconds: int = 0
    template: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalModifiers:
    """The shifts of both ends of an asset's interval."""

    start: IntervalShift | None = None
    end: IntervalShift | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """SQL that runs before and after a SQL asset."""

    pre: tuple[str, ...] = ()
    post: tuple[str, ...] = ()
    applicable_type: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One asset as its definition file and the pipeline's defaults give it.

    `path` is the definition file and `body_path` the file that holds the code (the same, or what
    `run:` names), both relative to the project root with forward slashes. `body` starts at line
    `body_line` of its file. `lines` maps a field, dotted for nested ones ("depends",
    "columns.0.checks.1"), to the line of the definition file that holds it.
    """

    name: str
    type: str
    path: str
    body: str = ""
    body_path: str = ""
    body_line: int = 0
    uri: str = ""
    enabled: bool | str = True
    description: str = ""
    owner: str = ""
    image: str = ""
    instance: str = ""
    start_date: str = ""
    connection: str = ""
    depends: tuple[Dependency, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    secrets: tuple[Secret, ...] = ()
    materialization: Materialization = field(default_factory=Materialization)
    columns: tuple[Column, ...] = ()
    custom_checks: tuple[CustomCheck, ...] = ()
    tags: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    extends: tuple[str, ...] = ()
    meta: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    tier: int = 0
    retries: int | None = None
    rerun_cooldown: int | None = None
    retries_delay: int | None = None
    timeout: float = 0.0  # seconds, 0 for none
    interval_modifiers: IntervalModifiers | None = None
    hooks: Hooks = field(default_factory=Hooks)
    refresh_restricted: bool | None = None
    notifications: tuple[Notification, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)  # snowflake, athena, bigquery, ...
    unit_tests: tuple[Any, ...] = ()
    unknown_fields: tuple[str, ...] = ()
    lines: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pipeline:
    """A pipeline with all its assets, in load order.

    `root` is the absolute project root, from which imports resolve; `path` is the pipeline file
    relative to it. `variables` maps a name to its JSON schema, whose `default` is the value.
    """

    name: str
    root: str
    path: str
    assets: tuple[Asset, ...] = ()
    id: str = ""  # the old key of the name
    schedule: str = ""
    start_date: str = ""
    default_connections: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)
    variants: Mapping[str, Any] = field(default_factory=dict)
    retries: int | None = None
    retries_delay: int | None = None
    concurrency: int = 1
    max_active_steps: int | None = None
    catchup: str = ""
    notifications: tuple[Notification, ...] = ()
    tags: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    meta: Mapping[str, str] = field(default_factory=dict)
    owner: str = ""
    metadata_push: bool = False
    agent: bool = False
    commit: str = ""
    snapshot: str = ""
    fixtures: tuple[Any, ...] = ()
    macros: tuple[str, ...] = ()
    macro_files: tuple[str, ...] = ()  # their paths, relative to the project root
    default_hook_types: tuple[str, ...] = ()  # default.hooks.applicable_type
    default_timeout: float = 0.0  # default.timeout, seconds
    unknown_fields: tuple[str, ...] = ()
    lines: Mapping[str, int] = field(default_factory=dict)

    def asset(self, name: str) -> Asset:
        """The asset of exactly this name; KeyError if there is none."""
        for asset in self.assets:
            if asset.name == name:
                return asset
        raise KeyError(name)
