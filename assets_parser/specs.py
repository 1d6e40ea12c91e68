"""One asset's share of a plan: everything that a worker must know to run it. Called by plan."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path, PurePosixPath

from assets_parser import environment, imports, python_version, remaining, requirements
from assets_parser import variables as values
from assets_parser.connections import connection_of
from assets_parser.environment import AssetContext
from assets_parser.faults import DefinitionError, Fault
from assets_parser.included import Included
from assets_parser.interval import Interval
from assets_parser.macros import Macros, macros_of
from assets_parser.model import Asset, Hooks, Pipeline, Secret
from assets_parser.rendering import Rendering
from assets_parser.rules.places import at_asset
from assets_parser.spec import AssetSpec, Requirements, RunOptions, Step


@dataclass(frozen=True, slots=True)
class _Packages:
    """What an asset's folder decides, so that it is looked up once per folder."""

    file: Requirements | None = None
    requires_python: str = ""

    @property
    def folder(self) -> str:
        """The working directory: the project's root, or where its pyproject.toml is."""
        if self.file is None or self.file.kind != "pyproject":
            return "."
        return PurePosixPath(self.file.path).parent.as_posix()


@dataclass(kw_only=True)
class SpecMaker:
    """Makes the specs of one run; what cannot be read or rendered is gathered in `faults`.

    Those in `late` do not stop the run: they fail one asset or one check."""

    pipeline: Pipeline
    options: RunOptions
    schema_prefix: str = ""
    refresh_restricted: bool = False
    commit: str = ""
    faults: list[Fault] = field(default_factory=list)
    late: list[Fault] = field(default_factory=list)
    _folders: dict[str, _Packages] = field(default_factory=dict)

    def spec(self, asset: Asset, steps: tuple[Step, ...], upstreams: tuple[str, ...]) -> AssetSpec:
        """The spec of one asset; incomplete if `faults` has grown."""
        has_python = asset.type != "r" and bool({"script", "materialize"} & set(steps))
        packages = self._packages(asset) if has_python else _Packages()
        python = self._python(asset, packages)
        context = self._context(asset)
        reach = self._reach(asset, steps)
        written = AssetSpec(
            pipeline=self.pipeline.name,
            name=asset.name,
            type=asset.type,
            path=asset.path,
            body_path=asset.body_path,
            steps=steps,
            upstreams=upstreams,
            python=python.version,
            python_notice=_joined(python.notice, requirements.inline_notice(asset)),
            requirements=packages.file,
            working_dir=packages.folder,
            imports=reach.imports,
            opens=reach.files,
            reads=reach.reads,
            connection=self._connection(asset, steps),
            secrets=_secrets(asset),
            materialization=asset.materialization,
            columns=asset.columns,
            timeout=asset.timeout,
            retries=_first_set(asset.retries, self.pipeline.retries),
            retries_delay=_first_set(asset.retries_delay, self.pipeline.retries_delay),
            instance=asset.instance,
            tags=asset.tags,
            source=remaining.digest(asset.body),
            rerun_after_loss=_may_rerun(asset),
        )
        return self._rendered(asset, context, written)

    def _rendered(self, asset: Asset, context: AssetContext, written: AssetSpec) -> AssetSpec:
        """The spec with what the run's values make of the asset's texts."""
        texts, steps = self._rendering(asset, context), set(written.steps)
        query = texts.query() if {"query", "sensor"} & steps else ""
        hooks = texts.hooks() if "query" in steps else Hooks()
        fault = "; ".join(map(str, texts.late))
        checks = texts.custom_checks() if "checks" in steps else ()
        self.late.extend(texts.late)
        return replace(
            written,
            custom_checks=checks,
            query=query,
            query_line=asset.body_line,
            hooks=hooks,
            fault=fault,
            parameters=texts.parameters(),
            interval_start=self._load_start(asset, context).isoformat(),
            interval_end=context.interval.end.isoformat(),
            full_refresh=context.full_refresh,
            environment=environment.variables(context),
        )

    @cached_property
    def _variables(self) -> dict[str, object]:
        return values.values(self.pipeline, self.options.variables, self.options.variant)

    @cached_property
    def _macros(self) -> Macros | None:
        return macros_of(self.pipeline)

    @cached_property
    def _base(self) -> AssetContext:
        """What all assets of the run have in common."""
        start, end, execution = (
            datetime.fromisoformat(text)
            for text in (self.options.start, self.options.end, self.options.execution)
        )
        return AssetContext(
            pipeline=self.pipeline.name,
            asset="",
            run_id=self.options.bruin_run_id,
            interval=Interval(start=start, end=end, execution=execution),
            commit=self.commit,
            schema_prefix=self.schema_prefix,
            vars=values.values_text(self._variables),
            vars_schema=values.schema_text(self.pipeline),
        )

    def _context(self, asset: Asset) -> AssetContext:
        restricted = self.refresh_restricted or bool(asset.refresh_restricted)
        context = replace(
            self._base,
            asset=asset.name,
            connection=asset.connection,
            full_refresh=self.options.full_refresh and not restricted,
        )
        if not self.options.apply_interval_modifiers or self.options.full_refresh:
            return context
        return replace(context, interval=self._rendering(asset, context).interval())

    def _rendering(self, asset: Asset, context: AssetContext) -> Rendering:
        included = Included(self.pipeline.root, self.options.folder)
        return Rendering(asset, context, self._variables, self.faults, self._macros, included)

    def _load_start(self, asset: Asset, context: AssetContext) -> datetime:
        """Where the loaded interval starts: a full refresh begins with the asset's start_date."""
        if not context.full_refresh or not asset.start_date:
            return context.interval.start
        try:
            return datetime.strptime(asset.start_date, "%Y-%m-%d").replace(tzinfo=UTC)
        except ValueError:
            message = f"start_date '{asset.start_date}' is not a date"
            self._fault(asset, "valid-asset-start-date", message, "start_date")
            return context.interval.start

    def _connection(self, asset: Asset, steps: tuple[Step, ...]) -> str:
        if steps and steps != ("script",):
            return connection_of(asset, self.pipeline)
        return asset.connection

    def _reach(self, asset: Asset, steps: tuple[Step, ...]) -> imports.Reach:
        if not {"script", "materialize"} & set(steps):
            return imports.Reach()
        root = Path(self.pipeline.root)
        return imports.of(asset.body, (root / (asset.body_path or asset.path)).parent, root)

    def _packages(self, asset: Asset) -> _Packages:
        path = asset.body_path or asset.path
        folder = path.rpartition("/")[0]
        if folder not in self._folders:
            self._folders[folder] = self._look_up(asset, Path(self.pipeline.root), path)
        return self._folders[folder]

    def _look_up(self, asset: Asset, root: Path, path: str) -> _Packages:
        try:
            file = requirements.find(root / path, root)
            return _Packages(file, requirements.requires_python(file, root))
        except DefinitionError as error:
            self.faults.extend(replace(fault, asset=asset.name) for fault in error.faults)
            return _Packages()

    def _python(self, asset: Asset, packages: _Packages) -> python_version.Choice:
        if asset.type == "r":  # its image, if any, names no Python
            return python_version.Choice(version=python_version.DEFAULT)
        try:
            return python_version.choose(asset.image, packages.requires_python)
        except ValueError as error:
            self._fault(asset, "python-version", str(error), "image")
            return python_version.Choice(version=python_version.DEFAULT)

    def _fault(self, asset: Asset, rule: str, message: str, place: str) -> None:
        self.faults.append(at_asset(asset, rule, message, field=place))


def _secrets(asset: Asset) -> tuple[Secret, ...]:
    """The asset's secrets; its connection is one, as loading has added already for most."""
    name = asset.connection
    if not name or any(secret.key == name for secret in asset.secrets):
        return asset.secrets
    return (*asset.secrets, Secret(key=name, inject_as=name, injected=True))


def _may_rerun(asset: Asset) -> bool:
    """Whether it may run again by itself where its worker was lost; its meta may forbid it."""
    return asset.meta.get("fleet_rerun", "").strip().lower() != "never"


def _joined(*notices: str) -> str:
    return "; ".join(notice for notice in notices if notice)


def _first_set(own: int | None, of_pipeline: int | None) -> int:
    return own if own is not None else of_pipeline or 0
