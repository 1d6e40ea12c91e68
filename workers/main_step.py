"""The main step of a script: run it, for Python also for the value of its materialize().

workers.steps calls `run`. The asset's code runs in its own environment and process, never here;
what it returned comes back as an Arrow file, renamed into place after the process succeeded.
"""

import contextlib
import functools
import json
import marshal
import os
import re
import shutil
import stat
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from workers import (
    asset_process,
    confinement,
    duckdb_files,
    r_script,
    storage,
    stores,
    traceback_frames,
)
from workers.context import StepContext, StepResult
from workers.endings import failure_of
from workers.envs import Env, EnvStore, request_for
from workers.errors import StepFailed
from workers.settings import Settings
from workers.stores import StorageError, Store

if TYPE_CHECKING:
    from sqlalchemy import Engine

LAUNCH = Path(__file__).with_name("inside") / "launch.py"
BATCH_ROWS = 10_000
MOST_TOLD = 10_000_000  # bytes of what a process says about its value
MAGIC = b"ARROW1"
NO_FILE = "the asset left no regular Arrow file behind"
_FORMS = ("", "table")  # of materialization: what a value can become
_NO_ROOM = re.compile(r"OSError: \[Errno (28|122|27)\] ")  # ENOSPC, EDQUOT, EFBIG
LEFT_EARLY = "the process ended with exit code 0 before materialize() returned; nothing is loaded"


def run(context: StepContext) -> StepResult:
    """Run the asset of this attempt. Raises StepFailed."""
    if context.spec.type == "r":
        return r_script.run(context)
    _check_form(context)
    attempt = _Attempt(context)
    env = asset_process.environment(context)
    with confinement.scratch(context.settings) as scratch, attempt.interpreter() as interpreter:
        if context.claim.step == "materialize":
            said = _materialize(attempt, interpreter, env, scratch)
            return StepResult(result=said | {"env": interpreter.key})
        attempt.process(interpreter, env, attempt.job(scratch, "script"), scratch)
        return StepResult(result={"exit": 0, "env": interpreter.key})


def _check_form(context: StepContext) -> None:
    """A value becomes a table: a view of it would need a query."""
    form = context.spec.materialization.type
    if context.claim.step == "materialize" and form not in _FORMS:
        raise StepFailed(
            "config",
            f"a Python asset cannot be materialized as a {form}",
            hint="write `type: table` under `materialization`",
        )


def _materialize(
    attempt: "_Attempt", interpreter: Env, env: Mapping[str, str], scratch: Path
) -> dict[str, Any]:
    """Run it for its value; the data is on storage afterwards, or nothing of it is."""
    context = attempt.context
    claim, store = context.claim, stores.of(context.settings)
    name = storage.data_name(claim.run_id, claim.asset, claim.number)
    output = _output(store, name)
    result = scratch / "result.json"
    job = attempt.job(scratch, "materialize")
    made = _reachable(context, output, scratch)
    job |= {"output": str(made), "result": str(result), "batch_rows": BATCH_ROWS}
    try:
        with _named(store.words if made == output else str(made)):
            attempt.process(interpreter, env, job, scratch)
        said = _returned(result)
        for notice in said["notices"]:
            context.log.line(f"notice: {notice}")
        if said["data"] is not None:
            data = _fetched(made, output)
            said["data"] = _adopt(data, store, name, said["data"])
        return said
    finally:
        shutil.rmtree(output, ignore_errors=True)


@contextlib.contextmanager
def _named(where: str) -> Iterator[None]:
    """Say of a value that did not fit where it did not; what the asset itself wrote is its own."""
    try:
        yield
    except StepFailed as failed:
        number = _NO_ROOM.match(failed.message)
        if number is None or any(not frame.file.startswith("pyarrow/") for frame in failed.frames):
            raise
        code = int(number[1])
        raise StorageError(where, OSError(code, os.strerror(code))) from None


def _output(store: Store, name: str) -> Path:
    """A new folder beside the file that will be: there the asset's process writes its data."""
    parent = storage.inside(store.folder, name).parent
    output = parent / f".parts-{uuid.uuid4().hex[:12]}"
    try:
        parent.mkdir(parents=True, exist_ok=True)
        output.mkdir(mode=0o700)
    except OSError as error:
        raise StorageError(store.words, error) from error
    return output


def _reachable(context: StepContext, output: Path, scratch: Path) -> Path:
    """Where the asset's process can write: storage is closed to another user."""
    if not context.settings.asset_user:
        return output
    made = scratch / "out"
    made.mkdir(mode=0o700)
    return made


def _fetched(made: Path, output: Path) -> Path:
    """The data in storage's own folder, brought there if the process could not write there."""
    data = output / "data.arrow"
    if made == output:
        return data
    try:
        descriptor = os.open(made / data.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise StepFailed("materialize", NO_FILE) from error
    with os.fdopen(descriptor, "rb") as file, data.open("xb") as copy:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise StepFailed("materialize", NO_FILE)
        shutil.copyfileobj(file, copy, 1 << 20)
    return data


def _adopt(made: Path, store: Store, name: str, said: Mapping[str, Any]) -> dict[str, Any]:
    """Move the asset's file into place; it must be a regular file and not a link elsewhere."""
    try:
        descriptor = os.open(made, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise StepFailed("materialize", NO_FILE) from error
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1 or not _is_arrow(file):
            raise StepFailed("materialize", NO_FILE)
    digest = storage.digest(made)
    store.publish(made, name)
    stored = {"bytes": found.st_size, "digest": digest, "parts": 1, "path": name}
    return dict(said) | stored


def _is_arrow(file: BinaryIO) -> bool:
    """Whether it begins and ends as an Arrow IPC file does."""
    head = file.read(len(MAGIC))
    file.seek(0, os.SEEK_END)
    file.seek(max(0, file.tell() - len(MAGIC)))
    return head == file.read() == MAGIC


def _returned(file: Path) -> dict[str, Any]:
    """What the asset's process wrote about its value; nothing if it left with sys.exit(0)."""
    try:
        said = json.loads(confinement.read_regular(file, MOST_TOLD))
        return {
            "data": None if said["data"] is None else _described(said["data"]),
            "notices": [str(notice) for notice in said["notices"]],
            "returned": str(said["returned"]),
        }
    except FileNotFoundError:
        return {"data": None, "notices": [LEFT_EARLY], "returned": "None"}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StepFailed("materialize", "the asset's process left no usable result") from error


def _described(data: Mapping[str, Any]) -> dict[str, Any]:
    schema = [[str(name), str(kind)] for name, kind in data["schema"]]
    return {"rows": int(data["rows"]), "schema": schema}


@functools.lru_cache(maxsize=4)
def _store(settings: Settings, engine: "Engine | None") -> EnvStore:
    """The store of this process: it remembers which interpreters there are."""
    return EnvStore(settings, engine)


@dataclass(frozen=True, slots=True)
class _Attempt:
    """One attempt at an asset: what its process is given."""

    context: StepContext

    @contextlib.contextmanager
    def interpreter(self) -> Iterator[Env]:
        """The asset's environment, built if need be, and kept from eviction."""
        context = self.context
        store = _store(context.settings, context.engine)
        pyarrow = context.claim.step == "materialize"
        request = request_for(context.project, context.spec, pyarrow=pyarrow)
        with store.using(request, self._tell, lambda: context.stop.reason) as env:
            for notice in (context.spec.python_notice, *env.notices):
                if notice:
                    context.log.line(f"notice: {notice}")
            duckdb_files.prepare(context, env)
            yield env

    def _tell(self, text: str) -> None:
        self.context.log.line(text)
        self.context.progress({"note": text})

    def job(self, scratch: Path, mode: str) -> dict[str, Any]:
        """What workers/inside is told; see inside/job.py."""
        spec, project = self.context.spec, self.context.project
        folder = (project / spec.working_dir).resolve()
        first, second = (project, folder) if mode == "materialize" else (folder, project)
        roots = dict.fromkeys(str(path) for path in (first, second))
        if mode == "script" and spec.working_dir != ".":
            del roots[str(project)]  # `python -m` knows the working directory only
        return {
            "mode": mode,
            "file": str(project / (spec.body_path or spec.path)),
            "roots": list(roots),
            "python_path": self.context.options.python_path,
            "failure": str(scratch / "failure.json"),
        }

    def process(
        self, interpreter: Env, env: Mapping[str, str], job: Mapping[str, Any], scratch: Path
    ) -> None:
        """Run it to its end; StepFailed says how it ended if not well."""
        context, spec = self.context, self.context.spec
        file = scratch / "job"
        file.write_bytes(marshal.dumps(dict(job), 2))
        argv = [str(interpreter.python), str(LAUNCH), str(file)]
        commands = os.pathsep.join([str(interpreter.python.parent), env.get("PATH", os.defpath)])
        active = {"PATH": commands, "VIRTUAL_ENV": str(interpreter.folder)}  # as `uv run` does
        active |= confinement.environment(context.settings, scratch)
        confinement.give(context.settings, scratch)
        ended = asset_process.run(
            context, argv, {**env, **active}, context.project / spec.working_dir
        )
        confinement.take_back(context.settings, scratch)
        failure = traceback_frames.read(Path(job["failure"]), context.project)
        failed = failure_of(ended, failure, spec, context.claim.step)
        if failed is not None:
            failed.hint = failed.hint or confinement.hint(context.settings, failed.message)
            raise failed
