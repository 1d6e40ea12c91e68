"""No secret leaves the worker that needs it: searched everywhere, after finding a planted one."""

import base64
import gzip
import json
import sqlite3
import threading
import time
import urllib.request
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pyarrow
import pytest
import redis

from tests.support.cli import Cli, until
from tests.support.leaks import command_lines, holds, in_broker, in_catalog, in_files
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
ENVIRON = "open('environ.bin', 'wb').write(open('/proc/self/environ', 'rb').read())\n"
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
    environ: bytes  # of an asset's process


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
    project.script("environ", ENVIRON, header=header)
    cli = Cli(shared.home, folder)
    done = cli("run", "shop")
    assert project.rows("select size from main.keyed") == [(len(SECRET),)]  # it really was used
    run = json.loads(cli("runs", "--json").stdout)["runs"][0]["id"]
    logs = cli("logs", run).stdout + cli("status", run, "--json").stdout + cli("status", run).stdout
    environ = (project.folder / "environ.bin").read_bytes()
    return Traces(cli, run, done.stdout + done.stderr + logs, environ)


def fleet_facts(cli: Cli) -> dict[str, object]:
    """What `fleet up` wrote down."""
    found: dict[str, object] = json.loads((cli.home / "run" / "up.json").read_text())
    return found


def needles() -> Iterator[bytes]:
    """The secret, and a piece of it: half a secret is a leak too."""
    yield SECRET.encode()
    yield SECRET[:12].encode()


PLAIN = SECRET.encode()


@pytest.mark.parametrize(
    "form",
    [
        PLAIN,
        json.dumps(SECRET).encode(),
        base64.b64encode(PLAIN),
        json.dumps({"body": base64.b64encode(json.dumps([SECRET]).encode()).decode()}).encode(),
        quote(SECRET).encode(),
        PLAIN.hex().encode(),
        gzip.compress(PLAIN, mtime=0),
        zlib.compress(PLAIN),
        pyarrow.compress(PLAIN, "zstd", asbytes=True),
        base64.b64encode(gzip.compress(json.dumps(SECRET).encode(), mtime=0)),
    ],
)
def test_the_search_finds_a_planted_secret(tmp_path: Path, form: bytes) -> None:
    (tmp_path / "planted").write_bytes(b"some text before " + form + b" and after")
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


def test_no_column_of_the_catalog_holds_it(traces: Traces) -> None:
    """Row by row, as a dump would show them."""
    file = traces.cli.home / "catalog.db"
    with sqlite3.connect(file, timeout=120) as connection:
        text = base64.b64encode(PLAIN).decode()
        connection.execute("INSERT INTO facts VALUES ('planted', ?, 0)", [text])
    assert in_catalog(f"sqlite:///{file}", PLAIN) == ["facts.value"]
    with sqlite3.connect(file, timeout=120) as connection:
        connection.execute("DELETE FROM facts WHERE key = 'planted'")
    assert [c for needle in needles() for c in in_catalog(f"sqlite:///{file}", needle)] == []


def test_flower_shows_no_secret(traces: Traces) -> None:
    """Neither of the run nor of the fleet: what tasks said, and what workers say of themselves."""
    until(lambda: "shop/prints" in str(json.loads(flower(traces.cli, TASKS))))  # it hears it later
    # it asks the workers themselves, and takes their silence of a second for an answer
    workers: bytes = until(lambda: _of_brokers(flower(traces.cli, WORKERS)))
    tasks = flower(traces.cli, TASKS)
    for needle in (*needles(), *own_secrets(traces.cli).values()):
        assert not holds(tasks, needle)
        assert not holds(workers, needle)


def _of_brokers(answer: bytes) -> bytes:
    return answer if b"broker" in answer else b""


TASKS, WORKERS = "tasks?limit=10000", "workers?refresh=1"


def flower(cli: Cli, path: str) -> bytes:
    """What Flower's API answers."""
    page = fleet_facts(cli)["flower"]
    assert isinstance(page, dict)
    login = base64.b64encode(f"{page['user']}:{page['password']}".encode()).decode()
    request = urllib.request.Request(f"{page['url']}/api/{path}")
    request.add_header("Authorization", f"Basic {login}")
    with urllib.request.urlopen(request, timeout=120) as answer:
        found: bytes = answer.read()
    return found


def own_secrets(cli: Cli) -> dict[str, bytes]:
    """The fleet's own: the broker's password, and the key that signs messages."""
    broker = redis.Redis.from_url(str(fleet_facts(cli)["broker"]))
    with sqlite3.connect(cli.home / "catalog.db", timeout=120) as connection:
        (key,) = connection.execute("SELECT value FROM facts WHERE key = 'message_key'").fetchone()
    password = str(broker.connection_pool.connection_kwargs["password"])
    return {"message key": key.encode(), "broker's password": password.encode()}


def test_the_fleets_own_secrets_are_where_they_must_be_only(traces: Traces) -> None:
    """The key in the catalog, the password in the files of `fleet up`; both are this user's."""
    home, kept = traces.cli.home, {"message key": "facts.value"}
    catalog = f"sqlite:///{home / 'catalog.db'}"
    for name, secret in own_secrets(traces.cli).items():
        assert in_broker(str(fleet_facts(traces.cli)["broker"]), secret) == [], name
        assert in_catalog(catalog, secret) == ([kept[name]] if name in kept else []), name
        where = in_files(home, secret, ("envs", "uv-cache"))
        held = ("catalog.db", "run/") if name in kept else ("run/",)
        assert [path for path in where if not path.startswith(held)] == [], name
        assert not holds(traces.environ, secret), name
        assert secret.decode() not in traces.output, name
    assert (home / "catalog.db").stat().st_mode & 0o077 == 0


def test_an_assets_environment_holds_what_it_declared_and_no_more(traces: Traces) -> None:
    """The whole block of the process, as another process of this user could read it."""
    assert holds(traces.environ, PLAIN), "the search does not see the declared secret"
    names = {entry.partition(b"=")[0] for entry in traces.environ.split(b"\0") if entry}
    assert not [n for n in names if n.startswith((b"FLEET_", b"CELERY", b"INGESTR", b"FLOWER"))]
    assert not holds(traces.environ, b"redis://")


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
        for _ in range(5):  # the loads of one run may be over before anybody has looked
            done = up("run", "shop")
            assert done.returncode == 0, done.stdout + done.stderr
            if watch.seen("ingestr") and watch.seen("launch.py"):
                break
    assert watch.found == set()
    assert watch.seen("ingestr"), "no load was seen"
    assert watch.seen("launch.py"), "no asset was seen"
    with Watch(["planted-in-argv"]) as control:
        until(lambda: up("run", "planted-in-argv") and control.found)  # else the watch is blind


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
