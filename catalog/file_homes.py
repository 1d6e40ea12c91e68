"""Which host a database file belongs to. workers.file_homes writes it, workers.routing reads it.

A file is known by its identity, which lies beside it too; a fact for each name of a connection
leads to it, so that who sends a step need not know where the file is. A home without a host is that
of a file which all hosts reach.
"""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, exists, insert, select, update
from sqlalchemy.exc import IntegrityError

from assets_parser import connection_names
from assets_parser.spec import load_spec
from catalog import facts
from catalog.clock import now
from catalog.engine import reading
from catalog.tables import Fact, FileHome
from catalog.values import StepKey

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """A file, and the host that it belongs to: empty for a file of all hosts."""

    identity: str
    host: str
    path: str


def key(scope: str, environment: str, name: str) -> str:
    """The fact that leads from a connection to its file.

    `scope` is the .bruin.yml of the run, empty where each worker has its own; `environment` as the
    run was told it.
    """
    return f"file:{environment}:{name}:{scope}"


def get(engine: Engine, identity: str) -> Home | None:
    """The home of a file by its identity."""
    return _one(engine, FileHome.identity == identity)


def at(engine: Engine, host: str, path: str) -> Home | None:
    """The file that is known at a path of a host; the one that was noted last."""
    return _one(engine, FileHome.host == host, FileHome.path == path)


def named(engine: Engine, keys: Collection[str]) -> dict[str, Home]:
    """The homes that connections lead to, by `key`."""
    with reading(engine) as connection:
        return _named(connection, keys)


def add(engine: Engine, home: Home) -> Home:
    """Note a file; the home as the first who noted it has it."""
    values = {"identity": home.identity, "host": home.host, "path": home.path}
    try:
        with engine.begin() as connection:
            connection.execute(insert(FileHome).values(created_at=now(), **values))
    except IntegrityError:  # somebody else was first
        found = get(engine, home.identity)
        if found is None:
            raise
        return found
    return home


def moved(engine: Engine, home: Home, host: str, path: str) -> bool:
    """Note where a file is now; whether it still was where `home` says."""
    with engine.begin() as connection:
        changed = connection.execute(
            update(FileHome)
            .where(FileHome.identity == home.identity, FileHome.host == home.host)
            .values(host=host, path=path)
        )
        return changed.rowcount == 1


def lead(engine: Engine, keys: Collection[str], identity: str) -> Home | None:
    """Let connections lead to a file; another host's home that one of them leads to already."""
    for one in keys:
        found = facts.get_or_add(engine, one, identity)
        if found == identity:
            continue
        other, mine = get(engine, found), get(engine, identity)
        if other and mine and other.host and mine.host and other.host != mine.host:
            return other
        facts.replace(engine, one, found, identity)
    return None


def hosts(connection: Connection, steps: Sequence[Any]) -> dict[StepKey, str]:
    """For each queued step the host that its files belong to, where they belong to one.

    `steps` are rows with run_id, asset, step, spec_json, and the run's config and environment.
    """
    if connection.dialect.name == "sqlite" or not _any(connection):
        return {}
    keys = {(row.run_id, row.asset, row.step): _keys(row) for row in steps}
    homes = _named(connection, {one for found in keys.values() for one in found})
    owned = {
        step: [homes[one].host for one in found if one in homes and homes[one].host]
        for step, found in keys.items()
    }
    return {step: found[0] for step, found in owned.items() if found}


def _any(connection: Connection) -> bool:
    return bool(connection.scalar(select(exists().where(FileHome.host != ""))))


def _keys(row: Any) -> list[str]:
    """The facts that may lead to the step's files; each worker may have connections of its own."""
    try:
        names = connection_names.of_step(load_spec(row.spec_json), row.step)
    except (ValueError, TypeError, LookupError, AttributeError):  # its claim will say so
        logger.exception("the description of %s in run %s", row.asset, row.run_id)
        return []
    scopes = dict.fromkeys(("", row.config))
    return [key(scope, row.environment, name) for name in names for scope in scopes]


def _named(connection: Connection, keys: Collection[str]) -> dict[str, Home]:
    query = (
        select(Fact.key, FileHome.identity, FileHome.host, FileHome.path)
        .join(FileHome, FileHome.identity == Fact.value)
        .where(Fact.key.in_(list(keys)))
    )
    return {
        row.key: Home(identity=row.identity, host=row.host, path=row.path)
        for row in connection.execute(query)
    }


def _one(engine: Engine, *where: Any) -> Home | None:
    query = select(FileHome.identity, FileHome.host, FileHome.path).where(*where)
    with reading(engine) as connection:
        row = connection.execute(query.order_by(FileHome.created_at.desc()).limit(1)).first()
    return Home(identity=row.identity, host=row.host, path=row.path) if row else None
