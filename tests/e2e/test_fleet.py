"""One fleet, several runs: work goes through the broker, and limits are kept."""

import json
import os
import signal
import time
from pathlib import Path

import pytest
import redis

from tests.support.cli import Cli, until
from tests.support.pauses import paused_worker
from tests.support.project import Project, overlaps

pytestmark = pytest.mark.e2e


def record(cli: Cli) -> dict[str, object]:
    """What `fleet up` wrote down about its processes."""
    found: dict[str, object] = json.loads((cli.home / "run" / "up.json").read_text())
    return found


def test_a_run_waits_for_the_worker_because_work_goes_through_the_broker(
    up: Cli, project: Project
) -> None:
    project.script("hello", "print('worked')\n")
    broker = redis.Redis.from_url(str(record(up)["broker"]))
    with paused_worker(up):
        # a question that the worker asked before it stopped would still be answered to it
        until(lambda: not broker.info("clients")["blocked_clients"])
        run = up("submit", "shop").stdout.strip()
        time.sleep(1.5)
        assert up.status(run)["state"] in ("queued", "running")
        assert [a["state"] for a in up.status(run)["assets"]] == ["queued"]
        waiting = sum(broker.llen(k) for k in broker.keys("*") if broker.type(k) == b"list")
        assert waiting >= 1, "the message is not on the broker"
    assert up("follow", run).returncode == 0
    assert up.status(run)["state"] == "succeeded"


def test_two_runs_of_one_pipeline_at_once_both_end_well(up: Cli, project: Project) -> None:
    """Two submits are two runs: an append adds twice, a replace holds one copy."""
    project.table("main.rows", "[{'id': 1}, {'id': 2}]")
    append = "connection: db\nmaterialization: {type: table, strategy: append}\n"
    code = "import os\ndef materialize():\n    return [{'n': 1}]\n"
    project.script("main.journal", code, header=append)
    runs = [up.start("run", "shop") for _ in range(2)]
    texts = [run.communicate(timeout=120)[0] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], "\n".join(texts)
    assert project.rows("select count(*) from main.rows") == [(2,)]
    assert project.rows("select count(*) from main.journal") == [(2,)]


def test_a_hundred_assets_in_ten_levels(up: Cli, project: Project) -> None:
    for level in range(10):
        above = [f"a{level - 1}{n}" for n in range(10)] if level else []
        for n in range(10):
            project.script(f"a{level}{n}", header=f"depends: {json.dumps(above)}\n")
    done = up("run", "shop", timeout=200)
    assert "100 assets in 10 levels" in done.stdout
    assert "100 succeeded" in done.stdout.splitlines()[-1], done.stdout[-3000:] + done.stderr


@pytest.mark.parametrize(("flags", "alone"), [([], False), (["--workers", "1"], True)])
def test_workers_limits_how_much_of_a_run_goes_on_at_once(
    up: Cli, project: Project, flags: list[str], alone: bool
) -> None:
    """The assets' own journal tells; without the flag the two slots are really used."""
    for n in range(5):
        project.journaled(f"part{n}", 0.5, company=1 if alone else 2)
    done = up("run", "shop", *flags)
    assert done.returncode == 0, done.stdout
    spans = project.spans()
    assert len(spans) == 5
    assert (overlaps(spans) == 0) is alone


def test_a_later_command_finds_the_fleet_that_is_up(up: Cli, project: Project) -> None:
    project.script("hello", "print('worked')\n")
    assert "fleet of `fleet up`, 2 slots" in up("run", "shop").stdout.splitlines()[0]


def test_the_projects_own_modules_do_not_disturb_the_worker(up: Cli, project: Project) -> None:
    """Folders and files named like ours, and like what we import, lie in the project's root."""
    for name in ("celery.py", "json.py", "pyarrow.py", "redis.py"):
        (project.folder / name).write_text("raise RuntimeError('the wrong module')\n")
    for name in ("workers", "catalog"):
        (project.folder / name).mkdir()
        (project.folder / name / "__init__.py").write_text("HERE = True\n")
    project.script("mine", "import workers, catalog\nassert workers.HERE and catalog.HERE\n")
    project.table("main.rows", "[{'id': 1}]")
    inside = Cli(up.home, Path(project.folder))
    done = inside("run", ".")
    assert done.returncode == 0, done.stdout + done.stderr
    assert project.rows("select id from main.rows") == [(1,)]


def test_a_fleet_without_workers_says_so_and_goes_on_when_one_comes(tmp_path: Path) -> None:
    """A configured broker and nobody who works: no silence, and nothing is lost."""
    first = Cli(tmp_path / "first", tmp_path)
    assert first("up", "--no-flower").returncode == 0
    try:
        facts = record(first)
        worker = facts["processes"]["worker"]["pid"]  # type: ignore[index]
        os.killpg(worker, signal.SIGKILL)
        far = Cli(first.home, tmp_path, {"FLEET_BROKER": str(facts["broker"]), "FLEET_SLOTS": "1"})
        project = Project(tmp_path / "shop")
        project.script("hello", "print('worked')\n")
        told = tmp_path / "told.txt"
        with told.open("w") as file:
            run = far.start("run", "shop", to=file)
        until(lambda: "lives: start one with fleet worker" in told.read_text())
        late = far.start("worker", "--slots", "1")
        try:
            assert run.wait(timeout=120) == 0, told.read_text()
            assert "[hello] worked" in told.read_text()
        finally:
            late.terminate()
            late.communicate(timeout=120)
    finally:
        first("down", "--now")


def test_of_two_that_start_a_fleet_at_once_one_finds_it(tmp_path: Path) -> None:
    """Both use the same one, and nothing is left that nobody knows of."""
    cli = Cli(tmp_path / "home", tmp_path)
    both = [cli.start("up", "--no-flower", "--slots", "1") for _ in range(2)]
    try:
        said = [one.communicate(timeout=120)[0] for one in both]
        assert [one.returncode for one in both] == [0, 0], said
        assert len([text for text in said if "a fleet is up already" in text]) == 1, said
        assert len(json.loads(cli("workers", "--json").stdout)["workers"]) == 1
    finally:
        cli("down", "--now")
