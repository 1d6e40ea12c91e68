"""Assets that fail in every way, and what a person gets to read about each."""

import json
import re
import shlex
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from tests.support.cli import Cli, heard, rest, until
from tests.support.pauses import paused_worker
from tests.support.project import ESCAPED, Project, living_in

pytestmark = pytest.mark.e2e


@dataclass(frozen=True)
class Outcome:
    """A run that is over: what it printed and what `fleet status` knows."""

    cli: Cli
    project: Project
    done: "CompletedProcess[str]"
    status: Mapping[str, Any]

    def asset(self, name: str) -> Mapping[str, Any]:
        """One asset as `fleet status --json` shows it."""
        return next(a for a in self.status["assets"] if a["asset"] == name)

    def report(self, name: str) -> str:
        """The paragraph about one failed asset at the end of the output."""
        end = self.done.stdout.partition("\nfailed\n")[2]
        found = re.search(rf"^  \S {re.escape(name)} · .*?(?=^  \S|^run |\Z)", end, re.S | re.M)
        assert found, end
        return found[0]


def outcome(cli: Cli, project: Project, *flags: str) -> Outcome:
    """Run the project to its end."""
    done = cli("run", "shop", *flags)
    return Outcome(cli, project, done, cli.status())


@pytest.fixture(scope="module")
def scripts(shared: Cli, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """One run with scripts that end badly, each in its own way."""
    folder = tmp_path_factory.mktemp("scripts")
    project = Project(folder / "shop")
    project.script("raises", "import helper\nprint('so far so good')\nhelper.ratio(3, 0)\n")
    (project.folder / "helper.py").write_text("def ratio(a, b):\n    return a / b\n")
    project.script("child", header="depends: [raises]\n")
    project.script("grandchild", header="depends: [child, fine]\n")
    project.script("fine", "print('fine')\n")
    project.script("after_fine", "print('goes on')\n", header="depends: [fine]\n")
    project.script("exits_3", "import sys\nsys.exit(3)\n")
    project.script("exits_with_words", "import sys\nsys.exit('no such customer')\n")
    project.script("exits_0", "import sys\nsys.exit(0)\n")
    project.script("syntax", "def broken(:\n    pass\n")
    project.script("killed", "import os\nos.kill(os.getpid(), 9)\n")
    project.script("missing", requirements="surely-no-such-package-77==1.0\n")
    return outcome(Cli(shared.home, folder), project)


def test_the_run_fails_and_everything_else_goes_on(scripts: Outcome) -> None:
    """Only what depends on the failed asset is left out."""
    assert scripts.done.returncode == 1
    assert {a["asset"]: a["state"] for a in scripts.status["assets"]} == {
        "raises": "failed",
        "child": "upstream_failed",
        "grandchild": "upstream_failed",
        "fine": "succeeded",
        "after_fine": "succeeded",
        "exits_3": "failed",
        "exits_with_words": "failed",
        "exits_0": "succeeded",
        "syntax": "failed",
        "killed": "failed",
        "missing": "failed",
    }
    assert scripts.done.stdout.splitlines()[-1].endswith(
        "3 succeeded · 6 failed · 2 upstream_failed"
    )


def test_descendants_name_the_asset_at_fault(scripts: Outcome) -> None:
    """Also those further down: the reason is not merely the neighbour."""
    for name in ("child", "grandchild"):
        assert re.search(rf"{name} +upstream_failed by raises$", scripts.done.stdout, re.M)


def test_the_users_own_frames_are_shown(scripts: Outcome) -> None:
    report = scripts.report("raises")
    assert "assets/raises.py:7" in report
    assert "helper.ratio(3, 0)" in report
    assert "helper.py:2 in ratio" in report
    assert "return a / b" in report
    assert "ZeroDivisionError: division by zero" in report
    assert "site-packages" not in report
    assert "workers/" not in report


def test_the_printed_log_command_works(scripts: Outcome) -> None:
    """It is pasted as it stands."""
    command = re.search(r"log +fleet (logs .*)$", scripts.report("raises"), re.M)
    assert command
    log = scripts.cli(*shlex.split(command[1]))
    assert log.returncode == 0
    assert "so far so good" in log.stdout
    assert "ZeroDivisionError" in log.stdout


def test_the_printed_again_command_runs_what_failed_and_what_waited(scripts: Outcome) -> None:
    command = re.search(r"^again +fleet (retry \w+) ", scripts.done.stdout, re.M)
    assert command
    assert "runs what failed and the 2 assets that wait for it" in scripts.done.stdout
    (scripts.project.folder / "helper.py").write_text("def ratio(a, b):\n    return 0\n")
    again = scripts.cli(*shlex.split(command[1]))
    assert again.stdout.splitlines()[-1].endswith("3 succeeded · 5 failed")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("exits_3", "exit code 3"),
        ("exits_with_words", "no such customer"),
        ("syntax", "SyntaxError"),
        ("syntax", "assets/syntax.py:5"),
        ("killed", "SIGKILL"),
        ("missing", "surely-no-such-package-77"),
        ("missing", "not found in the package registry"),  # uv's own words
    ],
)
def test_each_way_to_fail_has_its_words(scripts: Outcome, name: str, words: str) -> None:
    assert words in scripts.report(name), scripts.report(name)


def test_failed_checks_count_as_failures_but_only_blocking_ones_block(
    shared: Cli, tmp_path: Path
) -> None:
    """Observed value, expected value and the failing query are told; loaded rows stay."""
    project = Project(tmp_path / "shop")
    project.table(
        "main.strict",
        "[{'id': 1}, {'id': 1}]",
        header="columns:\n  - {name: id, type: integer, checks: [{name: unique}]}\n",
    )
    lenient = "[{name: positive, blocking: false}, {name: not_null}]"
    project.table(
        "main.lenient",
        "[{'id': -1}, {'id': 5}]",
        header=f"columns:\n  - {{name: id, type: integer, checks: {lenient}}}\n",
    )
    project.script("after_strict", header="depends: [main.strict]\n")
    project.script("after_lenient", header="depends: [main.lenient]\n")
    found = outcome(Cli(shared.home, tmp_path), project)
    assert found.done.returncode == 1
    assert {a["asset"]: a["state"] for a in found.status["assets"]} == {
        "main.strict": "failed",
        "main.lenient": "failed",
        "after_strict": "upstream_failed",
        "after_lenient": "succeeded",
    }
    assert "main.strict:id:unique" in found.report("main.strict")
    assert "observed 1, expected 0" in found.report("main.strict")
    assert re.search(r"(?i)select .*main.*strict", found.report("main.strict"))
    assert "main.lenient:id:positive (not blocking)" in found.report("main.lenient")
    assert re.search(r"! main.lenient .*1 of 2 checks passed, 1 failed", found.done.stdout)
    assert found.done.stdout.splitlines()[-1].endswith("1 of 3 checks passed")
    assert project.rows("select count(*) from main.strict") == [(2,)]


def test_what_materialize_may_return_is_said(shared: Cli, tmp_path: Path) -> None:
    """What was returned, and what is accepted."""
    project = Project(tmp_path / "shop")
    project.table("main.odd", "{'id': 1}")
    found = outcome(Cli(shared.home, tmp_path), project)
    assert "dict" in found.report("main.odd")
    assert "list of dicts" in found.report("main.odd")


linux = pytest.mark.skipif(
    sys.platform != "linux", reason="only a subreaper finds processes that left their session"
)


@linux
def test_a_timeout_kills_the_whole_tree(up: Cli, project: Project) -> None:
    """Also a grandchild that left its session and ignores SIGTERM."""
    project.script("slow", ESCAPED)
    for seconds in (4, 20, 100):  # a busy machine needs more for the tree to grow
        done = up("run", "shop", "--timeout", str(seconds))
        assert done.returncode == 1, done.stdout
        assert f"took longer than {seconds} s" in done.stdout
        until(lambda: not living_in(project.folder))
        if "all started" in done.stdout:
            break
    assert "all started" in done.stdout


@linux
def test_cancel_from_another_shell_kills_the_whole_tree(up: Cli, project: Project) -> None:
    project.script("slow", ESCAPED)
    project.script("never", header="depends: [slow]\n")
    run = up.start("run", "shop")
    until(lambda: len(living_in(project.folder)) >= 3)
    name = json.loads(up("runs", "--json").stdout)["runs"][0]["id"]
    assert up("cancel", name).returncode == 0
    text, _ = run.communicate(timeout=120)
    assert run.returncode == 1
    assert f"run {name} cancelled" in text
    assert {a["state"] for a in up.status(name)["assets"]} == {"cancelled"}
    until(lambda: not living_in(project.folder))


@linux
def test_ctrl_c_once_cancels_and_leaves_no_process(up: Cli, project: Project) -> None:
    project.script("slow", ESCAPED)
    run = up.start("run", "shop")
    until(lambda: len(living_in(project.folder)) >= 3)
    run.send_signal(signal.SIGINT)
    text, _ = run.communicate(timeout=120)
    assert run.returncode == 130, text
    assert "cancelling run" in text
    assert up.status()["state"] == "cancelled"
    until(lambda: not living_in(project.folder))


def test_ctrl_c_twice_leaves_the_run_to_the_fleet(up: Cli, project: Project) -> None:
    """And says how to come back."""
    deaf = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    project.script("slow", deaf + "print('on', flush=True)\ntime.sleep(600)\n")
    run = up.start("run", "shop")
    heard(run, "[slow] on")
    with paused_worker(up):  # or the run might be over before the second one
        run.send_signal(signal.SIGINT)
        heard(run, "cancelling")
        run.send_signal(signal.SIGINT)
        text = rest(run)
    assert run.returncode == 130, text
    assert "come back with: fleet follow" in text
    until(lambda: not living_in(project.folder))
    until(lambda: up.status()["state"] == "cancelled")
