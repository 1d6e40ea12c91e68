"""New DuckDB files in a format that every DuckDB reads. For workers.loading and workers.main_step.

A script brings a DuckDB of its own. A newer one than ours makes files that neither we nor ingestr
can open, but it keeps the format of a file that is there.
"""

import importlib.metadata
import re
from pathlib import Path

from assets_parser.spec import Step
from workers import connections, locks
from workers.context import StepContext
from workers.envs import Env
from workers.errors import StepFailed

FORMAT = "v1.0.0"  # every DuckDB since 1.0 reads it
_DIST = re.compile(r"duckdb-(\d+)\.(\d+)[^-]*\.dist-info")


def make(file: Path) -> None:
    """Make an empty one, and its folder. StepFailed if it cannot be made."""
    import duckdb  # noqa: PLC0415 - only for a new file

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        duckdb.connect(str(file), config={"storage_compatibility_version": FORMAT}).close()
    except (OSError, duckdb.Error) as error:
        said = f"cannot make the database file {file}"
        raise StepFailed("load", said, detail=str(error)) from error


def prepare(context: StepContext, env: Env) -> None:
    """Make the files that the asset may open, where they are missing and its DuckDB is newer."""
    spec = context.spec
    step: Step = "materialize" if context.claim.step == "materialize" else "script"
    if not (spec.connection or spec.secrets or spec.opens or "duckdb" in spec.imports):
        return
    if not is_newer(env.folder):
        return
    for connection, file in locks.files(spec, step, connections.of(context)):
        if connection.type == "duckdb" and not file.exists():
            make(file)
            why = "its own DuckDB would make it in a format that this worker cannot read"
            context.log.line(f"notice: made {file.name} before the script: {why}")


def is_newer(folder: Path) -> bool:
    """Whether the environment in `folder` has a DuckDB of a later minor version than ours."""
    ours = tuple(map(int, importlib.metadata.version("duckdb").split(".")[:2]))
    names = (found.name for found in folder.glob("lib/python*/site-packages/duckdb-*"))
    found = [match for name in names if (match := _DIST.fullmatch(name))]
    return any((int(match[1]), int(match[2])) > ours for match in found)
