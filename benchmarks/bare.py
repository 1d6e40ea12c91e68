"""The baselines: the same work done by hand, by interpreters and ingestr alone."""

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from benchmarks.measure import command
from workers import duckdb_driver, ingestr
from workers.settings import Settings

WRITE = """
import sys
import pyarrow as pa
sys.path.insert(0, sys.argv[1])
made = __import__(sys.argv[2]).materialize()
if hasattr(made, "to_csv"):
    made = pa.Table.from_pandas(made, preserve_index=False)
with pa.OSFile(sys.argv[3], "wb") as sink, pa.ipc.new_file(sink, made.schema) as writer:
    writer.write_table(made)
"""

WRITE_DICTS = """
import itertools, sys
import pyarrow as pa
sys.path.insert(0, sys.argv[1])
rows = __import__(sys.argv[2]).materialize()
first = pa.RecordBatch.from_pylist(list(itertools.islice(rows, 10_000)))
with pa.OSFile(sys.argv[3], "wb") as sink, pa.ipc.new_file(sink, first.schema) as writer:
    writer.write_batch(first)
    while some := list(itertools.islice(rows, 10_000)):
        writer.write_batch(pa.RecordBatch.from_pylist(some, schema=first.schema))
"""

PARSE = """
import pathlib, sys
import yaml
loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
for path in pathlib.Path(sys.argv[1]).rglob("*.py"):
    yaml.load(path.read_text().split("@bruin")[1], loader)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bare:
    """Does the work of a project's assets without a fleet, as a person would."""

    environ: Mapping[str, str]
    settings: Settings

    def nothing(self, root: Path) -> None:
        """An interpreter that starts and ends."""
        command([sys.executable, "-c", "pass"], cwd=root, environ=self.environ)

    def headers(self, root: Path) -> None:
        """Every header read and parsed by PyYAML in C, nothing looked at."""
        command([sys.executable, "-c", PARSE, root], cwd=root, environ=self.environ)

    def scripts(self, root: Path) -> None:
        """Every asset as a script, two at a time."""
        _two_by_two(sorted((root / "assets").rglob("*.py")), lambda file: self._script(root, file))

    def _script(self, root: Path, file: Path) -> None:
        command([sys.executable, file], cwd=root, environ=self.environ)

    def tables(self, root: Path, uri: str, *, loads_at_once: int, dicts: bool = False) -> None:
        """Every asset's function called and its table written, two at a time; then the loads."""
        program = WRITE_DICTS if dicts else WRITE
        files = sorted((root / "assets").glob("*.py"))
        _two_by_two(files, lambda file: self._write(root, program, file.stem))
        load: Callable[[Path], None] = lambda file: self._load(root, uri, file.stem)  # noqa: E731
        if loads_at_once > 1:
            _two_by_two(files, load)
            return
        for file in files:
            load(file)

    def _write(self, root: Path, program: str, name: str) -> None:
        words = ["-c", program, str(root / "assets"), name, str(root / f"{name}.arrow")]
        command([sys.executable, *words], cwd=root, environ=self.environ)

    def _load(self, root: Path, uri: str, name: str) -> None:
        arrow = root / f"{name}.arrow"
        words = [str(ingestr.binary(self.settings)), "ingest", "--yes", "--progress", "json"]
        words += ["--source-table", "asset_data", "--dest-table", f"by_hand.{name}"]
        extra = duckdb_driver.find(self.settings).environment if "duckdb" in uri else {}
        addresses = {"INGESTR_SOURCE_URI": f"mmap://{arrow}", "INGESTR_DESTINATION_URI": uri}
        command(words, cwd=root, environ={**self.environ, **extra, **addresses})
        arrow.unlink()


def _two_by_two(files: Sequence[Path], work: Callable[[Path], None]) -> None:
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, files))


def versions(settings: Settings) -> str:
    """What the baselines ran on."""
    words = [str(ingestr.binary(settings)), "--version"]
    told = subprocess.run(words, capture_output=True, text=True, check=False).stdout.split()
    packages = ", ".join(f"{name} {version(name)}" for name in ("pyarrow", "pandas", "celery"))
    return f"Python {sys.version.split()[0]}, {packages}, ingestr {told[-1] if told else '?'}"
