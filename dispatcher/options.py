"""From the flags of one run to its options and its selection. Used by preparing."""

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

from assets_parser import interval as intervals
from assets_parser import variables
from assets_parser.config import Environment
from assets_parser.interval import Interval
from assets_parser.model import Pipeline
from assets_parser.selection import Selection
from assets_parser.spec import Only, RunOptions, SensorMode
from assets_parser.suggestions import did_you_mean
from dispatcher import changes
from dispatcher.problems import FleetError
from dispatcher.run_flags import RunFlags
from dispatcher.target import Target
from workers.secrets_backends.names import KNOWN, VARIABLES
from workers.settings import Settings

_RUN_ID = "%Y_%m_%d_%H_%M_%S"


def options(flags: RunFlags, pipeline: Pipeline, environment: Environment) -> RunOptions:
    """What the flags say about the run. FleetError names the flag that makes no sense."""
    interval = _interval(flags)
    return RunOptions(
        start=interval.start.isoformat(),
        end=interval.end.isoformat(),
        execution=interval.execution.isoformat(),
        environment=environment.name,
        full_refresh=flags.full_refresh,
        apply_interval_modifiers=flags.apply_interval_modifiers,
        variables=variables.parse(flags.var, pipeline, os.environ),
        variant=flags.variant,
        only=_only(flags),
        workers=flags.workers,
        timeout=flags.timeout,
        bruin_run_id=os.environ.get("BRUIN_RUN_ID") or _run_id(flags, interval),
        python_path=os.environ.get("PYTHONPATH", ""),
        folder=_folder(Path(pipeline.root)),
        mask_credentials=flags.mask_credentials,
        sensor_mode=sensor_mode(flags.sensor_mode),
        query_annotations=_annotations(flags.query_annotations),
        single_check=flags.single_check,
        secrets_backend=_secrets_backend(flags.secrets_backend),
    )


def _folder(root: Path) -> str:
    """Where the caller is, below the root of the project; empty if it is elsewhere."""
    here = Path.cwd()
    if here == root or not here.is_relative_to(root):
        return ""
    return here.relative_to(root).as_posix()


def settled(flags: RunFlags, settings: Settings) -> RunFlags:
    """The flags with what fleet.toml says where they say nothing."""
    return replace(flags, secrets_backend=flags.secrets_backend or settings.secrets_backend)


def selection(flags: RunFlags, target: Target, root: Path) -> Selection:
    """Which assets the flags and arguments name; `root` is the project's."""
    return Selection(
        assets=() if target.standalone else target.assets,
        base=str(target.base),
        downstream=flags.downstream,
        tags=flags.tag,
        exclude_tags=flags.exclude_tag,
        selector=_selector(flags.selector),
        modified=changes.since_default_branch(root) if flags.modified else None,
        single_check=flags.single_check,
    )


def _selector(text: str | None) -> str:
    if text is not None and not text.strip():  # an empty variable in a script must not run all
        raise FleetError("--selector is empty", hint="such as 'mart.revenue+' or 'tag:nightly'")
    return text or ""


def _only(flags: RunFlags) -> tuple[Only, ...]:
    for word in flags.only:
        if word not in get_args(Only):
            raise FleetError(f"--only {word}: main and checks are what it takes")
    if flags.single_check and flags.only and "checks" not in flags.only:
        raise FleetError("--single-check is a check: --only leaves it out", hint="drop --only")
    if set(flags.only) == {"push-metadata"}:
        return ("push-metadata",)
    chosen: tuple[Only, ...] = ("main", "checks")
    return tuple(word for word in chosen if word in flags.only)


def sensor_mode(word: str) -> SensorMode:
    """What a sensor does. FleetError for another word."""
    for mode in get_args(SensorMode):
        if word == mode:
            found: SensorMode = mode
            return found
    raise FleetError(f"--sensor-mode {word}: it is one of skip, once and wait")


def _secrets_backend(name: str) -> str:
    if name and name not in VARIABLES:
        hint = did_you_mean(name, VARIABLES) or f"it is one of {KNOWN}"
        raise FleetError(f"there is no secrets backend {name}", hint=hint)
    return name


def _annotations(text: str) -> str:
    """`default`, or the JSON object on one line, so that it can stand in a comment of SQL."""
    if text in ("", "default"):
        return text
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        hint = """such as --query-annotations '{"team": "growth"}'"""
        raise FleetError("--query-annotations takes the word default or a JSON object", hint=hint)
    return json.dumps(found)


def _run_id(flags: RunFlags, interval: Interval) -> str:
    """BRUIN_RUN_ID: the moment, or for one interval of a backfill its id and the start."""
    if flags.backfill_id:
        return f"{flags.backfill_id}__{interval.start.strftime(_RUN_ID)}"
    return datetime.now().strftime(_RUN_ID)


def _interval(flags: RunFlags) -> Interval:
    usual = intervals.default_interval(datetime.now(UTC))
    start = _moment("--start-date", flags.start_date) or usual.start
    end = _moment("--end-date", flags.end_date) or usual.end
    try:
        return intervals.checked(Interval(start=start, end=end, execution=usual.execution))
    except ValueError as error:
        raise FleetError(str(error), hint="see --start-date and --end-date") from error


def _moment(name: str, text: str) -> datetime | None:
    try:
        return intervals.parse_moment(text) if text else None
    except ValueError as error:
        hint = "" if "such as" in str(error) else "such as 2024-01-31"
        raise FleetError(f"{name} {text}: {error}", hint=hint) from error


def looks_like_production(name: str, only: Sequence[str]) -> bool:
    """Whether a person is asked before a run in this environment; its checks change nothing."""
    return "prod" in name.casefold() and set(only) != {"checks"}
