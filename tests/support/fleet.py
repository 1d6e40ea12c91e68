"""A small fleet for tests: catalog, broker, and workers in processes of their own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from celery import Celery
from sqlalchemy import Engine, text

from assets_parser.spec import AssetSpec, Plan, RunOptions
from catalog import engine as engines
from catalog import runs
from tests.support.broker import Valkey
from tests.support.cli import until
from workers import contract
from workers.app import make_app
from workers.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


class Fleet:
    """Everything that a test needs to submit runs and watch them."""

    def __init__(self, folder: Path, valkey: Valkey, **settings: Any) -> None:
        self.folder = folder
        self.valkey = valkey
        given = {
            "broker": valkey.url,
            "home": folder / "home",
            "slots": 2,
            "reconcile_every": 1,
            "lease": 20,  # on a busy host nobody loses a claim; who waits for that asks for less
            "lease_renew": 1,
        }
        self.settings = Settings.load({"FLEET_CONFIG": ""}, given | settings)
        self.engine: Engine = engines.connect(self.settings.catalog_url)
        engines.upgrade(self.engine)
        self.app: Celery = make_app(self.settings)
        self.journal = folder / "journal"
        self.journal.touch()
        self.workers: list[subprocess.Popen[bytes]] = []

    def worker(
        self,
        name: str = "w1",
        module: str = "tests.support.stub_worker",
        lifeline: int | None = None,
        **given: str,
    ) -> Any:
        """Start a worker, with settings of its own if any; its log is in the home's logs."""
        environ = {k: v for k, v in os.environ.items() if not k.startswith("FLEET_")}
        environ |= self.settings.as_environ() | {
            "FLEET_WORKER": name,
            "FLEET_TEST_JOURNAL": str(self.journal),
            "PYTHONPATH": str(ROOT),
        }
        environ |= {f"FLEET_{name.upper()}": value for name, value in given.items()}
        if lifeline is not None:
            environ["FLEET_LIFELINE_FD"] = str(lifeline)
        log = (self.folder / f"{name}.out").open("ab")
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", module],
            env=environ,
            cwd=self.folder,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=() if lifeline is None else (lifeline,),
        )
        log.close()
        self.workers.append(process)
        return process

    def submit(
        self, *levels: Iterable[AssetSpec], run_id: str = "aaaaa", send: bool = True, **options: Any
    ) -> str:
        """Record a plan and send the one message that begins it."""
        day = "2026-01-01T00:00:00+00:00"
        plan = Plan(
            pipeline="shop",
            root=str(self.folder),
            path="pipeline.yml",
            options=RunOptions(start=day, end=day, execution=day, **options),
            levels=tuple(tuple(level) for level in levels),
        )
        runs.record(
            self.engine,
            plan,
            run_id=run_id,
            fleet=self.settings.fleet,
            project=str(self.folder),
            config="",
            submitter="test",
            contract=contract.VERSION,
        )
        if send:
            contract.advance_signature(self.app, "shop", run_id).apply_async()
        return run_id

    def let(self, name: str) -> None:
        """Let the steps end that go on until there is a file of this name."""
        (self.folder / name).touch()

    def wait(self, run_id: str) -> str:
        """The state in which the run ended."""
        wait_for(lambda: runs.get(self.engine, run_id).ended_at is not None)
        return str(runs.get(self.engine, run_id).state)

    def states(self, run_id: str) -> Mapping[str, str]:
        """Each asset's state."""
        return {row.asset: str(row.state) for row in runs.asset_runs(self.engine, run_id)}

    def age(self, run_id: str, seconds: float) -> None:
        """Let the run have been submitted, queued and sent that much earlier."""
        with self.engine.begin() as connection:
            connection.execute(
                text("UPDATE runs SET created_at = created_at - :s WHERE id = :run"),
                {"s": seconds, "run": run_id},
            )
            connection.execute(
                text(
                    "UPDATE steps SET queued_at = queued_at - :s, sent_at = sent_at - :s"
                    " WHERE run_id = :run"
                ),
                {"s": seconds, "run": run_id},
            )

    def queues(self) -> list[str]:
        """The broker's lists of messages that no worker has taken yet, one of each priority."""
        client = self.valkey.client()
        keys = client.keys(f"{self.settings.fleet}:{contract.QUEUE}*")
        return [key for key in keys if client.type(key) == "list"]

    def queued(self) -> int:
        """How many messages wait in them."""
        return sum(self.valkey.client().llen(key) for key in self.queues())

    def notes(self) -> list[str]:
        """What the steps wrote to the journal."""
        return self.journal.read_text("utf-8").splitlines()

    def asked(self, command: str) -> Any:
        """What the one worker answers a control message; asked again until it does."""
        ask = getattr(self.app.control.inspect(timeout=5, limit=1), command)
        (answer,) = until(ask).values()
        return answer

    def close(self) -> None:
        """Kill what this fleet started, also the workers' children, which may go on alone."""
        for process in self.workers:
            if process.returncode is None:  # its number is its own until somebody has waited for it
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self.app.close()
        self.engine.dispose()


def asset(name: str, *steps: str, upstreams: tuple[str, ...] = (), **parameters: Any) -> AssetSpec:
    """A spec for the stub worker."""
    return AssetSpec(
        pipeline="shop",
        name=name,
        type="python",
        path=f"assets/{name}.py",
        steps=steps or ("script",),  # type: ignore[arg-type]
        upstreams=upstreams,
        parameters=parameters,
    )


def wait_for(condition: Callable[[], Any], timeout: float = 120.0) -> None:
    """Return once the condition holds; fail the test if it never does."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError(f"not within {timeout:.0f} s: {condition}")
