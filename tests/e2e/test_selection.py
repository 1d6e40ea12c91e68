"""Choosing what runs, as a user does it on the command line."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.cli import Cli
from tests.support.project import Project

pytestmark = pytest.mark.e2e


@pytest.fixture
def chain(project: Project) -> Project:
    """a, then b, then c; d stands alone."""
    project.script("raw.a", header="tags: [raw]\n")
    project.script("mart.b", header="depends: [raw.a]\ntags: [mart]\n")
    project.script("mart.c", header="depends: [mart.b]\ntags: [mart]\n")
    project.script("ops.d")
    return project


def _planned(up: Cli, *arguments: str) -> list[str]:
    """The assets of the plan, in order."""
    done = up("plan", "--json", *arguments)
    assert done.returncode == 0, done.stderr
    levels = json.loads(done.stdout)["levels"]
    return [spec["name"] for level in levels for spec in level]


def test_a_selector_runs_what_dbt_would_run(up: Cli, chain: Project) -> None:
    """Names, neighbours, methods, unions and intersections."""
    assert _planned(up, "shop", "--selector", "mart.b+ ops.*") == ["mart.b", "ops.d", "mart.c"]
    assert _planned(up, "shop", "--selector", "tag:mart,+mart.b") == ["mart.b"]
    done = up("run", "shop", "--selector", "2+mart.c,path:assets/raw.a.py ops.dd")
    assert done.returncode == 0, done.stderr
    assert "note: nothing fits 'ops.dd' of the selector" in done.stderr
    assert "1 succeeded" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--selector", "nothing.here"], "matches no asset"),
        (["--selector", "raw.a", "--tag", "mart"], "cannot be used together with --tag"),
        (["--selector", "raw.a", "mart.b"], "cannot be used together with named assets"),
        (["--exclude-tag", "mart", "raw.a"], "needs --downstream"),
        (["--downstream"], "needs an asset"),
        (["--sensor-mode", "never"], "skip, once and wait"),
        (["--query-annotations", "x"], "a JSON object"),
        (["mart.bb"], "did you mean 'mart.b'?"),
    ],
)
def test_what_makes_no_sense_is_refused(
    up: Cli, chain: Project, arguments: list[str], words: str
) -> None:
    """Nothing runs, the exit code is 1, and the message says what to do."""
    done = up("run", "shop", *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert words in done.stderr


def test_modified_runs_what_git_says_changed(up: Cli, chain: Project) -> None:
    """Committed on a branch or not committed at all."""
    shutil.rmtree(chain.folder / ".git")

    def git(*arguments: str) -> None:
        who = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *who, *arguments], cwd=chain.folder, check=True, capture_output=True)

    git("init", "-b", "main")
    git("add", ".")
    git("commit", "-m", "all")
    done = up("run", "shop", "--modified")
    assert (done.returncode, done.stderr) == (0, "nothing to run: not modified\n")
    git("checkout", "-b", "work")
    _change(chain.folder / "assets" / "ops.d.py")
    git("commit", "-am", "one")
    _change(chain.folder / "assets" / "mart.b.py")
    assert _planned(up, "shop", "--modified") == ["mart.b", "ops.d"]
    assert _planned(up, "shop", "--modified", "--downstream", "-x", "raw") == [
        "mart.b",
        "ops.d",
        "mart.c",
    ]


def _change(file: Path) -> None:
    file.write_text(file.read_text() + "\n# changed\n")


def test_a_single_check_says_by_its_exit_code_what_is_wrong(up: Cli, project: Project) -> None:
    """0: it holds; 1: it does not; 2: it could not be asked, or there is no such check."""
    header = "columns:\n  - {name: id, type: integer, checks: [{name: positive}, {name: unique}]}\n"
    project.table("main.rows", "[{'id': -1}, {'id': 2}]", header=header)
    check = ("--single-check", "main.rows:id:positive")
    assert up("run", "shop", *check).returncode == 2
    assert up("run", "shop", "--only", "main").returncode == 0
    assert up("run", "shop", *check).returncode == 1
    assert up("run", "shop", "--single-check", "main.rows:id:unique").returncode == 0
    assert up.status()["checks"] == {"main.rows:id:unique": "succeeded"}
    assert [asset["main"] for asset in up.status()["assets"]] == ["skipped"]
    done = up("run", "shop", "--single-check", "main.rows:id:uniq")
    assert done.returncode == 2
    assert "did you mean 'main.rows:id:unique'?" in done.stderr


def test_a_lone_script_is_a_pipeline_of_its_own(up: Cli, tmp_path: Path) -> None:
    """With its own packages' file, without any header."""
    (tmp_path / "alone").mkdir()
    script = tmp_path / "alone" / "hello.py"
    script.write_text("import os\nprint('in', os.environ['BRUIN_PIPELINE'])\n")
    done = up("run", "alone/hello.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "[hello] in standalone-python-hello" in done.stdout


def test_pushing_metadata_alone_is_nothing_to_do(up: Cli, chain: Project) -> None:
    """It does not run everything instead."""
    done = up("run", "shop", "--only", "push-metadata")
    assert (done.returncode, done.stdout) == (0, "")
    assert "fleet sends no metadata" in done.stderr


def test_a_backfill_names_its_runs(up: Cli, project: Project) -> None:
    """BRUIN_RUN_ID is the backfill's id and the start of the interval."""
    project.script("show", "import os\nprint(os.environ['BRUIN_RUN_ID'])\n")
    dates = ("--start-date", "2024-02-01", "--end-date", "2024-02-02")
    done = up("run", "shop", "--backfill-id", "feb", "--backfill-total", "28", *dates)
    assert "[show] feb__2024_02_01_00_00_00" in done.stdout
