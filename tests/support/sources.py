"""Seed and ingest steps on real parts: files, ingestr, databases. For their tests."""

import functools
import http.server
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from assets_parser.model import Materialization
from assets_parser.spec import AssetSpec
from tests.support.tables import OPTIONS, Target
from workers import connections, ingest_step, seed_step
from workers.connections import Connection
from workers.engines import opened

FILES = {"duckdb": "{{name: {name}, path: data/{name}.duckdb}}"}
FILES |= {"sqlite": "{{name: {name}, path: data/{name}.db}}"}
ITEMS = "CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT, day TIMESTAMP)"
ROWS = "INSERT INTO items VALUES (1, 'a', '2024-01-01 10:00:00'), (2, NULL, '2024-01-02 11:00:00')"


def seed(target: Target, name: str = "shop.people", **given: Any) -> Mapping[str, Any]:
    """Load a seed of the target's project; `path` and other parameters by keyword."""
    fields = {key: given.pop(key) for key in ("columns", "full_refresh") if key in given}
    spec = AssetSpec(
        pipeline="shop",
        name=name,
        type=f"{target.kind}.seed",
        path="assets/people.asset.yml",
        steps=("seed",),
        connection="db",
        parameters=given,
        **fields,
    )
    return seed_step.run(target.context(spec, "seed", {})).result


def write(target: Target, text: str | bytes, name: str = "people.csv") -> None:
    """A file beside the seed's definition."""
    path = target.folder / "assets" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


@dataclass
class Pair(Target):
    """A project with two connections: `src` to read from, `db` to write to."""

    source_kind: str = ""
    source_config: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        parts: dict[str, list[str]] = {self.kind: [self.config]}
        parts.setdefault(self.source_kind, []).append(self.source_config)
        text = ", ".join(f"{kind}: [{', '.join(found)}]" for kind, found in parts.items())
        config = f"environments: {{default: {{connections: {{{text}}}}}}}\n"
        (self.folder / ".bruin.yml").write_text(config, "utf-8")

    @property
    def source(self) -> Connection:
        """The connection `src`."""
        file = self.folder / ".bruin.yml"
        return connections.load(file, "", {}, root=self.folder).get("src")

    def prepare(self, *statements: str) -> None:
        """Change the source."""
        if self.source.file:
            self.source.file.parent.mkdir(parents=True, exist_ok=True)
        with opened(self.source, write=True) as database:
            for statement in statements:
                database.execute(statement)

    def ingest(
        self, table: str = "items", strategy: str = "", *, name: str = "shop.copy", **given: Any
    ) -> Mapping[str, Any]:
        """Copy a table of the source; the step's result."""
        parameters = {"source_connection": "src", "source_table": table}
        made = Materialization(
            type="table", strategy=strategy, incremental_key=given.pop("key", "")
        )
        spec = AssetSpec(
            pipeline="shop",
            name=name,
            type="ingestr",
            path="assets/copy.asset.yml",
            steps=("ingest",),
            connection="db",
            materialization=made,
            parameters=parameters | given.pop("parameters", {}),
            interval_start=given.pop("start", OPTIONS.start),
            interval_end=given.pop("end", OPTIONS.end),
            **given,
        )
        return ingest_step.run(self.context(spec, "ingest", {})).result

    def copied(self, columns: str = "*") -> list[Sequence[Any]]:
        """The rows of the copy."""
        return self.rows(columns, "shop.copy")


def pair(target: Target, source: Target) -> Pair:
    """Both as one project in the target's folder."""
    return Pair(
        folder=target.folder,
        kind=target.kind,
        config=target.config,
        source_kind=source.kind,
        source_config=source.config.replace("name: db", "name: src", 1),
    )


def file_target(folder: Path, kind: str, name: str = "db") -> Target:
    """A database file of that name that does not exist yet."""
    config = FILES[kind].format(name="house" if name == "db" else name)
    return Target(folder=folder, kind=kind, config=config.replace("name: house", "name: db", 1))


@pytest.fixture
def plain(tmp_path: Path) -> Pair:
    """From SQLite to DuckDB."""
    return pair(file_target(tmp_path, "duckdb"), file_target(tmp_path, "sqlite", "src"))


@pytest.fixture
def within(tmp_path: Path) -> Pair:
    """From one DuckDB file to another."""
    return pair(file_target(tmp_path, "duckdb"), file_target(tmp_path, "duckdb", "src"))


@contextmanager
def web(folder: Path) -> Iterator[str]:
    """A web server that gives the folder's files; its address."""
    handler = functools.partial(_Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    """Files; `/login/x` and `/moved/x` lead to `/x`, `/short/x` promises more than it sends."""

    def do_GET(self) -> None:
        """Answer a request."""
        if self.path.startswith("/login/"):  # of `user:p@ss`, and for this path alone
            known = self.headers.get("Authorization") == "Basic dXNlcjpwQHNz"
            self.send_response(302 if known else 401)
            self.send_header("Location", self.path.replace("/login/", "/open/"))
            self.end_headers()
        elif self.path.startswith("/open/") and not self.headers.get("Authorization"):
            self.path = self.path.removeprefix("/open")
            super().do_GET()
        elif self.path.startswith("/moved/"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/moved"))
            self.end_headers()
        elif self.path.startswith("/away/"):
            self.send_response(302)
            self.send_header("Location", "file:///etc/hostname?token=hunter2")
            self.end_headers()
        elif self.path.startswith("/short/"):
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"id\n1\n")
        else:
            super().do_GET()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


def with_settings(target: Target, **values: Any) -> Target:
    """The same target under other settings."""
    target.settings = replace(target.settings, **values)
    return target
