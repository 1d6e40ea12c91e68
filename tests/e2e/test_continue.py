"""`fleet run --continue` and `fleet retry`: only what failed or never ran, with the old options."""

import json
import signal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.support.cli import Cli, until
from tests.support.project import Project, living_in

pytestmark = pytest.mark.e2e

CHECKED = """columns:
  - {name: id, type: integer, checks: [{name: positive}, {name: not_null}]}
custom_checks:
  - {name: total, query: "select sum(id) from main.rows", value: 3}
"""


def broken(project: Project) -> None:
    """good -> bad -> after, and an asset of its own; bad fails until a file is there."""
    project.script("good", "print('good ran')\n")
    project.script(
        "bad",
        "import os, pathlib\nprint('start', os.environ['BRUIN_START_DATE'])\n"
        "assert pathlib.Path('cured').exists(), 'not cured'\n",
        header="depends: [good]\n",
    )
    project.script("after", "print('after ran')\n", header="depends: [bad]\n")
    project.script("alone", "print('alone ran')\n")


def execute(project: Project, statement: str) -> None:
    """Change the project's database by hand."""
    with duckdb.connect(str(project.folder / project.database)) as connection:
        connection.execute(statement)


def ran(cli: Cli) -> dict[str, str]:
    """The assets of the newest run and their states."""
    return {asset["asset"]: asset["state"] for asset in cli.status()["assets"]}


def test_what_failed_and_what_never_ran_runs_with_the_old_options(
    up: Cli, project: Project
) -> None:
    broken(project)
    assert up("run", "shop", "--start-date", "2024-02-03", "--end-date", "2024-02-04").returncode
    first = up.status()["run"]
    (project.folder / "cured").touch()
    done = up("run", "shop", "--continue", "-v", "--start-date", "2020-01-01", "--workers", "1")
    assert done.returncode == 0, done.stderr
    assert "whatever is given: --start-date\n" in done.stderr
    assert "--workers" not in done.stderr
    assert f"2 assets in 2 levels left of run {first}" in done.stdout
    assert "[bad] start 2024-02-03" in done.stdout
    assert "good ran" not in done.stdout and "alone ran" not in done.stdout
    assert ran(up) == {
        "good": "skipped",
        "alone": "skipped",
        "bad": "succeeded",
        "after": "succeeded",
    }
    reasons = {a["asset"]: a.get("reason", "") for a in up.status()["assets"]}
    assert reasons["good"] == f"succeeded in run {first}"


def test_nothing_left_is_said_and_is_no_failure(up: Cli, project: Project) -> None:
    project.script("good", "print('good ran')\n")
    assert up("run", "shop").returncode == 0
    first = up.status()["run"]
    done = up("retry", first)
    assert (done.returncode, up.status()["run"]) == (0, first)
    assert f"nothing is left of run {first}" in done.stderr


def test_a_continuation_is_continued_itself(up: Cli, project: Project) -> None:
    broken(project)
    up("run", "shop")
    assert up("run", "shop", "--continue").returncode == 1
    (project.folder / "cured").touch()
    assert up("retry").returncode == 0
    assert ran(up)["after"] == "succeeded"
    done = up("run", "shop", "--continue")
    assert done.returncode == 0 and "nothing is left" in done.stderr


def test_what_a_later_run_continues_is_not_done_twice(up: Cli, project: Project) -> None:
    broken(project)
    up("run", "shop")
    first = up.status()["run"]
    (project.folder / "cured").touch()
    assert up("retry", first).returncode == 0
    again = up("retry", first)
    assert again.returncode == 1
    assert f"run {first} was continued already, by run {up.status()['run']}" in again.stderr


def test_a_failed_check_alone_is_asked_again_alone(up: Cli, project: Project) -> None:
    rows = "[{'id': 1}, {'id': 1}]"
    project.table("main.rows", rows, header=CHECKED)
    assert up("run", "shop").returncode == 1
    first = up.status()
    assert [s["state"] for s in first["assets"][0]["steps"]] == ["succeeded", "succeeded", "failed"]
    execute(project, "update main.rows set id = 2 where rowid = 0")
    done = up("retry", first["run"])
    assert done.returncode == 0, done.stdout + done.stderr
    status = up.status()
    assert [step["step"] for step in status["assets"][0]["steps"]] == ["checks"]
    assert status["checks"] == {"main.rows:custom:total": "succeeded"}


def test_a_failed_load_starts_from_the_stored_data(up: Cli, project: Project) -> None:
    project.table("main.rows", "print('made') or [{'id': 1}]")
    execute(project, "create view main.rows as select 1 as id")
    assert up("run", "shop").returncode == 1
    first = up.status()
    assert [s["state"] for s in first["assets"][0]["steps"]] == ["succeeded", "failed"]
    execute(project, "drop view main.rows")
    done = up("retry", "-v")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "made" not in done.stdout
    assert [step["step"] for step in up.status()["assets"][0]["steps"]] == ["load"]
    assert project.rows("select id from main.rows") == [(1,)]


def test_rows_that_were_appended_before_a_hook_failed_are_not_appended_again(
    up: Cli, project: Project
) -> None:
    header = "type: duckdb.sql\nmaterialization: {type: table, strategy: append}\n"
    hook = 'hooks: {post: [{query: "insert into main.told select 1"}]}\n'
    file = project.folder / "assets" / "t.sql"
    file.write_text(f"/* @bruin\nname: main.t\n{header}{hook}@bruin */\nselect 1 as a\n")
    assert up("run", "shop").returncode == 1
    execute(project, "create table main.told (a integer)")
    done = up("retry")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "note: main.t has its rows in the table already" in done.stderr
    assert project.rows("from main.t") == project.rows("from main.told") == [(1,)]


def test_the_rest_of_a_production_run_is_not_done_unasked(up: Cli, project: Project) -> None:
    config = project.folder / ".bruin.yml"
    text = config.read_text().replace("default:", "prod:")
    config.write_text("default_environment: prod\n" + text)
    broken(project)
    assert "failed" in up("run", "shop", "-e", "prod", "--force").stdout
    (project.folder / "cured").touch()
    for command in (["retry"], ["run", "shop", "--continue"], ["retry", "--detach"]):
        refused = up(*command)
        assert (refused.returncode, "environment 'prod' looks like" in refused.stderr) == (1, True)
    assert up("retry", "--force").returncode == 0
    assert ran(up)["after"] == "succeeded"


def test_an_asset_whose_text_changed_starts_from_its_beginning(up: Cli, project: Project) -> None:
    project.table("main.rows", "[{'id': -1}]", header=CHECKED)
    assert up("run", "shop").returncode == 1
    project.table("main.rows", "[{'id': 3}]", header=CHECKED)
    assert up("run", "shop", "--continue").returncode == 0
    assert project.rows("select id from main.rows") == [(3,)]


def test_a_changed_pipeline_is_refused(up: Cli, project: Project) -> None:
    broken(project)
    up("run", "shop")
    project.script("new", "print('new')\n")
    done = up("run", "shop", "--continue")
    assert done.returncode == 1
    assert "the pipeline has changed since run" in done.stderr


def test_without_an_earlier_run_it_is_refused(up: Cli, project: Project) -> None:
    project.script("good", "print('good ran')\n")
    done = up("run", "shop", "--continue")
    assert done.returncode == 1
    assert "there is no earlier run of this pipeline" in done.stderr


def test_a_cancelled_run_is_continued(up: Cli, project: Project) -> None:
    project.script("first", "print('first ran')\n")
    slow = "import pathlib, time\nwhile not pathlib.Path('go').exists():\n    time.sleep(0.05)\n"
    project.script("slow", slow, header="depends: [first]\n")
    run = json.loads(up("submit", "shop", "--json").stdout)["run"]
    until(lambda: _state(up, run, "slow") == "running")
    refused = up("retry", run)
    assert refused.returncode == 1 and "still goes on" in refused.stderr
    up("cancel", run)
    until(lambda: up.status(run)["state"] == "cancelled")
    (project.folder / "go").touch()
    assert up("retry", run).returncode == 0
    assert ran(up) == {"first": "skipped", "slow": "succeeded"}


def test_a_killed_command_with_its_own_fleet_is_continued(tmp_path: Path, project: Project) -> None:
    cli = Cli(tmp_path / "home", tmp_path)
    project.script("first", "print('first ran')\n")
    slow = "import pathlib, time\nwhile not pathlib.Path('go').exists():\n    time.sleep(0.05)\n"
    project.script("slow", slow, header="depends: [first]\n")
    process = cli.start("run", "shop")
    until(lambda: '"running"' in cli("status", "--json").stdout and _state(cli, "last", "slow"))
    until(lambda: _state(cli, "last", "slow") == "running")
    process.send_signal(signal.SIGKILL)
    process.wait()
    until(lambda: not living_in(project.folder))  # or the killed run would come to its end
    (project.folder / "go").touch()
    done = cli("run", "shop", "--continue")
    assert done.returncode == 0, done.stdout + done.stderr
    assert ran(cli) == {"first": "skipped", "slow": "succeeded"}


def test_plan_shows_what_is_left(up: Cli, project: Project) -> None:
    broken(project)
    up("run", "shop")
    done = up("plan", "shop", "--continue", "--json")
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    assert "good" not in json.dumps(plan["levels"])


def _state(cli: Cli, run: str, asset: str) -> Any:
    found = cli.status(run)["assets"]
    return next((one["state"] for one in found if one["asset"] == asset), "")
