"""The fleet command as a person uses it, against a fleet that stays."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dispatcher.cli import COMMANDS
from tests.support.cli import Cli, project, until
from tests.support.project import home

pytestmark = pytest.mark.e2e

SCRIPTS = {
    "raw.one": 'print("one is here")\n',
    "raw.two": "depends: [raw.one]\n---\nprint('two')\n",
}
CONFIG = "default_environment: production\nenvironments: {production: {connections: {}}}\n"
BROKEN = {
    "raw.bad": "def divide(n):\n    return 1 / n\n\ndivide(0)\n",
    "raw.good": "print('good')\n",
    "mart.after": "depends: [raw.bad]\n---\nprint('never')\n",
}


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    """The command with a fleet that is up."""
    folder = tmp_path_factory.mktemp("cli")
    command = Cli(home(folder / "home"), folder)
    project(folder / "shop", SCRIPTS)
    project(folder / "broken", BROKEN)
    assert command("up", "--no-flower").returncode == 0
    yield command
    command("down", "--now")


def test_a_run_prints_its_id_first_and_a_summary_last(cli: Cli) -> None:
    done = cli("run", "shop")
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stderr
    assert re.match(r"run [2-9a-z]{5} · shop · 2 assets in 2 levels · fleet of", lines[0])
    assert re.search(r"^run [2-9a-z]{5} succeeded in .* · 2 succeeded$", lines[-1])
    assert "[raw.one] one is here" in lines


def test_a_failure_ends_with_its_place_and_keeps_others_going(cli: Cli) -> None:
    done = cli("run", "broken")
    assert done.returncode == 1
    assert "[raw.good] good" in done.stdout
    assert "upstream_failed by raw.bad" in done.stdout
    end = done.stdout[done.stdout.index("\nfailed\n") :]
    assert "assets/raw_bad.py:6 in divide" in end
    assert "ZeroDivisionError: division by zero" in end
    assert re.search(r"log    fleet logs [2-9a-z]{5} raw.bad", end)
    assert re.search(r"^again  fleet retry [2-9a-z]{5} ", end, re.M)


def test_status_speaks_json_of_states_and_steps(cli: Cli) -> None:
    cli("run", "broken")
    status = cli.status()
    assert status["state"] == "failed"
    assert {a["asset"]: a["main"] for a in status["assets"]} == {
        "raw.bad": "failed",
        "raw.good": "succeeded",
        "mart.after": "upstream_failed",
    }


def test_json_events_are_one_object_a_line(cli: Cli) -> None:
    done = cli("run", "shop", "--json")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [events[0]["event"], events[-1]["event"]] == ["run.started", "run.finished"]
    assert {"asset": "raw.one", "line": "one is here"}.items() <= next(
        e for e in events if e["event"] == "asset.log"
    ).items()


def test_one_asset_by_name_and_what_depends_on_it(cli: Cli) -> None:
    one = cli("run", "shop", "raw.one")
    assert "1 asset in 1 level" in one.stdout
    more = cli("run", "shop/assets/raw_one.py", "--downstream")
    assert "2 assets in 2 levels" in more.stdout


def test_submit_prints_the_id_alone_and_follow_comes_back(cli: Cli) -> None:
    run = cli("submit", "shop").stdout.strip()
    assert re.fullmatch(r"[2-9a-z]{5}", run)
    followed = cli("follow", run)
    assert followed.returncode == 0
    assert "[raw.one] one is here" in followed.stdout
    assert run in cli("runs").stdout
    assert "no runs of a pipeline 'shoop'" in cli("runs", "--pipeline", "shoop").stdout


def test_logs_are_those_of_the_asset(cli: Cli) -> None:
    run = cli("submit", "shop").stdout.strip()
    cli("follow", run)
    assert cli("logs", run, "raw.one").stdout == "one is here\n"
    assert cli("logs", run, "raw.won").returncode == 1


def test_cancel_ends_a_run_soon(cli: Cli) -> None:
    project(cli.cwd / "slow", {"raw.slow": "import time\nprint('on')\ntime.sleep(600)\n"})
    run = cli("submit", "slow").stdout.strip()
    until(lambda: cli("logs", run).stdout)
    assert cli("cancel", run).returncode == 0
    assert cli("follow", run).returncode == 1
    assert cli.status(run)["state"] == "cancelled"


def test_a_faulty_pipeline_is_refused_with_every_fault(cli: Cli) -> None:
    faulty = project(
        cli.cwd / "faulty", {"raw.a": "depends: [raw.aa]\n---\n", "raw.b": "x: 1\n---\n"}
    )
    before = cli("runs", "--json").stdout
    done = cli("run", str(faulty))
    assert done.returncode == 1
    assert "assets/raw_a.py" in done.stderr
    assert "'raw.aa'" in done.stderr
    assert done.stdout == ""
    assert cli("runs", "--json").stdout == before


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["rn"], 2, "did you mean run?"),
        (["run", "--no-such-flag"], 2, "No such option"),
        (["run", "shop", "raw.oen"], 1, "did you mean 'raw.one'?"),
        (["run", "nowhere/at/all"], 1, "no file or folder"),
        (["run", "shop", "--start-date", "2024/01/01"], 1, "is not a date"),
        (["run", "shop", "--start-date", "2099-01-01"], 1, "after its end"),
        (["run", "shop", "raw.one", "--continue"], 1, "--continue chooses the assets itself"),
        (["run", "shop", "--environment", "nope"], 1, "no environment 'nope'"),
        (["status", "zzzzz"], 1, "no run zzzzz"),
    ],
)
def test_mistakes_are_said_with_a_way_out(cli: Cli, args: list[str], code: int, words: str) -> None:
    done = cli(*args)
    assert done.returncode == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_flags_of_bruin_without_meaning_are_taken_with_a_notice(cli: Cli) -> None:
    flags = ["--no-log-file", "--minimal-logs", "--mask-credentials=false", "--workers", "1"]
    done = cli("run", "shop", *flags, "--apply-interval-modifiers")
    assert done.returncode == 0
    assert "note: --no-log-file changes nothing here" in done.stderr


def test_an_environment_variable_stands_for_a_flag(cli: Cli) -> None:
    other = Cli(
        cli.home, cli.cwd, {"BRUIN_START_DATE": "2024-01-02", "FLEET_END_DATE": "2024-01-03"}
    )
    plan = json.loads(other("plan", "shop", "--json").stdout)
    assert plan["options"]["start"].startswith("2024-01-02")
    assert plan["options"]["end"].startswith("2024-01-03")


def test_a_second_up_says_that_one_is_up(cli: Cli) -> None:
    done = cli("up", "--no-flower")
    assert done.returncode == 0
    assert "a fleet is up already" in done.stderr


def test_verbs_that_change_something_print_one_document_too(cli: Cli) -> None:
    """`--json` is a flag of each of them."""
    run = cli("submit", "shop").stdout.strip()
    cli("follow", run)
    other = Cli(cli.cwd / "other", cli.cwd)
    answers = [
        cli("up", "--json"),
        cli("cancel", run, "--json"),
        other("clean", "--json"),
        other("init", "made", "--no-git", "--json"),
        other("down", "--json"),
    ]
    up, cancelled, cleaned, made, down = (json.loads(done.stdout) for done in answers)
    assert {one["v"] for one in (up, cancelled, cleaned, made, down)} == {1}
    assert (cancelled["run"], cancelled["state"]) == (run, "succeeded")
    assert (cleaned["removed"], cleaned["items"], down["stopped"]) == (True, [], [])
    assert "made/pipeline.yml" in made["files"]


def test_an_up_whose_flower_ends_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    cli = Cli(tmp_path / "home", tmp_path, {"FLOWER_PURGE_OFFLINE_WORKERS": "many"})
    done = cli("up", "--slots", "1")
    assert (done.returncode, done.stdout) == (1, "")
    assert "the fleet's flower ended while it started" in done.stderr
    assert "invalid literal for int() with base 10: 'many'" in done.stderr
    assert "no fleet is up" in (down := cli("down")).stdout + down.stderr


def test_workers_shows_the_one_that_up_started(cli: Cli) -> None:
    shown = json.loads(cli("workers", "--json").stdout)["workers"]
    assert [worker["info"]["slots"] for worker in shown] == [os.cpu_count()]


def test_a_production_environment_is_not_entered_unasked(cli: Cli) -> None:
    folder = project(cli.cwd / "guarded", SCRIPTS)
    (folder / ".bruin.yml").write_text(CONFIG)
    refused = cli("run", "guarded", "-e", "production")
    assert (refused.returncode, "--force" in refused.stderr) == (1, True)
    assert cli("run", "guarded", "-e", "production", "--force").returncode == 0


def test_help_of_every_verb_names_its_flags(cli: Cli) -> None:
    for verb in COMMANDS:
        done = cli(verb, "--help")
        assert done.returncode == 0, verb
        assert "--help" in done.stdout


def test_help_imports_nothing_that_it_does_not_need() -> None:
    """What is imported decides how long `fleet --help` takes."""
    code = (
        "import sys\nfrom dispatcher import cli\ncli.run(['--help'])\n"
        "heavy = {'rich', 'sqlalchemy', 'celery', 'redis', 'yaml', 'jinja2'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_the_starter_project_runs_at_once(cli: Cli) -> None:
    """init, validate, run: nothing to edit in between."""
    assert cli("init", "fresh", "--no-git").returncode == 0
    assert cli("init", "fresh").returncode == 1
    assert "no faults in 4 assets" in cli("validate", "fresh").stdout
    done = cli("run", "fresh", timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "7 of 7 checks passed" in done.stdout


def test_clean_removes_old_logs_only_when_it_may(cli: Cli, tmp_path: Path) -> None:
    run = cli("submit", "shop").stdout.strip()
    cli("follow", run)
    would = cli("clean", "--older-than", "0h", "--no-envs", "--dry-run").stdout
    assert "would free" in would
    assert cli("logs", run, "raw.one").stdout
    assert cli("clean", "--older-than", "0h", "--no-envs").returncode == 0
    assert cli("logs", run, "raw.one").stdout == ""
