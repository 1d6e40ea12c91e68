"""Replays execution cases against a running fleet. For scripts/conformance and tests/conformance.

The replaying itself is the pack's own replay.py; here is what it needs: a fleet, a server, choices.
"""

import argparse
import datetime as dt
import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from catalog.engine import connect
from tests.support import pack, project, statuses
from tests.support.postgres import PostgresServer
from workers.errors import StepFailed
from workers.pool import Pool
from workers.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
FLEET = Path(sys.executable).with_name("fleet")
TIMEOUT = 180.0  # seconds for one command; a first environment may have to be downloaded
_VERSION = re.compile(r"(?<![\d.])3\.(?:10|11|12)(?![\d.])")

Case = dict[str, Any]


def cases() -> list[Case]:
    """All cases of the pack, our decisions in place."""
    decided = pack.decisions()
    return [
        case | {"steps": decided.get(case["id"], case)["steps"]}
        for case in pack.cases("execution.jsonl")
    ]


def is_python(case: Case) -> bool:
    """Whether the case is about Python assets."""
    return bool(case["id"].startswith("execution/python/"))


def hold(case: Case, replay: "Replay", request: pytest.FixtureRequest) -> None:
    """Fail the test if the case does not hold; skip it where something that it needs is missing.

    What Bruin's makers may not have meant and we have not decided may differ.
    """
    if needs_postgres(case):
        request.getfixturevalue("postgres_server")  # skips without one, and fails in CI
    if lacks := replay.lacks(case):
        pytest.skip(lacks)
    differences = replay.play(case)
    if differences and case.get("undecided") and case["id"] not in pack.decisions():
        pytest.skip(f"undecided: {case['undecided']}: {'; '.join(differences)}")
    assert differences == []


def needs_postgres(case: Case) -> bool:
    """Whether it is played with a PostgreSQL server."""
    return "{{PG_" in json.dumps(case["files"])


class Replay:
    """Plays cases with one fleet and, where they need one, a PostgreSQL server."""

    def __init__(self, home: Path, work: Path, server: PostgresServer | None) -> None:
        self._replay = _replay_module()
        self._home = home
        self._options = argparse.Namespace(
            cmd=shlex.join([*self._environ(), str(FLEET), "run"]),
            status_cmd="",  # known once there is a catalog
            pg=_address(server) if server else ":::",
            work=str(work),
            timeout=TIMEOUT,
            **dict.fromkeys(("keep", "verbose", "no_keys", "no_types", "extra_ok", "show"), False),
            record=None,
        )

    def _environ(self) -> list[str]:
        """Nothing of the caller's own fleet reaches the commands."""
        ours = [name for name in os.environ if name.startswith("FLEET")]
        unset = [part for name in ours for part in ("-u", name)]
        return ["env", *unset, f"FLEET_HOME={self._home}"]

    def fleet(self, *arguments: str) -> None:
        """Run a command of ours; an AssertionError holds what it said if it fails."""
        argv = [*self._environ(), str(FLEET), *arguments]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    @contextmanager
    def with_states(self) -> Iterator[None]:
        """Compare also what the catalog says of assets and checks."""
        settings = Settings.load({"FLEET_CONFIG": ""}, {"home": self._home})
        engine = connect(settings.catalog_url)
        with statuses.told(engine, self._home / "states.sock") as command:
            self._options.status_cmd = command
            yield
        engine.dispose()

    def play(self, case: Case) -> list[str]:
        """What a case leaves otherwise than it should; nothing if it holds."""
        while True:
            days = _days()
            differences: list[str] = self._replay.play(case, self._options)[1]
            if not differences or days == _days():
                return differences  # else what was asked for yesterday was done today: once more

    def lacks(self, case: Case) -> str:
        """Which Python version that the case names cannot be had here, in words; else nothing."""
        pool = Pool(Settings.load({"FLEET_CONFIG": ""}, {"home": self._home}))
        for version in sorted(set(_VERSION.findall(json.dumps([case["files"], case["steps"]])))):
            try:
                notice = pool.find(version)[1]
            except StepFailed as missing:
                return missing.message
            if notice:
                return notice
        return ""


@contextmanager
def replay(server: PostgresServer | None, *, slots: int = 2) -> Iterator[Replay]:
    """A fleet of its own, in a home of its own, until the block ends."""
    folder = Path(tempfile.mkdtemp(prefix="conformance-"))
    try:
        (folder / "work").mkdir()
        made = Replay(project.home(folder / "home"), folder / "work", server)
        made.fleet("up", "--no-flower", "--slots", str(slots))
        try:
            with made.with_states():
                yield made
        finally:
            made.fleet("down")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _days() -> tuple[dt.date, dt.date]:
    """What day it is here, and in UTC."""
    return dt.datetime.now().date(), dt.datetime.now(dt.UTC).date()


def _address(server: PostgresServer) -> str:
    return f"{server.host}:{server.port}:{server.user}:{server.password}"


def _replay_module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("replay", pack.GOLDEN / "replay.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
