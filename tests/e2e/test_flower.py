"""Flower beside `fleet up`: readable names, failures as FAILURE, a page that opens in a browser."""

import base64
import contextlib
import json
import os
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import psutil
import pytest

from dispatcher.flower import free_port
from tests.support.cli import Cli, until
from tests.support.project import Project

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def page(shared: Cli, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Where Flower is, after a run with a success and a failure."""
    project = Project(tmp_path_factory.mktemp("flower") / "watched")
    project.table("main.rows", "[{'id': 1}]", header=_check("positive"))
    project.table("main.bad", "[{'id': 1}]", header=_check("negative"))
    project.script("broken", "raise SystemExit(3)\n")
    facts = json.loads((shared.home / "run" / "up.json").read_text())
    found: Mapping[str, str] = facts["flower"]
    assert Cli(shared.home, project.folder.parent)("run", "watched").returncode == 1
    return found


def _check(name: str) -> str:
    return f"columns:\n  - {{name: id, type: integer, checks: [{{name: {name}}}]}}\n"


def _reachable(page: Mapping[str, str]) -> bool:
    try:
        api(page, "tasks")
    except (urllib.error.URLError, ConnectionError):
        return False
    return True


def api(
    page: Mapping[str, str], path: str, *, login: bool = True, data: bytes | None = None
) -> Any:
    """What Flower's API answers; with data it is asked to do something."""
    request = urllib.request.Request(f"{page['url']}/api/{path}", data=data)
    if login:
        words = base64.b64encode(f"{page['user']}:{page['password']}".encode()).decode()
        request.add_header("Authorization", f"Basic {words}")
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.loads(answer.read())


def ended(page: Mapping[str, str]) -> set[tuple[str, str]]:
    """Names and states of the pipeline's tasks; one that had to wait for a lock is there twice."""
    tasks = api(page, "tasks?limit=10000").values()
    return {(t["name"], t["state"]) for t in tasks if (t["name"] or "").startswith("watched/")}


def test_tasks_have_readable_names_and_true_states(page: Mapping[str, str]) -> None:
    """A failed asset is a FAILURE at the step that failed, and only there."""
    steps = ("materialize", "load", "checks")
    expected = {(f"watched/main.rows · {step}", "SUCCESS") for step in steps}
    failed = {("watched/main.bad · checks", "FAILURE"), ("watched/broken · script", "FAILURE")}
    until(lambda: expected | failed <= ended(page), 10)
    assert {task for task in ended(page) if task[1] == "FAILURE"} == failed


def test_shown_arguments_are_the_run_and_the_asset(page: Mapping[str, str]) -> None:
    tasks = api(page, "tasks?limit=10000").values()
    shown = [t for t in tasks if t["name"] == "watched/main.rows · load"]
    assert {t["args"].partition(", ")[2] for t in shown} == {"main.rows)"}
    assert {t["kwargs"] for t in shown} <= {"{}", "{'detached': True}"}


def test_nothing_is_shown_without_the_password(page: Mapping[str, str]) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        api(page, "tasks", login=False)
    assert refused.value.code == 401
    assert urlsplit(page["url"]).hostname == "127.0.0.1"


def test_nothing_can_be_changed_with_the_password(page: Mapping[str, str], shared: Cli) -> None:
    """Read-only: neither pools nor tasks; and what Flower itself might send, workers refuse."""
    before = shared("runs", "--json").stdout
    (worker,) = api(page, "workers?refresh=1")
    for path in (f"worker/shutdown/{worker}", f"worker/pool/shrink/{worker}?n=1"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            api(page, path, data=b"")
        assert refused.value.code == 403, path
    with contextlib.suppress(urllib.error.HTTPError):
        api(page, "task/send-task/fleet.advance", data=b'{"args": ["aaaaa"]}')
    assert list(api(page, "workers?refresh=1")) == [worker]
    assert shared("runs", "--json").stdout == before


def test_a_password_that_was_set_is_on_no_screen_and_in_no_command_line(shared: Cli) -> None:
    given = {"FLEET_FLOWER_AUTH": "watcher:watch-w0rd", "FLEET_BROKER": _broker(shared)}
    flower = Cli(shared.home, shared.cwd, given).start("flower", "--port", str(free_port()))
    try:
        assert flower.stdout is not None
        line = flower.stdout.readline()
        url = next(word for word in line.split() if word.startswith("http"))
        found = {"url": url, "user": "watcher", "password": "watch-w0rd"}
        until(lambda: _reachable(found))
        assert "watch-w0rd" not in line
        assert "watch-w0rd" not in " ".join(psutil.Process(flower.pid).cmdline())
    finally:
        flower.kill()
        flower.wait()


def _broker(cli: Cli) -> str:
    return str(json.loads((cli.home / "run" / "up.json").read_text())["broker"])


def test_the_page_opens_in_a_browser(page: Mapping[str, str], tmp_path: Path) -> None:
    """A real one: the table is filled by a script that the page runs."""
    browser = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    if browser is None:
        pytest.skip("no Chromium on this machine")
    parts = urlsplit(page["url"])
    login = f"{quote(page['user'])}:{quote(page['password'])}"
    picture = tmp_path / "tasks.png"
    shown = subprocess.run(
        [
            browser,
            "--headless",
            "--disable-gpu",
            *(["--no-sandbox"] if os.geteuid() == 0 else []),
            "--no-first-run",
            f"--user-data-dir={tmp_path / 'profile'}",
            "--window-size=1400,900",
            "--virtual-time-budget=8000",
            f"--screenshot={picture}",
            "--dump-dom",
            f"{parts.scheme}://{login}@{parts.netloc}/tasks",
        ],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr
    assert "watched/main.rows · load" in shown.stdout, shown.stdout[-3000:]
    assert "FAILURE" in shown.stdout
