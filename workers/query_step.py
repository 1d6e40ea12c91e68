"""The query step: a SQL asset in one session with its connection. Called by workers.steps.

workers.sql.strategies writes the script; workers.script_run runs it in the database.
"""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import replace

from workers import connections, query_fence, script_run, sql_session
from workers.connections import Connection
from workers.context import StepContext, StepResult
from workers.engines import QueryFailed
from workers.errors import StepFailed
from workers.guard import Guard
from workers.prefixed import with_existing_tables
from workers.script_run import ScriptRun
from workers.secret_values import secret_texts
from workers.sql import platforms
from workers.sql.names import table_parts
from workers.sql.platforms import Platform
from workers.sql.scripts import BadAsset
from workers.sql_session import Session


def run(context: StepContext) -> StepResult:
    """Run the asset's script. StepFailed says what the database, or the definition, refused."""
    began = time.monotonic()
    connection = connections.of(context).get(context.spec.connection)
    context.mask(secret_texts(connection))
    guard = Guard(context.stop, context.spec.timeout)
    with _refusals():
        platform = _platform(context, connection)
        script_run.script(context)  # a definition that cannot be written opens nothing
        with sql_session.opened(context, connection, guard) as session:
            read = _of_environment(context, platform, session)
            fence = query_fence.of(context, connection, session)
            done = ScriptRun(read, connection, platform, session, guard, fence)
            rows = done.carry_out(script_run.script(read))
    lines = list(done.notices)
    if rows is not None:
        lines.append(f"{rows:,} {'row' if rows == 1 else 'rows'} written to {context.spec.name}")
    with contextlib.suppress(OSError):  # they are committed: a full disk must not repeat them
        for line in lines:
            context.log.line(line)
    return StepResult(
        result={
            "rows": rows,
            "table": context.spec.name,
            "destination": connection.type,
            "seconds": round(time.monotonic() - began, 3),
            "notices": done.notices,
        }
    )


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except BadAsset as error:
        raise StepFailed("config", str(error), hint=error.hint) from None  # the same next time
    except QueryFailed as error:  # of a question that never fails while the session lives
        raise StepFailed("connection", f"the database did not answer: {error}") from None


def _platform(context: StepContext, connection: Connection) -> Platform:
    platform = platforms.of(context.spec.type)
    if connection.type not in platform.connections:
        wanted = " or ".join(sorted(platform.connections))
        raise StepFailed(
            "config",
            f"assets of type {context.spec.type!r} run on a connection of type {wanted}, but "
            f"{connection.name!r} is of type {connection.type!r}",
        )
    return platform


def _of_environment(context: StepContext, platform: Platform, session: Session) -> StepContext:
    """The context with the SQL of an environment whose schemas have a prefix."""

    def exists(name: str) -> bool:
        query = platform.find_table(platform.dialect, table_parts(name))
        return bool(session.run(query, limit=1).rows)

    spec = with_existing_tables(context.spec, exists, platform.grammar)
    return context if spec is context.spec else replace(context, spec=spec)
