"""The pipeline that the faults hit: generated files, and what its tables must hold afterwards.

Every row says which run and which attempt made it and has a nonce; every Python asset writes a line
when it starts and when it ends into a journal of its host, outside the system.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from benchmarks.projects import write

ROWS = 20
LONG = 5.0  # seconds
Kind = Literal["append", "merge", "replace"]
Engine = Literal["pg", "duck", "lite"]

_TYPES = {"pg": "pg", "duck": "duckdb", "lite": "sqlite"}
_MATERIALIZATION = {
    "append": "{type: table, strategy: append}",
    "merge": "{type: table, strategy: merge}",
    "replace": "{type: table}",
}
_COLUMNS = """\
columns:
  - {{name: id, type: integer{key}, checks: [{{name: not_null}}]}}
  - {{name: run, type: varchar{update}}}
  - {{name: attempt, type: varchar{update}}}
  - {{name: nonce, type: varchar{update}, checks: [{{name: unique}}]}}"""
_BODY = """
import json, os, time, uuid

RUN = json.loads(os.environ["BRUIN_VARS"])["tag"]
ATTEMPT = uuid.uuid4().hex

def note(word):
    handle = os.open(os.environ["journal"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(handle, f"{{time.monotonic():.3f}} {{word}} {name} {{RUN}} {{ATTEMPT}}\\n".encode())
    os.close(handle)
"""
_MATERIALIZE = """
def materialize():
    note("start")
    time.sleep({seconds})
    row = lambda n: {{"id": n, "run": RUN, "attempt": ATTEMPT, "nonce": uuid.uuid4().hex}}
    rows = [row(n) for n in range({rows})]
    note("end")
    return rows
"""
_SCRIPT = """
note("start")
time.sleep({seconds})
note("end")
"""
#: An asset that kills its worker every time.
POISON = '''"""@bruin
name: f.poison
depends: [f.duck_first]
@bruin"""
import os, pathlib, signal

pid, main = os.getpid(), 0
while pid > 1:
    if b"workers.main" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
        main = pid
    pid = int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
os.kill(main, signal.SIGKILL)
'''
_QUERY = """\
SELECT g.id, '{{{{ var.tag }}}}' AS run, z.attempt,
       md5(z.attempt || g.id::text) AS nonce
FROM generate_series(0, {last}) AS g (id),
     (SELECT gen_random_uuid()::text AS attempt, pg_sleep({seconds}) AS slept OFFSET 0) AS z
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """An asset, and the table that it fills; a script fills none."""

    name: str
    engine: Engine = "pg"
    kind: Kind = "append"
    how: Literal["python", "sql", "script"] = "python"
    upstreams: tuple[str, ...] = ()
    made: bool = False  # its table is there before the run
    long: bool = False  # it outlives a lease, so that who holds it can be found out

    @property
    def journaled(self) -> bool:
        """Whether it writes lines of its own."""
        return self.how != "sql"


_LEVEL: tuple[dict[str, str], ...] = (
    {"name": "py_append_a", "kind": "append"},
    {"name": "py_append_b", "kind": "append"},
    {"name": "py_merge", "kind": "merge"},
    {"name": "py_replace", "kind": "replace"},
    {"name": "sql_append", "kind": "append", "how": "sql"},
    {"name": "sql_merge", "kind": "merge", "how": "sql"},
    {"name": "sql_replace", "kind": "replace", "how": "sql"},
    {"name": "script", "how": "script"},
    {"name": "duck_append", "kind": "append", "engine": "duck"},
    {"name": "lite_append", "kind": "append", "engine": "lite"},
)
FIRST = ("f.duck_first", "lite_first")  # they decide to which host the database files belong


def tables(levels: int = 6) -> list[Table]:
    """The assets: two that make the files, then ten in each level that wait for the one above.

    Of the last level, two of the PostgreSQL assets are left out for the two first ones.
    """
    first = [Table(name=name, engine="duck" if "duck" in name else "lite") for name in FIRST]
    found = first
    for level in range(levels):
        above = tuple(one.name for one in found[-3:])
        drop = 2 if level == levels - 1 else 0  # 60 assets with the two first ones
        chosen = _LEVEL[drop:] if drop else _LEVEL
        found = [*found, *(_table(entry, level, above) for entry in chosen)]
    return found


def _table(entry: dict[str, str], level: int, above: tuple[str, ...]) -> Table:
    values = dict(entry)
    # SQLite has no schemas: a name with one would be another file
    values["name"] = f"{'' if entry.get('engine') == 'lite' else 'f.'}l{level}_{entry['name']}"
    long = level == 1 and entry["name"].startswith("py_")  # more than one host has slots
    return Table(**values, upstreams=above, long=long)  # type: ignore[arg-type]


def create(root: Path, assets: list[Table], seconds: float) -> Path:
    """Write the project; each asset takes so long, some of them LONG. Returns its folder."""
    files = {
        "pipeline.yml": "name: faults\nvariables:\n  tag: {type: string, default: none}\n",
        **{f"assets/{_file(one)}": text for one, text in _texts(assets, seconds)},
    }
    return write(root, files)


def _file(one: Table) -> str:
    return one.name.replace(".", "_") + (".sql" if one.how == "sql" else ".py")


def _texts(assets: list[Table], seconds: float) -> Iterator[tuple[Table, str]]:
    for one in assets:
        yield one, _sql(one, seconds) if one.how == "sql" else _python(one, seconds)


def _header(one: Table) -> str:
    lines = [f"name: {one.name}", f"depends: [{', '.join(one.upstreams)}]"]
    if one.how != "script":
        lines += [f"connection: {one.engine}", f"materialization: {_MATERIALIZATION[one.kind]}"]
        update = ", update_on_merge: true" if one.how == "sql" and one.kind == "merge" else ""
        key = ", primary_key: true" if one.kind == "merge" else ""
        lines += [_COLUMNS.format(update=update, key=key)]
    if one.journaled:
        lines += ["secrets: [{key: journal}]"]
    return "\n".join(lines)


def _python(one: Table, short: float) -> str:
    seconds = LONG if one.long else short
    body = _SCRIPT if one.how == "script" else _MATERIALIZE
    code = _BODY.format(name=one.name) + body.format(seconds=seconds, rows=ROWS)
    return f'"""@bruin\n{_header(one)}\n@bruin"""\n{code}'


def _sql(one: Table, seconds: float) -> str:
    query = _QUERY.format(last=ROWS - 1, seconds=seconds)
    return f"/* @bruin\ntype: {_TYPES[one.engine]}.sql\n{_header(one)}\n@bruin */\n{query}"


def connections(database: str, journal: Path, files: Path) -> str:
    """The .bruin.yml of one host; `files` is where its file databases lie."""
    return f"""\
default_environment: default
environments:
  default:
    connections:
      postgres:
        - {database}
      duckdb:
        - {{name: duck, path: "{files / "faults.duckdb"}"}}
      sqlite:
        - {{name: lite, path: "{files / "faults.sqlite"}"}}
      generic:
        - {{name: journal, value: "{journal}"}}
"""
