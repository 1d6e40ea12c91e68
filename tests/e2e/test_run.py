"""What `fleet run` gives to screens, pipes and programs: streams, events, colours, exit codes."""

import json
import os
import pty
import re
import subprocess
from pathlib import Path

import pytest

from tests.support.cli import FLEET, Cli
from tests.support.project import Project

pytestmark = pytest.mark.e2e

_COLOR = re.compile(r"\x1b\[[0-9;]*m")
STATES = {"queued", "running", "succeeded", "failed", "upstream_failed", "skipped", "cancelled"}


@pytest.fixture(scope="module")
def mixed(shared: Cli, tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """The command beside a pipeline `mixed` that fails in part, and `good`, which does not."""
    folder = tmp_path_factory.mktemp("run")
    header = "columns:\n  - {name: id, type: integer, checks: [{name: positive}]}\n"
    project = Project(folder / "mixed")
    project.table("main.rows", "[{'id': 1}, {'id': 2}]", header=header)
    project.script("bad", "print('before the end')\nraise ValueError('no good')\n")
    project.script("after", header="depends: [bad]\n")
    good = Project(folder / "good")
    good.script("hello", "import sys\nprint('to stdout')\nprint('to stderr', file=sys.stderr)\n")
    return Cli(shared.home, folder)


def test_stdout_has_the_run_and_stderr_nothing(mixed: Cli) -> None:
    """Both streams of an asset belong to its log; stderr is for what the command has to say."""
    done = mixed("run", "good")
    assert done.returncode == 0
    assert "[hello] to stdout" in done.stdout
    assert "[hello] to stderr" in done.stdout
    assert done.stderr == ""


def test_json_on_stdout_parses_line_by_line(mixed: Cli) -> None:
    """Each asset starts, ends once, and the run's end counts them."""
    done = mixed("run", "mixed", "--json")
    assert done.returncode == 1
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert {event["v"] for event in events} == {1}
    assert len({event["run"] for event in events}) == 1
    assert [events[0]["event"], events[-1]["event"]] == ["run.started", "run.finished"]
    assert events[0]["levels"] == [["bad", "main.rows"], ["after"]]
    finished = [event for event in events if event["event"] == "asset.finished"]
    assert {event["asset"]: event["state"] for event in finished} == {
        "main.rows": "succeeded",
        "bad": "failed",
        "after": "upstream_failed",
    }
    assert len(finished) == 3
    rows = next(event for event in finished if event["asset"] == "main.rows")
    assert (rows["rows"], rows["checks"]) == (2, {"passed": 1, "failed": 0})
    assert "ValueError: no good" in next(e["error"] for e in finished if e["asset"] == "bad")
    assert {e["state"] for e in events if e["event"] == "asset.changed"} <= STATES
    assert {e["step"] for e in events if e["event"] == "asset.changed" and e["step"]} <= {
        "script",
        "materialize",
        "load",
        "checks",
    }
    assert events[-1]["assets"] == {"succeeded": 1, "failed": 1, "upstream_failed": 1}
    assert any(e["event"] == "asset.log" and e["line"] == "before the end" for e in events)


def test_json_of_every_table_is_one_document(mixed: Cli) -> None:
    mixed("run", "mixed")
    for args in (["runs"], ["status", "last"], ["workers"], ["plan", "mixed"]):
        document = json.loads(mixed(*args, "--json").stdout)
        assert document["v"] == 1, args


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["run", "good"], 0),
        (["run", "mixed"], 1),
        (["run", "nowhere"], 1),
        (["run", "good", "--no-such-flag"], 2),
        (["no-such-verb"], 2),
        (["--help"], 0),
    ],
)
def test_exit_codes(mixed: Cli, args: list[str], code: int) -> None:
    """130 after Ctrl-C is with the other cancellations in test_failures.py."""
    assert mixed(*args).returncode == code


def test_quiet_prints_failures_and_the_last_line_only(mixed: Cli) -> None:
    lines = mixed("run", "mixed", "--quiet").stdout.strip().splitlines()
    assert lines[0] == "failed"
    assert "ValueError: no good" in "\n".join(lines)
    assert re.match(r"run \w+ failed in", lines[-1])
    good = mixed("run", "good", "--quiet").stdout.strip().splitlines()
    assert len(good) == 1


def test_a_pipe_gets_no_colours_unless_it_wants_them(mixed: Cli) -> None:
    assert not _COLOR.search(mixed("run", "mixed").stdout)
    wanted = Cli(mixed.home, mixed.cwd, {"FORCE_COLOR": "1"})
    assert _COLOR.search(wanted("run", "mixed").stdout)


@pytest.mark.parametrize(("extra", "colored"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_a_terminal_gets_colours_unless_told_otherwise(
    mixed: Cli, extra: dict[str, str], colored: bool
) -> None:
    """And a region that moves, of which nothing is left at the end."""
    text = on_terminal(
        Cli(mixed.home, mixed.cwd, extra | {"TERM": "xterm-256color"}), "run", "mixed"
    )
    assert bool(re.search(r"\x1b\[[0-9;]*3[1-6]m", text)) is colored
    assert re.search("level [12] of 2", text)  # the line that moves
    shown = screen(text)
    assert not [line for line in shown if line.startswith("  level")]
    assert any(line.startswith("  ✓ main.rows") for line in shown)
    assert "fleet follow" in "\n".join(shown[:2])
    assert re.match(r"run \w+ failed in", shown[-1])


def on_terminal(cli: Cli, *args: str) -> str:
    """All that a command writes to a terminal of 100 columns."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [FLEET, *args],
        cwd=cli.cwd,
        env=cli.env() | {"COLUMNS": "100", "LINES": "30", "LANG": "C.UTF-8"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    data = b""
    try:
        while part := os.read(ours, 65536):
            data += part
    except OSError:
        pass  # Linux says so when the other side has closed it
    finally:
        os.close(ours)
        process.wait(timeout=60)
    return data.decode()


def screen(text: str) -> list[str]:
    """The lines that are left, of what was written and erased with the few codes that we use."""
    lines, row = [""], 0
    for part in re.split(r"(\x1b\[[0-9;?]*[A-Za-z]|\r\n|\r|\n)", text):
        code = re.fullmatch(r"\x1b\[([0-9;?]*)([A-Za-z])", part)
        if part in ("\r\n", "\n"):
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif code and code[2] == "A":
            row -= int(code[1] or 1)
        elif code and code[2] == "K":
            lines[row] = ""
        elif not code and part != "\r" and part:
            lines[row] += part
    return [line.rstrip() for line in lines if line.strip()]


def test_a_failure_is_annotated_for_github(mixed: Cli) -> None:
    done = Cli(mixed.home, mixed.cwd, {"GITHUB_ACTIONS": "true"})("run", "mixed")
    found = re.search(r"^::error file=(.*),line=(\d+)::(.*)$", done.stdout, re.M)
    assert found
    assert Path(found[1]).name == "bad.py"
    assert "bad failed in script: ValueError: no good" in found[3]
