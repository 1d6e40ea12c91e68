"""`fleet plan`: what a run would do, without doing it."""

from typing import Any

import click

from dispatcher.flags import output_flags, settings_flags
from dispatcher.look import Look
from dispatcher.run_flags import GoFlags, RunFlags, run_flags


@click.command(cls=GoFlags)
@click.argument("target", nargs=-1)
@output_flags
@run_flags
@settings_flags
def command(
    *, target: tuple[str, ...], flags: RunFlags, overrides: dict[str, Any], look: Look
) -> int:
    """Show what a run would do, level by level, without doing it. Takes the flags of `run`."""
    from dispatcher import fleets, plan_envs, plan_takers, plan_text, running, shipping
    from dispatcher.target import find

    aim = find(target)
    settings = fleets.load_settings(overrides, running.project(aim))
    request = running.Request(target=target, flags=flags, overrides=overrides, look=look)
    prepared = running.prepare(request, aim, settings)
    lacks = plan_takers.of(prepared.plan, settings)
    if look.as_json:
        look.terminal.line(plan_text.document(prepared, lacks))
    else:
        envs = plan_envs.of(prepared.plan, settings)
        plan_text.show(look.terminal, prepared, envs, verbose=look.verbose)
        for line in lacks.lines():
            look.terminal.line(f"note  {line}")
        if shipping.wanted(flags, settings, shared=not settings.broker):
            bundle = shipping.make(prepared.plan.root, settings)
            for line in shipping.words(prepared.plan, bundle):
                look.terminal.line(line)
    return 0
