"""Flower beside `fleet up`: readable names, failures as FAILURE, a page that opens in a browser."""

import base64
import contextlib
import json
import os
import shutil
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import psutil
import pytest

from dispatcher import fleets, flower, local
from dispatcher.problems import FleetError
from tests.support.cli import Cli, heard, until
from tests.support.ports import free_port
from tests.support.project import Project
from workers.settings import Settings

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
    until(lambda: any(api(found, "workers?status=1").values()))  # it hears what they say
    assert Cli(shared.home, project.folder.parent)("run", "watched").returncode == 1
    until(lambda: ended(found) >= ENDS)
    return found


FAILED = {("watched/main.bad · checks", "FAILURE"), ("watched/broken · script", "FAILURE")}
ENDS = FAILED | {
    (f"watched/main.rows · {step}", "SUCCESS") for step in ("materialize", "load", "checks")
}


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
    with urllib.request.urlopen(request, timeout=120) as answer:
        return json.loads(answer.read())


def ended(page: Mapping[str, str]) -> set[tuple[str, str]]:
    """Names and states of the pipeline's tasks; one that had to wait for a lock is there twice."""
    tasks = api(page, "tasks?limit=10000").values()
    return {(t["name"], t["state"]) for t in tasks if (t["name"] or "").startswith("watched/")}


def test_tasks_have_readable_names_and_true_states(page: Mapping[str, str]) -> None:
    """A failed asset is a FAILURE at the step that failed, and only there."""
    shown = ended(page)
    assert shown >= ENDS
    assert {task for task in shown if task[1] == "FAILURE"} == FAILED


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
    # a worker that says nothing for a second is not shown
    (worker,) = until(lambda: list(api(page, "workers?refresh=1")))
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
        line = heard(flower, "http")
        url = next(word for word in line.split() if word.startswith("http"))
        found = {"url": url, "user": "watcher", "password": "watch-w0rd"}
        until(lambda: _reachable(found))
        assert "watch-w0rd" not in line
        assert "watch-w0rd" not in " ".join(psutil.Process(flower.pid).cmdline())
    finally:
        flower.kill()
        flower.wait()


def test_the_page_of_another_fleet_is_not_taken_for_our_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It answers at the address that ours should have, but not to our password."""
    settings = Settings.load({"FLEET_CONFIG": ""}, {"home": tmp_path / "home", "slots": 1})
    engine = fleets.catalog(settings)
    with other_flower() as port:
        monkeypatch.setattr(flower, "free_port", lambda: port)
        found = local.start(settings, with_flower=True)
        try:
            with pytest.raises(FleetError, match="flower ended while it started"):
                local.wait(settings, found, engine)
        finally:
            local.end(settings, found, grace=0)
            engine.dispose()


@contextmanager
def other_flower() -> Iterator[int]:
    """What stands for another fleet's: it is well, and knows nobody who is ours. Its port."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/healthcheck" else 401)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """A test's output is its own."""

    server = HTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


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
    url = f"{parts.scheme}://{login}@{parts.netloc}/tasks"
    shown = until(lambda: _opened(browser, url, tmp_path))
    assert "watched/main.rows · load" in shown, shown[-3000:]
    assert "FAILURE" in shown


def _opened(browser: str, url: str, folder: Path) -> str:
    """The page as it is after a while; empty if its table was not yet filled by then."""
    shown = subprocess.run(
        [
            browser,
            "--headless",
            "--disable-gpu",
            *(["--no-sandbox"] if os.geteuid() == 0 else []),
            "--no-first-run",
            f"--user-data-dir={folder / 'profile'}",
            "--window-size=1400,900",
            "--virtual-time-budget=8000",
            f"--screenshot={folder / 'tasks.png'}",
            "--dump-dom",
            url,
        ],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr
    return shown.stdout if "watched/" in shown.stdout else ""
