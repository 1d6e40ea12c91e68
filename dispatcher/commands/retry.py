"""`fleet retry`: do what an ended run left undone."""

from typing import Any

import click

from dispatcher.completion import run_ids
from dispatcher.flags import flag, output_flags, settings_flags
from dispatcher.look import Look


@click.command()
@click.argument("run", default="last", shell_complete=run_ids)
@output_flags
@flag("--workers", type=click.IntRange(0), default=0, help="Most steps at a time.")
@flag("--config-file", default="", metavar="TEXT", help="Path of .bruin.yml.")
@flag("-f", "--force", is_flag=True, help="Do not ask before a production environment.")
@flag("-d", "--detach", is_flag=True, help="Print the new run's id and return at once.")
@settings_flags
def command(
    *,
    run: str,
    workers: int,
    config_file: str,
    force: bool,
    detach: bool,
    overrides: dict[str, Any],
    look: Look,
) -> int:
    """Run again what failed in RUN, or never ran, with that run's interval and options.

    Steps that succeeded are not repeated: a failed load starts from the stored data, and a failed
    check is asked alone. An asset whose own text changed meanwhile starts from its beginning. RUN
    is the newest run if none is named; `fleet run PIPELINE --continue` takes that of a pipeline.
    """
    from dispatcher import continuing, fleets, lookup, running
    from dispatcher.run_flags import RunFlags

    view = lookup.run(fleets.catalog(fleets.load_settings(overrides)), run)
    request = running.Request(
        target=(continuing.place(view),),
        flags=RunFlags(workers=workers, config_file=config_file, force=force),
        overrides=overrides,
        look=look,
        retry=view.id,
    )
    return running.detached(request) if detach else running.run(request)
