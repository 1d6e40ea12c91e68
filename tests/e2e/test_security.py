"""No secret leaves the worker that needs it: searched everywhere, after finding a planted one."""

import base64
import json
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis

from tests.support.cli import Cli
from tests.support.leaks import command_lines, holds, in_broker, in_files
from tests.support.postgres import PostgresServer
from tests.support.project import Project

pytestmark = pytest.mark.e2e

SECRET = "tr0ub4dor/%&\"'zwölf"  # as awkward as real ones
CONFIG = f"""\
environments:
  default:
    connections:
      duckdb: [{{name: db, path: out.duckdb}}]
      generic: [{{name: api_key, value: {json.dumps(SECRET)}}}]
"""
LEAKY = """\
import os, sys
secret = os.environ["KEY"]
print("the key is", secret)
print("and again", secret, file=sys.stderr)
sys.stdout.write("in two " + secret[:5]); sys.stdout.flush()
sys.stdout.write(secret[5:] + " writes\\n"); sys.stdout.flush()
"""
BIG = """\
def materialize():
    for n in range(40):
        yield [{"id": n * 5000 + i, "text": f"row {i}"} for i in range(5000)]
"""


@dataclass(frozen=True)
class Traces:
    """What a run with a secret left behind."""

    cli: Cli
    run: str
    output: str


@pytest.fixture(scope="module")
def traces(shared: Cli, tmp_path_factory: pytest.TempPathFactory) -> Traces:
    """A run that uses, prints and raises the secret."""
    folder = tmp_path_factory.mktemp("leaky")
    project = Project(folder / "shop", config=CONFIG)
    header = "secrets: [{key: api_key, inject_as: KEY}]\n"
    project.script("prints", LEAKY, header=header)
    project.script("raises", 'import os\nraise ValueError(os.environ["KEY"])\n', header=header)
    keyed = header + "connection: db\nmaterialization: {type: table}\n"
    code = "import os\ndef materialize():\n    return [{'size': len(os.environ['KEY'])}]\n"
    project.script("main.keyed", code, header=keyed)
    cli = Cli(shared.home, folder)
    done = cli("run", "shop")
    assert project.rows("select size from main.keyed") == [(len(SECRET),)]  # it really was used
    run = json.loads(cli("runs", "--json").stdout)["runs"][0]["id"]
    logs = cli("logs", run).stdout + cli("status", run, "--json").stdout + cli("status", run).stdout
    return Traces(cli, run, done.stdout + done.stderr + logs)


def fleet_facts(cli: Cli) -> dict[str, object]:
    """What `fleet up` wrote down."""
    found: dict[str, object] = json.loads((cli.home / "run" / "up.json").read_text())
    return found


def needles() -> Iterator[bytes]:
    """The secret, and a piece of it: half a secret is a leak too."""
    yield SECRET.encode()
    yield SECRET[:12].encode()


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        json.dumps(SECRET),
        base64.b64encode(SECRET.encode()).decode(),
        json.dumps({"body": base64.b64encode(json.dumps([SECRET]).encode()).decode()}),
    ],
)
def test_the_search_finds_a_planted_secret(tmp_path: Path, form: str) -> None:
    (tmp_path / "planted").write_text(f"some text before {form} and after")
    assert in_files(tmp_path, SECRET.encode()) == ["planted"]
    assert not holds(b"nothing to see", SECRET.encode())


def test_the_printed_secret_is_masked_on_the_screen_and_in_the_log(traces: Traces) -> None:
    for needle in needles():
        assert needle.decode() not in traces.output
    for line in ("the key is X", "and again X", "in two X writes", "ValueError: X"):
        assert line.replace("X", "********") in traces.output


def test_the_broker_holds_no_secret(traces: Traces) -> None:
    url = str(fleet_facts(traces.cli)["broker"])
    client = redis.Redis.from_url(url)
    client.set("planted", base64.b64encode(SECRET.encode()))
    assert in_broker(url, SECRET.encode()) == ["planted"]
    client.delete("planted")
    assert [key for needle in needles() for key in in_broker(url, needle)] == []
    assert client.dbsize() > 0


def test_neither_catalog_nor_storage_nor_logs_hold_it(traces: Traces) -> None:
    """The whole home of the fleet, with logs of its own processes; packages left out."""
    home = traces.cli.home
    planted = home / "storage" / "planted"
    planted.write_text(json.dumps({"x": SECRET}))
    packages = ("envs", "uv-cache")
    assert in_files(home, SECRET.encode(), packages) == ["storage/planted"]
    planted.unlink()
    assert [f for needle in needles() for f in in_files(home, needle, packages)] == []
    assert any(home.glob("catalog.db*"))
    assert any((home / "storage").rglob("*.log"))


def test_flower_shows_no_secret(traces: Traces) -> None:
    page = fleet_facts(traces.cli)["flower"]
    assert isinstance(page, dict)
    login = base64.b64encode(f"{page['user']}:{page['password']}".encode()).decode()
    request = urllib.request.Request(f"{page['url']}/api/tasks?limit=10000")
    request.add_header("Authorization", f"Basic {login}")
    with urllib.request.urlopen(request, timeout=20) as answer:
        tasks = answer.read()
    assert b"shop/prints" in tasks.decode("unicode_escape", "replace").encode()
    assert not [needle for needle in needles() if holds(tasks, needle)]


@pytest.mark.postgres
def test_no_command_line_shows_a_secret_during_loads(
    up: Cli, postgres_server: PostgresServer
) -> None:
    """Read again and again while ingestr loads: neither URIs nor the broker's password is there."""
    database = postgres_server.create_database()
    fields = f"host: 127.0.0.1, port: {postgres_server.port}, username: {postgres_server.user}"
    postgres = f"{{name: pg, {fields}, password: {postgres_server.password}, database: {database}"
    project = Project(up.cwd / "shop", config=CONFIG + f"      postgres: [{postgres}}}]\n")
    header = "secrets: [{key: api_key, inject_as: KEY}]\nmaterialization: {type: table}\n"
    for connection in ("db", "pg"):
        project.script(f"main.big_{connection}", BIG, header=f"connection: {connection}\n" + header)
    broker = redis.Redis.from_url(str(fleet_facts(up)["broker"]))
    password = str(broker.connection_pool.connection_kwargs["password"])
    with Watch([SECRET, postgres_server.password, password]) as watch:
        done = up("run", "shop", timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    assert watch.found == set()
    assert watch.seen("ingestr"), "the loads were over before anybody looked"
    assert watch.seen("launch.py"), "no asset was seen"
    with Watch(["planted-in-argv"]) as control:
        up("run", "planted-in-argv")
    assert control.found, "the watch is blind"


class Watch:
    """Reads all command lines again and again in a thread."""

    def __init__(self, secrets: list[str]) -> None:
        self.found: set[str] = set()
        self._secrets = secrets
        self._lines: set[str] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def seen(self, word: str) -> bool:
        """Whether a command line with this word was among them."""
        return any(word in line for line in self._lines)

    def _watch(self) -> None:
        while not self._over.is_set():
            lines = set(command_lines().values()) - self._lines
            self._lines |= lines
            self.found |= {line for line in lines if any(s in line for s in self._secrets)}
            time.sleep(0.02)


def test_asset_processes_do_not_get_the_fleets_addresses(up: Cli, project: Project) -> None:
    """An allow-list: neither FLEET_*, nor whatever else this shell holds."""
    project.script("shows", "import os\nfor name in sorted(os.environ):\n    print('ENV', name)\n")
    other = Cli(up.home, up.cwd, {"FLEET_SECRET_PLAN": "x", "AWS_SECRET_ACCESS_KEY": "y"})
    names = {
        line.split()[-1] for line in other("run", "shop").stdout.splitlines() if "ENV " in line
    }
    assert "PATH" in names
    assert "BRUIN_ASSET" in names
    assert not [n for n in names if n.startswith(("FLEET_", "CELERY", "INGESTR", "AWS_SECRET"))]


def test_files_with_secrets_are_for_this_user_only(shared: Cli) -> None:
    for path in (shared.home / "run").rglob("*.json"):
        assert path.stat().st_mode & 0o077 == 0, path
