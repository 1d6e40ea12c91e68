"""One database file on several hosts, or under several paths: whose it is, and what it is called.

workers.steps asks before each claim, where the catalog is one of many hosts. A file belongs to the
host that first wrote it, unless `shared_files` names it.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import Engine

from assets_parser.spec import RunOptions
from catalog import file_homes, mounts
from catalog.file_homes import Home
from workers import file_marks, routing
from workers.connections import Connection
from workers.errors import NotYet, StepFailed
from workers.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where connections come from: this host, and the run's environment under its names."""

    engine: Engine
    settings: Settings
    scope: str  # the run's .bruin.yml; empty where this worker has its own
    environments: tuple[str, ...]

    @property
    def host(self) -> str:
        """This host."""
        return self.settings.host_name

    def keys(self, name: str) -> list[str]:
        """The facts that lead from a connection to its file."""
        found = (file_homes.key(self.scope, one, name) for one in self.environments)
        return list(dict.fromkeys(found))


def place(
    engine: Engine, settings: Settings, config: Path | None, options: RunOptions, chosen: str
) -> Place:
    """The place of a run on this host; `chosen` is what its environment is really called."""
    scope = "" if settings.connections or config is None else str(config)
    return Place(
        engine=engine,
        settings=settings,
        scope=scope,
        environments=(options.environment, chosen),
    )


def identities(
    here: Place, files: Iterable[tuple[Connection, Path]], *, writes: bool
) -> dict[Path, str]:
    """The identity of each file, as its lock's name; NotYet if one is another host's.

    StepFailed for a file on a network that `shared_files` does not name, and for one that is not
    the file which the fleet knows at its path.
    """
    found = {}
    for connection, file in files:
        if identity := _identity(here, connection, file, writes=writes):
            found[file] = identity
    return found


def shared(settings: Settings, file: Path) -> bool:
    """Whether `shared_files` says that all hosts reach this file."""
    paths = {Path(os.path.realpath(file)), file}
    folders = [Path(os.path.realpath(one)) for one in settings.shared_files]
    folders += [Path(one) for one in settings.shared_files]
    return any(path.is_relative_to(folder) for path in paths for folder in folders)


def notice(engine: Engine, settings: Settings, connection: Connection) -> str:
    """What is to be said of a load into a file of several hosts on a network; empty for others."""
    file = connection.file
    if file is None or engine.dialect.name == "sqlite" or not shared(settings, file):
        return ""
    kind = mounts.network(file)
    return (
        kind and f"at least once: {file.name} lies on {kind}, whose locks are not to be relied on"
    )


def _identity(here: Place, connection: Connection, file: Path, *, writes: bool) -> str:
    common, real = shared(here.settings, file), Path(os.path.realpath(file))
    keys = here.keys(connection.name)
    homes = file_homes.named(here.engine, keys)
    for home in homes.values():
        _refuse_elsewhere(here, connection, home, common=common)
    if not common and (kind := mounts.network(real)):
        raise _on_network(connection, file, kind)
    host = "" if common else here.host
    mark = file_marks.read(real, host=here.host, shared=common)
    if mark is None and not (writes or real.exists()):
        return ""  # only asked about, and not there: nobody's yet
    if mark and set(homes) == set(keys) and _settled(here, real, mark, homes.values(), host):
        return mark.identity
    known = file_homes.at(here.engine, host, str(real))
    mark = _marked(here, real, known) if mark is None else mark
    if known and known.identity != mark.identity and not common:
        raise _another(connection, real, known, mark)
    home = file_homes.get(here.engine, mark.identity) or file_homes.add(
        here.engine, Home(identity=mark.identity, host=host, path=str(real))
    )
    _refuse_elsewhere(here, connection, home, common=common)
    if not _keep(here, real, home, mark, host):  # another host was quicker
        home = file_homes.get(here.engine, mark.identity) or home
        _refuse_elsewhere(here, connection, home, common=common)
    if other := file_homes.lead(here.engine, keys, mark.identity):
        _refuse_elsewhere(here, connection, other, common=common)
    return mark.identity


def _marked(here: Place, real: Path, known: Home | None) -> file_marks.Mark:
    """The mark of a file that had none: the first who puts one there has said what it is."""
    mark = file_marks.fresh(real, here.host, known.identity if known else "")
    if not file_marks.beside(real).exists():
        if file_marks.write(real, mark, first=True):
            return mark
        here_first = file_marks.read(real, host=here.host, shared=True)
        return here_first or mark
    file_marks.write(real, mark)  # a copy brought that of its original along
    return mark


def _settled(
    here: Place, real: Path, mark: file_marks.Mark, homes: Iterable[Home], host: str
) -> bool:
    """Whether all is known already, as at every claim but the first ones."""
    now = file_marks.fresh(real, here.host, mark.identity)
    known = (mark.identity, host, str(real))
    same = all((home.identity, home.host, home.path) == known for home in homes)
    return same and mark in (now, replace(now, host=mark.host))


def _keep(here: Place, real: Path, home: Home, mark: file_marks.Mark, host: str) -> bool:
    """Note what has changed: the file was made, made anew, moved, or is shared by now."""
    now = file_marks.fresh(real, here.host, mark.identity)
    if now != mark and (mark.host == here.host or not mark.inode):
        file_marks.write(real, now)
    if home.host != host or (home.path != str(real) and host):
        return file_homes.moved(here.engine, home, host, str(real))
    return True


def _refuse_elsewhere(here: Place, connection: Connection, home: Home, *, common: bool) -> None:
    if common or home.host in ("", here.host):
        return
    said = f"{home.path} of connection {connection.name!r} belongs to host {home.host}"
    ways = (
        f"if that host is gone for good, let the one that has the file now bear its name "
        f"(`host = {home.host!r}`), or name the folder in `shared_files`"
    )
    if here.settings.fleet.startswith(routing.EMBEDDED):  # there is no other worker to send it to
        raise StepFailed("config", f"{said}, this is {here.host}", hint=f"run it there; {ways}")
    raise NotYet(f"{said}, this is {here.host}: sent there; {ways}", 0.0)


def _on_network(connection: Connection, file: Path, kind: str) -> StepFailed:
    return StepFailed(
        "config",
        f"connection {connection.name!r}: {file} lies on a file system of the network ({kind})",
        hint="DuckDB and SQLite may lose rows there: use a disk of one host, or a server; "
        "`shared_files` in fleet.toml allows a folder, then rows may be loaded twice",
    )


def _another(connection: Connection, real: Path, known: Home, mark: file_marks.Mark) -> StepFailed:
    return StepFailed(
        "config",
        f"connection {connection.name!r}: {real} is not the file that the fleet knows there",
        detail=f"its identity is {mark.identity}, the catalog says {known.identity}",
        hint="is another disk mounted there, or another file put there? If it is right as it is, "
        f"remove {file_marks.beside(real)} and run again",
    )
