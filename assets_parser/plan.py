"""What a run will do, before it does anything: levels of AssetSpecs after selection.

The dispatcher calls `build` for `fleet plan`, `run` and `submit`; workers only read the result.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from graphlib import CycleError

from assets_parser import dag, kinds, ordering, prefix, remaining, single_check, sql_tables
from assets_parser.connections import majority_platform
from assets_parser.faults import DefinitionError, Fault
from assets_parser.model import Asset, Pipeline
from assets_parser.rules import ingestr
from assets_parser.rules.dependencies import circular
from assets_parser.rules.places import line_of
from assets_parser.selection import Selected, Selection, select
from assets_parser.spec import AssetSpec, Plan, RunOptions, Skipped, Step
from assets_parser.specs import SpecMaker

_LEAVE_OUT = "leave it out: --exclude-tag, --selector, or 'enabled: false'"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a plan needs to know beside the pipeline: the environment's settings and git's HEAD."""

    schema_prefix: str = ""
    refresh_restricted: bool = False  # the environment forbids full refreshes
    commit: str = ""


def build(
    pipeline: Pipeline,
    options: RunOptions,
    selection: Selection | None = None,
    *,
    surroundings: Surroundings | None = None,
) -> Plan:
    """The plan of one run.

    Raises DefinitionError (SelectionError for names and tags that do not exist) with all faults.
    """
    around = surroundings or Surroundings()
    selected = select(pipeline, selection)
    named = prefix.prefixed(pipeline, around.schema_prefix)
    names = {a.name: b.name for a, b in zip(pipeline.assets, named.assets, strict=True)}
    assets = _chosen(named, selected, names)
    steps = {asset.name: steps_of(asset, options) for asset in assets}
    if faults := _not_runnable(assets, options):
        raise DefinitionError(faults)
    working = [asset for asset in assets if steps[asset.name] is not None]
    make = _maker(named, options, around)
    levels = _levels(make, working, steps)
    return Plan(
        pipeline=pipeline.name,
        root=pipeline.root,
        path=pipeline.path,
        options=options,
        levels=levels,
        skipped=(
            *(replace(one, asset=names[one.asset]) for one in selected.skipped),
            *(_idle(name, options) for name, todo in steps.items() if todo is None),
        ),
        notices=selected.notices,
        faults=tuple(make.late),
        shape=remaining.shape(pipeline),
    )


def _maker(pipeline: Pipeline, options: RunOptions, around: Surroundings) -> SpecMaker:
    return SpecMaker(
        pipeline=pipeline,
        options=options,
        schema_prefix=around.schema_prefix,
        refresh_restricted=around.refresh_restricted,
        commit=around.commit,
    )


def _chosen(named: Pipeline, selected: Selected, names: Mapping[str, str]) -> list[Asset]:
    """The selected assets under their names of this run, with the one wanted check if there is."""
    chosen = {names[asset.name] for asset in selected.assets}
    assets = [asset for asset in named.assets if asset.name in chosen]
    if selected.check:
        return [single_check.alone(asset, selected.check) for asset in assets]
    return assets


def steps_of(asset: Asset, options: RunOptions) -> tuple[Step, ...] | None:
    """What this run does for the asset, in order; None if --only leaves nothing to do.

    No steps at all (type `empty`, a source) means that it succeeds as soon as it is reached.
    """
    only = ("checks",) if options.single_check else options.only
    main: tuple[Step, ...] | None = None
    if "main" in only or not only:
        main = kinds.main_steps(asset) or ()
    has_checks = asset.custom_checks or any(column.checks for column in asset.columns)
    if has_checks and ("checks" in only or not only):
        return (*(main or ()), "checks")
    return main


def _levels(
    make: SpecMaker, assets: list[Asset], steps: Mapping[str, tuple[Step, ...] | None]
) -> tuple[tuple[AssetSpec, ...], ...]:
    pipeline, options = make.pipeline, make.options
    only_checks = options.only == ("checks",) or bool(options.single_check)
    waits = dag.graph(() if only_checks else assets)
    specs = {
        asset.name: make.spec(asset, steps[asset.name] or (), waits.upstreams.get(asset.name, ()))
        for asset in assets
    }
    if make.faults:
        raise DefinitionError([*make.late, *make.faults])
    dialect = sql_tables.dialect_of(majority_platform(pipeline.assets))
    specs = prefix.in_queries(specs, make.schema_prefix, dialect)
    if only_checks:
        return (tuple(specs.values()),) if specs else ()
    ordered = ordering.with_tables_read(
        waits, specs.values(), symbolic=dag.symbolic(assets), dialect=dialect
    )
    try:
        found = dag.levels(ordered.graph)
    except CycleError:  # only without validation, which names the cycles too
        raise DefinitionError(circular(pipeline)) from None
    return tuple(tuple(_beside(specs[name], ordered, level) for name in level) for level in found)


def _beside(spec: AssetSpec, order: ordering.Order, level: Sequence[str]) -> AssetSpec:
    """The spec, whose checks wait for the assets of its level that they read."""
    others = tuple(name for name in order.beside.get(spec.name, ()) if name in level)
    return replace(spec, checks_after=others) if others else spec


def _idle(name: str, options: RunOptions) -> Skipped:
    if options.only == ("push-metadata",):
        return Skipped(asset=name, reason="fleet sends no metadata (--only push-metadata)")
    return Skipped(asset=name, reason="has no checks (--only checks)")


def _not_runnable(assets: Iterable[Asset], options: RunOptions) -> list[Fault]:
    """Templates in `enabled`, and types that fleet cannot run, whose tables it can check."""
    main = not options.single_check and (not options.only or "main" in options.only)
    return [
        fault
        for asset in assets
        for fault in (*(_type_fault(asset) if main else ()), *_enabled_fault(asset))
    ]


def _type_fault(asset: Asset) -> Iterable[Fault]:
    if kinds.main_steps(asset) is None:
        yield Fault(
            rule="unsupported-type",
            message=f"type '{asset.type}' cannot run yet",
            hint="; ".join(filter(None, (kinds.siblings(asset.type), _LEAVE_OUT))),
            file=asset.path,
            line=asset.lines.get("type", 1),
            asset=asset.name,
        )
    elif name := ingestr.endless(asset):
        yield Fault(
            rule=ingestr.ENDLESS_RULE,
            message=ingestr.ENDLESS.format(name=name),
            hint=f"{ingestr.ENDLESS_HINT}; {_LEAVE_OUT}",
            file=asset.path,
            line=line_of(asset, f"parameters.{name}"),
            asset=asset.name,
        )


def _enabled_fault(asset: Asset) -> Iterable[Fault]:
    if isinstance(asset.enabled, str):
        yield Fault(
            rule="enabled",
            message=f"'enabled' is a template that only a variant fills in: {asset.enabled}",
            hint="choose one with --variant, or write true or false",
            file=asset.path,
            line=asset.lines.get("enabled", 1),
            asset=asset.name,
        )
