"""Continues an ended run: its options, and only what is left of it. For `run --continue`, `retry`.

Unlike Bruin a run that was cancelled or interrupted is continued too, and a failed check alone does
not run its asset again.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from assets_parser import discovery, prefix, remaining
from assets_parser.faults import DefinitionError
from assets_parser.model import Pipeline
from assets_parser.plan import Surroundings, build
from assets_parser.remaining import Left
from assets_parser.selection import Selection
from assets_parser.spec import Plan, RunOptions
from dispatcher.options import sensor_mode
from dispatcher.problems import FleetError
from dispatcher.run_flags import RunFlags
from dispatcher.target import Target, pipeline_file

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from catalog.views import RunView
    from workers.settings import Settings
    from workers.stores import Store


_OF_THE_RUN = """
    start_date end_date full_refresh environment var tag exclude_tag selector modified single_check
    downstream only apply_interval_modifiers mask_credentials query_annotations backfill_id
""".split()  # noqa: SIM905 - a list of quoted words hides them


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """The run that is continued: what was asked of it, and what it did."""

    id: str
    config: str  # its .bruin.yml, empty if it had none
    options: RunOptions
    shape: str
    left: Mapping[str, Left]

    def plan(self, pipeline: Pipeline, around: Surroundings) -> Plan:
        """What is left. FleetError if the pipeline is not what it was."""
        chosen = self._selection(pipeline, around.schema_prefix)
        if chosen.assets:
            made = build(pipeline, self.options, chosen, surroundings=around)
        else:
            made = Plan(
                pipeline=pipeline.name, root=pipeline.root, path=pipeline.path, options=self.options
            )
        return remaining.narrowed(made, self.left, self.id)

    def _selection(self, pipeline: Pipeline, schema_prefix: str) -> Selection:
        here = {prefix.with_prefix(a.name, schema_prefix): a.name for a in pipeline.assets}
        if remaining.shape(pipeline) != self.shape or set(here) != set(self.left):
            raise FleetError(
                f"the pipeline has changed since run {self.id}: assets were added, removed, "
                "enabled, disabled, or depend on others",
                hint="run it without --continue",
            )
        names = tuple(here[name] for name in remaining.unfinished(self.left))
        return Selection(assets=names, base=pipeline.root, single_check=self.options.single_check)


def of_pipeline(engine: "Engine", settings: "Settings", flags: RunFlags, aim: Target) -> Earlier:
    """The newest run of the pipeline that the arguments name; FleetError if it cannot go on."""
    from catalog import remains, runs

    if aim.assets and not aim.standalone:
        hint = "--continue takes a pipeline, and runs what is left of its newest run"
        raise FleetError("--continue chooses the assets itself", hint=hint)
    found = remains.newest(engine, *_place(aim))
    if found is None:
        raise FleetError("there is no earlier run of this pipeline", hint="run it first")
    earlier = of_run(engine, settings, flags, runs.get(engine, found))
    if flags.variant not in ("", earlier.options.variant):
        message = f"the newest run, {found}, is not of variant '{flags.variant}'"
        raise FleetError(message, hint="fleet runs lists them; fleet retry RUN names one")
    return earlier


def of_run(engine: "Engine", settings: "Settings", flags: RunFlags, view: "RunView") -> Earlier:
    """What is left of this run. FleetError if it goes on, or if a later one continues it."""
    from catalog import remains, runs
    from catalog.engine import reading
    from workers import stores

    store = stores.of(settings)
    _stop_at_running(view)
    with reading(engine) as connection:
        later = remains.continued_by(connection, view.id)
    if later:
        _stop_at_running(runs.get(engine, later))
        raise continued(view.id, later)
    options = runs.options(engine, view.id)
    return Earlier(
        id=view.id,
        config=view.config if Path(view.config).is_file() else "",
        options=_anew(options, flags, view.id),
        shape=remains.shape(engine, view.id),
        left={name: _stored(one, store) for name, one in remains.left(engine, view.id).items()},
    )


def _stop_at_running(view: "RunView") -> None:
    if view.ended_at is None:
        hint = f"fleet follow {view.id} shows it, fleet cancel {view.id} stops it"
        raise FleetError(f"run {view.id} still goes on", hint=hint)


def continued(run_id: str, later: str) -> FleetError:
    """What is said of a run whose rest a later run has taken: it must not be done twice."""
    message = f"run {run_id} was continued already, by run {later}"
    return FleetError(message, hint=f"fleet retry {later} does what that one left")


def _anew(options: RunOptions, flags: RunFlags, run_id: str) -> RunOptions:
    """The run's options, but for those few that change no result."""
    usual = RunFlags()
    return replace(
        options,
        continues=run_id,
        workers=flags.workers or options.workers,
        sensor_mode=sensor_mode(flags.sensor_mode) or options.sensor_mode,
        timeout=options.timeout if flags.timeout == usual.timeout else flags.timeout,
    )


def unheeded(flags: RunFlags) -> list[str]:
    """The flags that were given and change nothing, as people write them."""
    usual = RunFlags()
    given = [name for name in _OF_THE_RUN if getattr(flags, name) != getattr(usual, name)]
    return ["--" + name.replace("_", "-") for name in given]


def flags_of(flags: RunFlags, earlier: Earlier) -> RunFlags:
    """The flags by which the pipeline is read as it was for the earlier run."""
    options = earlier.options
    variables = (json.dumps(dict(options.variables)),) if options.variables else ()
    return replace(
        flags,
        var=variables,
        variant=options.variant,
        environment=options.environment,
        config_file=flags.config_file or earlier.config,
        single_check=options.single_check,
        only=options.only,
    )


def place(view: "RunView") -> str:
    """What names the pipeline of a run on a command line. FleetError if it is not on this host."""
    file = Path(view.project, view.path)
    if not file.exists():
        message = f"the pipeline of run {view.id} is not here: there is no file {file}"
        raise FleetError(message, hint="continue it on the host where its project is")
    return str(file)


def _stored(left: Left, store: "Store") -> Left:
    """Without data whose file is gone, where that can be seen from here."""
    data = (left.given or {}).get("data")
    if not isinstance(data, dict) or not _there(store):
        return left
    found = store.size(str(data.get("path"))) is not None
    return left if found else replace(left, given=None)


def _there(store: "Store") -> bool:
    """A folder that is not here may be on the workers' hosts; a store by URL says so itself."""
    return store.words != str(store.folder) or store.folder.is_dir()


def _place(aim: Target) -> tuple[str, str]:
    """The project's root and the pipeline's path in it, as runs remember them."""
    file = aim.pipeline if aim.standalone else pipeline_file(aim.pipeline) or aim.pipeline
    try:
        root = discovery.project_root(file)
    except DefinitionError:  # a lone file of no project
        root = file.parent
    return str(root), Path(os.path.relpath(file, root)).as_posix()
