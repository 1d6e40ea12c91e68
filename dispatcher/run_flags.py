"""The flags of `bruin run` as `fleet plan`, `run`, `submit` take them: kept, noticed, refused."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import click

from dispatcher.flags import Command, flag
from dispatcher.look import Look
from dispatcher.problems import FleetError
from dispatcher.terminal import Terminal

IGNORED: Mapping[str, str] = {  # flag: why it changes nothing here
    "push_metadata": "fleet sends no metadata to platforms",
    "no_log_file": "the log of each step is always kept; fleet clean removes old ones",
    "no_timestamp": "asset lines carry no time",
    "minimal_logs": "use -q for less",
    "debug_ingestr_src": "set FLEET_INGESTR to the binary to use",
    "exp_use_winget_for_uv": "set FLEET_UV to the binary to use",
    "use_gong": "set FLEET_INGESTR to the binary to use",
    "use_uv": "every asset has an environment made by uv",
    "debug": "FLEET_DEBUG=1 shows where an error of fleet itself comes from",
}
REFUSED: Mapping[str, str] = {  # flag: what to do instead
    "interactive": "fleet run shows a live display by itself",
    "stream": "streaming assets are not run by fleet",
    "use_pip": "every asset has an environment made by uv",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFlags:
    """What the command line says about one run, still as text."""

    start_date: str = ""
    end_date: str = ""
    full_refresh: bool = False
    environment: str = ""
    var: tuple[str, ...] = ()
    variant: str = ""
    tag: tuple[str, ...] = ()
    exclude_tag: tuple[str, ...] = ()
    selector: str | None = None
    modified: bool = False
    single_check: str = ""
    downstream: bool = False
    only: tuple[str, ...] = ()
    workers: int = 0
    timeout: float = 604_800.0
    config_file: str = ""
    no_validation: bool = False
    apply_interval_modifiers: bool = False
    force: bool = False
    mask_credentials: bool = True
    secrets_backend: str = ""
    sensor_mode: str = ""
    query_annotations: str = ""
    backfill_id: str = ""
    backfill_total: int = 0
    continues: bool = False
    bundle: bool | None = None  # None: as the fleet needs it


class GoFlags(click.Command):
    """A command that also reads `--flag=true` and `--flag=false`, as Bruin's does."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Turn valued flags into plain ones, then parse as ever."""
        known = {o: p for p in self.params if isinstance(p, click.Option) for o in p.opts}
        plain = (_plain_flag(arg, known) for arg in args)
        return super().parse_args(ctx, [arg for arg in plain if arg is not None])


def _plain_flag(arg: str, known: Mapping[str, click.Option]) -> str | None:
    """The argument as click reads it; None if it says what goes without saying."""
    name, equals, value = arg.partition("=")
    option = known.get(name)
    truth = {"true": True, "1": True, "t": True, "false": False, "0": False, "f": False}
    if not (equals and option and option.is_flag and value.lower() in truth):
        return arg
    if truth[value.lower()]:
        return name
    return option.secondary_opts[0] if option.secondary_opts else None


def _options() -> list[Callable[[Command], Command]]:
    many: dict[str, Any] = {"multiple": True, "metavar": "TEXT"}
    text: dict[str, Any] = {"default": "", "metavar": "TEXT"}
    return [
        flag("--start-date", env=("BRUIN_START_DATE",), help="Start of the interval.", **text),
        flag("--end-date", env=("BRUIN_END_DATE",), help="End of the interval.", **text),
        flag(
            "-r",
            "--full-refresh",
            env=("BRUIN_FULL_REFRESH",),
            is_flag=True,
            help="Replace tables instead of adding to them.",
        ),
        flag("-e", "--environment", "--env", help="Environment of .bruin.yml.", **text),
        # click would split FLEET_VAR at the blanks of JSON: BRUIN_VARS is read with the values
        click.option("--var", help="Variable as name=JSON or a JSON object; repeatable.", **many),
        flag("--variant", help="Variant of the pipeline.", **text),
        flag("-t", "--tag", help="Only assets with this tag; repeatable.", **many),
        flag("-x", "--exclude-tag", help="No assets with this tag; repeatable.", **many),
        *_choosing(),
        flag("--only", help="main or checks; repeatable.", **many),
        flag(
            "--workers",
            type=click.IntRange(0),
            default=0,
            help="Most steps at a time; 0 for no limit.",
        ),
        flag(
            "--timeout",
            type=click.FloatRange(0),
            default=604_800.0,
            help="Seconds for the whole run.",
        ),
        flag("--config-file", env=("BRUIN_CONFIG_FILE",), help="Path of .bruin.yml.", **text),
        flag("--no-validation", is_flag=True, help="Run although validation finds errors."),
        flag("--apply-interval-modifiers", is_flag=True, help="Shift intervals as assets say."),
        flag("-f", "--force", is_flag=True, help="Do not ask before a production environment."),
        flag("--mask-credentials/--no-mask-credentials", default=True, help="Hide secrets."),
        *_rarer(),
    ]


def _choosing() -> list[Callable[[Command], Command]]:
    """Which assets a run takes, beside tags."""
    return [
        flag("--downstream", is_flag=True, help="Also what depends on the named assets."),
        flag(
            "--selector",
            metavar="TEXT",
            help="Assets in dbt's grammar: '+name', 'name+2', '@name', 'tag:x,path:y z'.",
        ),
        flag("--modified", is_flag=True, help="Only assets that changed since the default branch."),
        flag(
            "--single-check",
            default="",
            metavar="ID",
            help="Only this check, such as asset:column:check; exit code 1 if it fails, 2 if it "
            "cannot be asked.",
        ),
    ]


def _rarer() -> list[Callable[[Command], Command]]:
    text: dict[str, Any] = {"default": "", "metavar": "TEXT"}
    return [
        flag(
            "--secrets-backend",
            env=("BRUIN_SECRETS_BACKEND",),
            help="Connections from vault, doppler, aws or azure instead of .bruin.yml.",
            **text,
        ),
        flag("--sensor-mode", help="skip, once (as without the flag) or wait.", **text),
        flag(
            "--query-annotations",
            env=("BRUIN_QUERY_ANNOTATIONS",),
            help="Comment in each query: 'default' or a JSON object.",
            **text,
        ),
        flag(
            "--continue",
            "continues",
            is_flag=True,
            help="Only what the pipeline's newest run left undone, with that run's options.",
        ),
        flag(
            "--bundle/--in-place",
            default=None,
            help="Give workers a copy of the project, or let them work in it; without the flag "
            "whichever the fleet needs.",
        ),
        flag("--backfill-id", help="Begins BRUIN_RUN_ID of a backfill's run.", **text),
        flag(
            "--backfill-total",
            type=click.IntRange(0),
            default=0,
            help="How many runs the backfill has; for your own records.",
        ),
    ]


def _foreign() -> list[Callable[[Command], Command]]:
    made: list[Callable[[Command], Command]] = []
    for name in (*IGNORED, *REFUSED):
        long = "--" + name.strip("_").replace("_", "-")
        names = ("-i", long) if name == "interactive" else (long,)
        made.append(click.option(*names, f"not_ours_{name}", hidden=True, is_flag=True))
    return made


def run_flags(function: Command) -> Command:
    """All flags of `bruin run`; the command gets them as `flags`, a RunFlags."""
    for option in reversed([*_options(), *_foreign()]):
        function = option(function)

    @functools.wraps(function)
    def call(*args: Any, look: Look, **kwargs: Any) -> Any:
        foreign = {name: kwargs.pop(f"not_ours_{name}") for name in (*IGNORED, *REFUSED)}
        _judge({name for name, value in foreign.items() if value}, look.terminal)
        flags = RunFlags(**{f.name: kwargs.pop(f.name) for f in fields(RunFlags)})
        return function(*args, look=look, flags=flags, **kwargs)

    return call


def _judge(given: set[str], terminal: Terminal) -> None:
    for name in sorted(given):
        long = "--" + name.strip("_").replace("_", "-")
        if name in REFUSED:
            raise FleetError(f"{long} is not supported", hint=REFUSED[name])
        terminal.note(f"note: {long} changes nothing here: {IGNORED[name]}")
