"""Everything that is wrong with pipelines, as `fleet validate` reports it.

More than before a run: slow rules, connections against .bruin.yml, uris across pipelines, variants.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from assets_parser import config as configs
from assets_parser import discovery, validation, variables
from assets_parser.faults import DefinitionError, Fault, Severity
from assets_parser.interval import default_interval
from assets_parser.model import Pipeline
from assets_parser.pipeline import load
from assets_parser.plan import steps_of
from assets_parser.rules import uris, used_connections
from assets_parser.spec import RunOptions
from assets_parser.specs import SpecMaker
from dispatcher import preparing
from dispatcher.preparing import Checked
from dispatcher.target import Target

_MOST_OTHERS = 200  # pipelines of the repository that are searched for a uri


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What `fleet validate` is asked for."""

    fast: bool = False
    warnings: bool = True
    exclude_tags: tuple[str, ...] = ()
    config_file: str = ""
    environment: str = ""
    secrets_backend: str = ""
    variant: str = ""
    var: tuple[str, ...] = ()


def validated(aims: Sequence[Target], wishes: Wishes) -> list[Checked]:
    """Each pipeline with its faults. FleetError if an argument names nothing."""
    found = [_checked(aim, wishes) for aim in aims]
    added = list(_across([one.pipeline for one in found], wishes))
    nested = discovery.nested([aim.pipeline for aim in aims])
    result = []
    for number, (aim, one) in enumerate(zip(aims, found, strict=True)):
        more = [fault for pipeline, fault in added if pipeline is one.pipeline]
        faults = (*one.faults, *more, *(nested if number == 0 else ()))
        kept = tuple(_wanted(faults, aim, one.pipeline, wishes))
        result.append(replace(one, faults=kept))
    return result


def _checked(aim: Target, wishes: Wishes) -> Checked:
    """One pipeline by itself; what cannot be loaded at all has no more than its fault."""
    try:
        one = _of_variants(aim, wishes)
    except DefinitionError as error:
        nothing = Pipeline(name=aim.pipeline.name, root=str(aim.pipeline), path="")
        return Checked(pipeline=nothing, faults=error.faults)
    return replace(one, faults=_unique((*one.faults, *_connections(one.pipeline, wishes))))


def _of_variants(aim: Target, wishes: Wishes) -> Checked:
    """The pipeline as the chosen variant makes it; of all variants if none is chosen."""
    first = _rules(aim, wishes, wishes.variant)
    if wishes.variant or not first.pipeline.variants:
        return first
    ways = [_rules(aim, wishes, name) for name in first.pipeline.variants]
    return replace(ways[0], faults=_unique(fault for way in ways for fault in way.faults))


def _rules(aim: Target, wishes: Wishes, variant: str) -> Checked:
    one = preparing.check(aim, variant=variant, var=wishes.var, slow=not wishes.fast)
    if wishes.fast or one.errors or (one.pipeline.variants and not variant):
        return one
    found = _rendered(one.pipeline, wishes, variant)
    faults = validation.in_order((*one.faults, *found), one.pipeline)
    return replace(one, faults=tuple(faults))


def _rendered(pipeline: Pipeline, wishes: Wishes, variant: str) -> list[Fault]:
    """What a run would refuse beyond the rules, above all templates that cannot be rendered."""
    usual = default_interval()
    options = RunOptions(
        start=usual.start.isoformat(),
        end=usual.end.isoformat(),
        execution=usual.execution.isoformat(),
        variables=variables.parse(wishes.var, pipeline, os.environ),
        variant=variant,
    )
    make = SpecMaker(pipeline=pipeline, options=options)
    for asset in pipeline.assets:
        make.spec(asset, steps_of(asset, options) or (), ())
    return [*make.faults, *make.late]


def _unique(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    return tuple(dict.fromkeys(faults))


def _connections(pipeline: Pipeline, wishes: Wishes) -> Iterator[Fault]:
    """What is wrong in the file of connections, and what assets miss in it."""
    if wishes.secrets_backend:  # connections are elsewhere then
        return
    try:
        path = preparing.config_path(pipeline, wishes.config_file)
        config = configs.load(Path(pipeline.root), os.environ, path)
        environment = config.environment(wishes.environment)
    except DefinitionError as error:
        yield from error.faults
        return
    yield from config.warnings
    yield from used_connections.check(pipeline, environment, exists=config.exists)


def _across(pipelines: Sequence[Pipeline], wishes: Wishes) -> Iterator[tuple[Pipeline, Fault]]:
    found = list(uris.check(pipelines))
    if found and not wishes.fast:
        found = list(uris.check([*pipelines, *_others(pipelines)]))
    yield from found


def _others(pipelines: Sequence[Pipeline]) -> Iterator[Pipeline]:
    """The other pipelines of the repositories: a uri may be theirs."""
    known = {Path(one.root, one.path).parent for one in pipelines}
    for root in dict.fromkeys(Path(one.root) for one in pipelines if one.path):
        for folder in discovery.find_pipelines(root)[:_MOST_OTHERS]:
            if folder not in known:
                try:
                    yield load(folder).pipeline
                except DefinitionError:
                    continue  # nobody asked about this one


def _wanted(
    faults: Iterable[Fault], aim: Target, pipeline: Pipeline, wishes: Wishes
) -> Iterator[Fault]:
    """Without warnings, tags and assets that nobody wants to hear about."""
    tags, named = set(wishes.exclude_tags), {str(aim.base / name) for name in aim.assets}
    left_out = {asset.name for asset in pipeline.assets if tags & set(asset.tags)}
    chosen = set(aim.assets) | {
        asset.name for asset in pipeline.assets if str(Path(pipeline.root, asset.path)) in named
    }
    for fault in faults:
        is_asset = bool(fault.asset) and not aim.standalone
        about = not aim.assets or fault.asset in chosen or not is_asset
        loud = wishes.warnings or fault.severity is Severity.ERROR
        if loud and about and fault.asset not in left_out:
            yield fault
