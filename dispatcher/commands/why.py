"""`fleet why`: what an asset waits for."""

import json
from dataclasses import asdict
from typing import Any

import click

from dispatcher.completion import run_assets, run_ids
from dispatcher.flags import output_flags, settings_flags
from dispatcher.look import Look
from dispatcher.problems import FleetError


@click.command()
@click.argument("run", shell_complete=run_ids)
@click.argument("asset", required=False, shell_complete=run_assets)
@settings_flags
@output_flags
def command(*, run: str, asset: str | None, overrides: dict[str, Any], look: Look) -> int:
    """Explain what ASSET of RUN waits for, runs on or ended with.

    Without RUN the newest run is meant: `fleet why ASSET`.
    """
    from dispatcher import fleets, lookup, why
    from dispatcher.patience import mute

    settings = fleets.load_settings(overrides)
    engine = fleets.catalog(settings)
    if not asset and lookup.known(engine, run):
        raise FleetError(
            f"an asset of run {run} is to be named", hint=f"fleet status {run} lists them"
        )
    view = lookup.run(engine, run if asset else "last")
    found = why.scene(engine, view, asset or run, settings.lease)
    causes = list(why.causes(found))
    if view.ended_at is None and (words := mute(lookup.fleet(settings, view).settings)):
        causes.append(why.Cause(text=words, look="fleet doctor"))
    _show(look, found, causes)
    return 0


def _show(look: Look, found: Any, causes: list[Any]) -> None:
    if look.as_json:
        facts = {"v": 1, "run": found.run.id, "asset": found.asset.asset}
        state = {"state": str(found.asset.state), "step": found.asset.step}
        rows = {"causes": [asdict(cause) for cause in causes]}
        look.terminal.line(json.dumps({**facts, **state, **rows}))
        return
    from dispatcher.terminal import printable

    sign = look.terminal.sign(str(found.asset.state))
    word = str(found.asset.state).replace("_", " ")
    look.terminal.line(f"{sign} {found.asset.asset} is {word} in run {found.run.id}")
    for cause in causes:
        look.terminal.line(f"  {printable(cause.text)}")
        if cause.look:
            look.terminal.line(f"      {cause.look}")
