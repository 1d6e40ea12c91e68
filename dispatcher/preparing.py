"""From arguments to a plan: load, validate, choose options, build. Used by plan, run and submit.

Nothing here talks to a broker or a catalog.
"""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from assets_parser import config as configs
from assets_parser import standalone, validation, variables
from assets_parser.config import Environment
from assets_parser.faults import DefinitionError, Fault, Severity
from assets_parser.model import Pipeline
from assets_parser.pipeline import load
from assets_parser.plan import Surroundings, build
from assets_parser.spec import Plan
from dispatcher import fault_text, options
from dispatcher.look import Look
from dispatcher.problems import FleetError, Refused
from dispatcher.run_flags import RunFlags
from dispatcher.target import Target
from workers.secrets_backends.names import VARIABLES

if TYPE_CHECKING:
    from dispatcher.continuing import Earlier


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A plan and what a run needs beside it. `variables` are the names that connections need."""

    plan: Plan
    pipeline: Pipeline
    environment: Environment
    config: str  # path of the file with the connections, empty if there is none
    variables: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A pipeline and everything that is wrong with it."""

    pipeline: Pipeline
    faults: tuple[Fault, ...]
    unread: int = 0  # assets that their errors keep out of the pipeline

    @property
    def assets(self) -> int:
        """How many assets were looked at, those that could not be read as well."""
        return len(self.pipeline.assets) + self.unread

    @property
    def errors(self) -> int:
        """How many faults stop a run."""
        return sum(fault.severity is Severity.ERROR for fault in self.faults)


def check(
    target: Target,
    *,
    variant: str = "",
    var: Sequence[str] = (),
    rules: bool = True,
    slow: bool = False,
) -> Checked:
    """Read and validate the pipeline; Checked.pipeline is partial if it has errors."""
    loaded = standalone.load(target.pipeline) if target.standalone else load(target.pipeline)
    loaded = replace(loaded, pipeline=_rendered(loaded.pipeline, variant, var))
    faults = validation.report(loaded, slow=slow) if rules else loaded.faults
    return Checked(pipeline=loaded.pipeline, faults=tuple(faults), unread=loaded.unread)


def _rendered(pipeline: Pipeline, variant: str, var: Sequence[str]) -> Pipeline:
    """The pipeline with what its variables decide of its own definition."""
    from assets_parser import variants

    if variant:
        given = variables.parse(var, pipeline, os.environ)
        return variants.materialize(pipeline, variant, given)
    return variants.filled(pipeline, lambda: variables.parse(var, pipeline, os.environ))


def prepare(
    target: Target, flags: RunFlags, look: Look, earlier: "Earlier | None" = None
) -> Prepared:
    """The plan of a run. Prints faults and raises Refused if one of them stops it.

    With `earlier` it is what that run left undone, with its options.
    """
    terminal = look.terminal
    root = target.base
    try:
        rules = not flags.no_validation
        checked = check(target, variant=flags.variant, var=flags.var, rules=rules)
        root = Path(checked.pipeline.root)
        _stop_at_faults(look, checked, root)
        _one_variant(checked.pipeline, flags.variant)
        prepared = _planned(target, flags, checked.pipeline, root, earlier)
    except DefinitionError as error:
        fault_text.show(terminal, error.faults, root)
        raise Refused("the plan cannot be made") from error
    if prepared.plan.faults:
        fault_text.show(terminal, prepared.plan.faults, root)
        terminal.note("note: what these errors are about will fail; everything else runs")
    for notice in prepared.plan.notices:
        terminal.note(f"note: {notice}")
    return prepared


def _one_variant(pipeline: Pipeline, chosen: str) -> None:
    if pipeline.variants and not chosen:
        names = ", ".join(pipeline.variants)
        raise FleetError(
            f"pipeline '{pipeline.name}' has variants: --variant chooses one",
            hint=f"variants: {names}",
        )


def _stop_at_faults(look: Look, checked: Checked, root: Path) -> None:
    terminal = look.terminal
    fault_text.show(terminal, checked.faults, root, warnings=not look.quiet)
    if checked.errors:
        terminal.note("")
        terminal.note(fault_text.count(checked.faults, checked.assets))
        raise Refused("the pipeline has errors")


def _planned(
    target: Target,
    flags: RunFlags,
    pipeline: Pipeline,
    root: Path,
    earlier: "Earlier | None",
) -> Prepared:
    path = config_path(pipeline, flags.config_file)
    config = configs.load(root, os.environ, path)
    environment = config.environment(flags.environment)
    around = Surroundings(
        schema_prefix=environment.schema_prefix,
        refresh_restricted=environment.full_refresh_restricted,
        commit=_commit(root),
    )
    if earlier is not None:
        plan = earlier.plan(pipeline, around)
    else:
        chosen = options.options(flags, pipeline, environment)
        wanted = options.selection(flags, target, root)
        plan = build(pipeline, chosen, wanted, surroundings=around)
    if backend := plan.options.secrets_backend:
        elsewhere = replace(environment, connections={})
        names = VARIABLES[backend]
        return Prepared(
            plan=plan, pipeline=pipeline, environment=elsewhere, config="", variables=names
        )
    return Prepared(
        plan=plan,
        pipeline=pipeline,
        environment=environment,
        config=str(configs.location(root, os.environ, path)) if config.exists else "",
        variables=_variables(environment),
    )


def config_path(pipeline: Pipeline, named: str) -> Path | None:
    """Where the connections are: named, in the root as for Bruin, else nearest to the pipeline.

    The last lets one repository hold several projects, as ours holds its examples.
    """
    if named:
        return Path(named)
    root = Path(pipeline.root)
    place = configs.location(root, os.environ)
    if place.exists() or place != root / configs.FILE:
        return None  # what configs.load looks at by itself
    folder = (root / pipeline.path).parent
    between = [above for above in (folder, *folder.parents) if above.is_relative_to(root)]
    return next((f for above in between if (f := above / configs.FILE).is_file()), None)


def _variables(environment: Environment) -> tuple[str, ...]:
    names = {name for raw in environment.connections.values() for name in raw.variables}
    if configs.CONTENT in os.environ:
        names.add(configs.CONTENT)
    return tuple(sorted(names))


def _commit(root: Path) -> str:
    """The commit that is checked out, empty outside a repository or without git."""
    if not (root / ".git").exists():
        return ""
    argv = ["git", "-C", str(root), "rev-parse", "--verify", "--quiet", "HEAD"]
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()


def confirm(prepared: Prepared, flags: RunFlags) -> None:
    """Ask before a production environment, as Bruin does; FleetError where nobody can answer.

    A run that continues another is in that one's environment, whatever the flags say.
    """
    import click

    run, name = prepared.plan.options, prepared.environment.name
    named = name if run.continues else flags.environment
    only = ("checks",) if run.single_check else run.only
    if flags.force or not options.looks_like_production(named, only):
        return
    if not (os.isatty(0) and os.isatty(1)):
        message = f"environment '{name}' looks like production"
        raise FleetError(message, hint="--force runs it without asking")
    click.confirm(f"Run in the production environment '{name}'?", abort=True)
