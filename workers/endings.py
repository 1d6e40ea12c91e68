"""How an asset's process ended, in words for a person. Called by workers.main_step."""

import signal

from assets_parser.spec import AssetSpec
from workers.errors import Kind, StepFailed
from workers.supervisor import Exit
from workers.traceback_frames import Failure

MEANINGS = {
    "SIGSEGV": "a crash in compiled code",
    "SIGABRT": "the process gave up by itself",
    "SIGBUS": "a file that it had mapped was removed or cut",
    "SIGILL": "a package that was built for another processor",
}
_NO_REQUIREMENTS = "a requirements.txt beside the asset"
_PACKAGES = {  # those whose name is not that of the module
    "bruin": "bruin-sdk[duckdb], or with the extra of another database,",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "PIL": "pillow",
    "psycopg2": "psycopg2-binary",
    "sklearn": "scikit-learn",
    "yaml": "PyYAML",
}
_FILE_IN_USE = (
    "another step or program has the file open; name its connection in the asset's `secrets`, "
    "and the steps that use it take turns"
)
_NOT_DECLARED = (
    "an asset sees only what it declares: name a connection of .bruin.yml, such as a generic one, "
    "in its `secrets`"
)
LARGE = 256.0  # MiB; a process that held less is seldom the one that filled the memory


def failure_of(
    ended: Exit, failure: Failure | None, spec: AssetSpec, step: str
) -> StepFailed | None:
    """What to tell about this end; None if all is well."""
    kind: Kind = "materialize" if step == "materialize" else "script"
    if ended.reason:
        return _stopped(ended, spec)
    if ended.signal:
        return _killed(kind, ended)
    if ended.code == 0:
        return None
    if failure is None:
        return StepFailed(kind, f"the process ended with exit code {ended.code}")
    if failure.type == "SystemExit":
        said = "" if failure.message == str(ended.code) else f": {failure.message}"
        message = f"the process ended with exit code {ended.code}{said}"
        return StepFailed(kind, message, frames=failure.frames)
    hint = _hint(failure, spec)
    detail = failure.message if "\n" in failure.message.strip() else ""
    return StepFailed(kind, failure.text, detail=detail, hint=hint, frames=failure.frames)


def _stopped(ended: Exit, spec: AssetSpec) -> StepFailed:
    if ended.reason == "timeout":
        hint = "raise `timeout` of the asset, or let it do less at a time"
        return StepFailed(
            "timeout", f"it ran longer than its timeout of {spec.timeout:g} s", hint=hint
        )
    if ended.reason in ("lease", "lost"):
        return StepFailed("lost", "the worker lost the process, which was ended")
    return StepFailed("cancelled", f"it was stopped: {ended.reason}")


def _killed(kind: Kind, ended: Exit) -> StepFailed:
    name = signal.Signals(ended.signal).name
    if name == "SIGKILL":
        size = ended.max_rss / 2**20
        said = f"the process was killed (SIGKILL); it used {size:.0f} MiB"
        if size < LARGE:
            return StepFailed(kind, said, hint="the system does so when memory runs out")
        return StepFailed(
            kind,
            f"{said}, probably because memory ran out",
            hint="yield rows in pieces instead of building one large value, or give it more memory",
        )
    meaning = MEANINGS.get(name)
    said = f"the process was killed by {name}" + (f": {meaning}" if meaning else "")
    return StepFailed(kind, said)


def _hint(failure: Failure, spec: AssetSpec) -> str:
    if failure.type == "ModuleNotFoundError":
        where = spec.requirements.path if spec.requirements else _NO_REQUIREMENTS
        module = failure.message.partition("'")[2].partition("'")[0].partition(".")[0]
        package = _PACKAGES.get(module, "the package")
        return f"add {package} to {where}; imports of your own start at the project root"
    if "Could not set lock" in failure.message:
        return _FILE_IN_USE
    last = failure.frames[-1].source if failure.frames else ""
    return _NOT_DECLARED if failure.type == "KeyError" and "environ" in last else ""
