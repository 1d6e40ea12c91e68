"""An asset's own process: the environment it is given, and its run to the end.

Called by workers.main_step (Python) and workers.r_script (R).
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from workers import confinement, connections, process_environment, supervisor
from workers.context import StepContext
from workers.errors import StepFailed
from workers.pulse import HELD
from workers.secret_values import secret_texts
from workers.supervisor import Exit


def environment(context: StepContext) -> dict[str, str]:
    """The process's environment; its secrets are known to the log's mask from now on."""
    declared = {}
    if context.spec.secrets:
        declared = process_environment.secrets(context.spec, connections.of(context))
    for name, one in declared.items():
        if one.unset:
            unset = " and ".join(one.unset)
            context.log.line(
                f"notice: {name} has no value from {unset}: not set in the environment"
            )
    if context.options.mask_credentials:
        context.mask([text for one in declared.values() for text in secret_texts(one)])
    return process_environment.build(context.spec, declared, os.environ, context.settings.pass_env)


def run(context: StepContext, argv: Sequence[str], env: Mapping[str, str], cwd: Path) -> Exit:
    """Run it to its end, its lines going to the log; StepFailed if it cannot be started."""
    confinement.give_copy(context.settings, context.project)
    try:
        ended = supervisor.mine().run(
            argv,
            env,
            cwd,
            on_line=context.log.line,
            stop=context.stop,
            timeout=context.spec.timeout,
            lease=context.settings.lease * HELD,
            grace=context.settings.stop_grace,
            mask=context.hide,
            confine=confinement.order(context.settings),
        )
    except supervisor.SupervisorError as error:
        user = context.settings.asset_user
        hint = f"may {user!r} (asset_user) run {argv[0]}, and pass to {cwd}?" if user else ""
        raise StepFailed("env", f"the process could not be started: {error}", hint=hint) from error
    if ended.leftovers:
        context.log.line(f"notice: ended {ended.leftovers} processes that were left running")
    return ended
