"""What all measurements share: a temporary home, a fleet that is up, PostgreSQL, baselines."""

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from benchmarks.bare import Bare
from benchmarks.measure import Broken, Manner, command, environment
from tests.support import postgres
from workers.settings import Settings


@dataclass(slots=False, kw_only=True)
class Stage:
    """One place where things are measured; `folder` goes when it ends."""

    folder: Path
    manner: Manner
    environ: Mapping[str, str]
    ends: contextlib.ExitStack
    _up: bool = field(default=False)

    def fleet(self, *words: str | Path, root: Path, up: bool = True) -> str:
        """Run `fleet` with these words on a project; what it printed. Broken if it failed."""
        if up and not self._up:
            self._start()
        environ = self.environ if up else environment(self.folder / "home-of-embedded")
        return command([_fleet(), *words], cwd=root, environ=environ)

    def _start(self) -> None:
        command([_fleet(), "up"], cwd=self.folder, environ=self.environ)
        self._up = True
        self.ends.callback(
            lambda: command([_fleet(), "down"], cwd=self.folder, environ=self.environ)
        )

    def project(self, name: str) -> Path:
        """A folder for a project, empty."""
        shutil.rmtree(self.folder / name, ignore_errors=True)
        return self.folder / name

    @cached_property
    def bare(self) -> Bare:
        """The baselines."""
        return Bare(environ=self.environ, settings=Settings.load(self.environ, {}, None))

    @cached_property
    def database(self) -> tuple[postgres.PostgresServer, str]:
        """A PostgreSQL server and a new database of it."""
        folder = postgres.binaries()
        if folder is None:
            raise Broken("no PostgreSQL server on this machine")
        server = self.ends.enter_context(postgres.running(folder))
        return server, server.create_database()


@contextlib.contextmanager
def stage(manner: Manner) -> Iterator[Stage]:
    """A stage; whatever was started for it is ended."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    with tempfile.TemporaryDirectory(prefix="fleet-bench-") as name, contextlib.ExitStack() as ends:
        folder = Path(name)
        yield Stage(folder=folder, manner=manner, environ=environment(folder / "home"), ends=ends)


def _fleet() -> Path:
    """The command of this installation."""
    return Path(sys.executable).with_name("fleet")
