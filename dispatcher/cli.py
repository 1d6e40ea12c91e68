"""The `fleet` command: finds the verb, loads only that one, turns errors into exit codes.

Exit codes: 0 well, 1 a run failed or was refused, 2 the command line is wrong, 130 interrupted.
"""

import contextlib
import gc
import importlib
import os
import sys
import traceback
from collections.abc import Mapping

import click

from dispatcher.problems import FleetError, Refused, nearest

COMMANDS: Mapping[str, str] = {  # verb: its line in --help; nothing is imported to print it
    "init": "Write a small project that runs at once.",
    "validate": "Find every fault in a pipeline's files.",
    "plan": "Show what a run would do, level by level.",
    "render": "Print the SQL that an asset would run.",
    "lineage": "Show what feeds an asset, and what it feeds.",
    "run": "Run a pipeline and follow it to its end.",
    "submit": "Start a run and return at once with its id.",
    "schedule": "Start pipelines when their schedules say so.",
    "retry": "Do what an ended run left undone.",
    "follow": "Come back to a run that is going on.",
    "status": "Show one run: its assets, steps and checks.",
    "why": "Explain what an asset waits for.",
    "runs": "List the latest runs.",
    "logs": "Print what an asset wrote.",
    "cancel": "Ask a run to stop.",
    "worker": "Be a worker of the fleet on this host.",
    "workers": "List the fleet's workers.",
    "drain": "Let a worker end what it runs and take nothing new.",
    "up": "Start a fleet on this host and keep it.",
    "down": "Stop the fleet that `up` started.",
    "flower": "Watch the fleet's tasks in a browser.",
    "metrics": "Serve figures for Prometheus and autoscalers.",
    "doctor": "Check broker, catalog, storage, Pythons and loads.",
    "clean": "Remove old logs, results and environments.",
    "completion": "Print the shell's completion script.",
}


class LazyGroup(click.Group):
    """A group whose verbs live in dispatcher/commands and are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All verbs, in the order in which one meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb's command, or None if there is no such verb."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"dispatcher.commands.{cmd_name}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The verb that the arguments name; an unknown one names the nearest."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            hint = nearest(args[0], COMMANDS) or "fleet --help lists what there is"
            raise click.UsageError(f"no verb '{args[0]}'; {hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of verbs for --help."""
        with formatter.section("Verbs"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name="bruin-fleet", prog_name="fleet")
def cli() -> None:
    """Run Bruin pipelines on as many hosts as you have.

    `fleet init shop && fleet run shop` is a good start.
    """


def main(args: list[str] | None = None) -> None:
    """Run the command line and exit the process with its code."""
    gc.disable()  # imports make much that lives on; a command that stays enables it again
    code = run(args)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)  # taking the interpreter apart would cost 50 ms and nobody needs it


def run(args: list[str] | None = None) -> int:
    """Run the command line; the exit code."""
    try:
        result = cli.main(args, prog_name="fleet", standalone_mode=False)
    except Exception as error:
        return _explain(error)
    except KeyboardInterrupt:
        return 130
    return result if isinstance(result, int) else 0


def _explain(error: Exception) -> int:
    """Say what went wrong, in words for who can change it; the exit code."""
    if isinstance(error, Refused):
        return error.code
    if isinstance(error, FleetError):
        _say(str(error), error.hint)
        return error.code
    if isinstance(error, click.exceptions.Abort | click.ClickException):
        return _misused(error)
    if known := _foreign(error):
        _say(*known)
        return 1
    return _bug(error)


def _misused(error: click.exceptions.Abort | click.ClickException) -> int:
    if isinstance(error, click.exceptions.Abort):
        return 130
    error.show()
    return error.exit_code


def _foreign(error: Exception) -> tuple[str, str] | None:
    """What errors of libraries mean to the person, if we know; they are not imported for it."""
    if isinstance(error, OSError) and error.filename and error.strerror:
        return f"{error.filename}: {error.strerror}", ""
    library = type(error).__module__.partition(".")[0]
    if faults := getattr(error, "faults", None):
        return "\n      ".join(str(fault) for fault in faults), ""
    if library == "sqlalchemy":
        cause = str(getattr(error, "orig", error)).partition("\n")[0]
        return f"the catalog: {cause}", "see --catalog; fleet doctor looks at it"
    if library in ("redis", "kombu"):
        return f"the broker: {error}", "see --broker; fleet doctor looks at it"
    if library == "catalog" or (library == "workers" and isinstance(error, OSError)):
        return str(error), "" if library == "catalog" else "fleet doctor looks at storage"
    return None


def _say(message: str, hint: str) -> None:
    click.echo(f"{click.style('error', fg='red', bold=True)} {message}", err=True, color=_color())
    if hint:
        click.echo(f"      {hint}", err=True)


def _color() -> bool | None:
    return False if os.environ.get("NO_COLOR") else None


def _bug(error: Exception) -> int:
    frames = traceback.format_exception(error)
    if os.environ.get("FLEET_DEBUG"):
        click.echo("".join(frames), err=True)
    where = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{os.path.relpath(where.filename)}:{where.lineno}"
    _say(f"{type(error).__name__}: {error}", f"at {place}; FLEET_DEBUG=1 shows all of it")
    return 1
