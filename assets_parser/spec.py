"""What one run does: its options, and for each asset all that a worker must know.

The dispatcher builds these from a Pipeline and stores them in the catalog; workers read them from
there and never parse a definition. No value here is a secret: connections are names.
"""

import dataclasses
import functools
import json
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from assets_parser.faults import Fault
from assets_parser.model import Column, CustomCheck, Hooks, Materialization, Secret

Step: TypeAlias = Literal[
    "script", "materialize", "load", "query", "seed", "ingest", "sensor", "checks"
]
SensorMode: TypeAlias = Literal["", "skip", "once", "wait"]
Only: TypeAlias = Literal["main", "checks", "push-metadata"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What the person who starts a run can choose. Times are ISO 8601 with an offset, in UTC."""

    start: str
    end: str
    execution: str
    environment: str = ""
    full_refresh: bool = False
    apply_interval_modifiers: bool = False
    variables: Mapping[str, Any] = field(default_factory=dict)
    variant: str = ""
    only: tuple[Only, ...] = ()
    workers: int = 0  # most attempts of this run at a time, 0 for no bound
    timeout: float = 604_800.0  # seconds for the whole run
    bruin_run_id: str = ""  # BRUIN_RUN_ID as assets see it, such as 2026_01_15_13_45_30
    python_path: str = ""  # the submitter's PYTHONPATH
    folder: str = ""  # where the submitter was, below the root: SQL names files relative to it
    mask_credentials: bool = True
    secrets_backend: str = ""  # where connections come from instead of .bruin.yml, by name
    sensor_mode: SensorMode = ""
    query_annotations: str = ""  # a comment for each query: JSON text or "default"; empty for none
    single_check: str = ""  # the only check to run, by its id
    continues: str = ""  # id of the run whose unfinished part this one does


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirements:
    """The file that names an asset's packages, relative to the project root."""

    kind: Literal["requirements", "pyproject"]
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetSpec:
    """All that a worker must know to run one asset of one run.

    Paths are relative to the project root. `steps` are what this run does for the asset, in order.
    `upstreams` are the assets of this run that must not have failed; `environment` holds the
    BRUIN_* variables, which are the same for every attempt.
    """

    pipeline: str
    name: str
    type: str
    path: str
    steps: tuple[Step, ...]
    upstreams: tuple[str, ...] = ()
    checks_after: tuple[str, ...] = ()  # assets of its level whose tables its checks read
    body_path: str = ""
    python: str = "3.11"  # X.Y
    python_notice: str = ""  # why it is this one, when the asset asked for something else
    requirements: Requirements | None = None
    working_dir: str = "."
    imports: tuple[str, ...] = ()  # top-level modules that the source imports
    opens: tuple[str, ...] = ()  # names of database files that the source speaks of
    reads: tuple[str, ...] = ()  # variables that the source asks the environment for
    connection: str = ""  # where loads and checks go; empty if none
    secrets: tuple[Secret, ...] = ()
    materialization: Materialization = field(default_factory=Materialization)
    columns: tuple[Column, ...] = ()
    custom_checks: tuple[CustomCheck, ...] = ()  # queries are rendered
    query: str = ""  # the rendered body of a SQL asset
    query_line: int = 0  # of `body_path`, where the query starts
    hooks: Hooks = field(default_factory=Hooks)  # rendered
    fault: str = ""  # why the query or a hook cannot be rendered: the asset fails with it
    parameters: Mapping[str, Any] = field(default_factory=dict)  # rendered
    interval_start: str = ""  # ISO 8601 in UTC, modifiers applied
    interval_end: str = ""
    full_refresh: bool = False  # refresh_restricted considered
    timeout: float = 0.0  # seconds for each step's process, 0 for none
    retries: int = 0
    retries_delay: float = 0.0  # seconds
    instance: str = ""
    tags: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    source: str = ""  # digest of the asset's own text: whether an earlier run's was the same
    given: Mapping[str, Any] = field(default_factory=dict)  # for the first step, by an earlier run
    rerun_after_loss: bool = True  # False: not again by itself where its worker was lost


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """An asset that this run leaves out, and why, in words."""

    asset: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Levels of assets by longest path, after selection."""

    pipeline: str
    root: str
    path: str  # the pipeline file, relative to root
    options: RunOptions
    levels: tuple[tuple[AssetSpec, ...], ...] = ()
    skipped: tuple[Skipped, ...] = ()
    shape: str = ""  # digest of what must not change for the run to be continued
    notices: tuple[str, ...] = ()  # for the person who starts the run
    faults: tuple[Fault, ...] = ()  # with which single assets or checks will fail

    @property
    def assets(self) -> tuple[AssetSpec, ...]:
        """All assets of the plan, level by level."""
        return tuple(spec for level in self.levels for spec in level)


def dump(value: RunOptions | AssetSpec) -> str:
    """The value as JSON text; fields that hold their default are left out."""
    return json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":"))


def load_options(text: str) -> RunOptions:
    """RunOptions from what `dump` wrote; fields that a newer writer added are ignored."""
    options: RunOptions = _build(RunOptions, json.loads(text))
    return options


def load_spec(text: str) -> AssetSpec:
    """AssetSpec from what `dump` wrote; fields that a newer writer added are ignored."""
    spec: AssetSpec = _build(AssetSpec, json.loads(text))
    return spec


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = ((f, getattr(value, f.name)) for f in dataclasses.fields(value))
        return {f.name: _plain(item) for f, item in fields if not _is_default(f, item)}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _is_default(f: "dataclasses.Field[Any]", item: Any) -> bool:
    if f.default_factory is not dataclasses.MISSING:
        return bool(item == f.default_factory())
    return f.default is not dataclasses.MISSING and item == f.default


@functools.cache
def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _build(kind: Any, data: Any) -> Any:
    """`data` as an instance of the annotated type `kind`."""
    origin = typing.get_origin(kind)
    if origin in (typing.Union, types.UnionType):
        chosen = next(part for part in typing.get_args(kind) if part is not type(None))
        return None if data is None else _build(chosen, data)
    if origin is tuple:
        return tuple(_build(typing.get_args(kind)[0], item) for item in data)
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        hints = _hints(kind)
        known = {name: data[name] for name in hints if name in data}
        return kind(**{name: _build(hints[name], item) for name, item in known.items()})
    return data
