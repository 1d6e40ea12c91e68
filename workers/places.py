"""Where a person looks first when a step failed: file and line, for failures that name none.

Called by workers.attempt. A failed check has the line that declares it, all else the asset itself.
"""

from collections.abc import Iterable
from pathlib import Path

from assets_parser import check_ids
from assets_parser.spec import AssetSpec
from catalog.values import CheckRow
from workers.errors import Frame, Kind, StepFailed

MOST = 3  # failed checks that are named
_OWN: frozenset[Kind] = frozenset(
    {"script", "materialize", "load", "query", "hook", "sensor", "checks", "config"}
)


def of_checks(failed: Iterable[CheckRow], spec: AssetSpec, project: Path) -> tuple[Frame, ...]:
    """The lines that declare the first of these checks; none that stand in another file."""
    declared = {name: check.line for name, check in check_ids.checks(spec)}
    try:
        lines = (project / spec.path).read_text("utf-8", errors="replace").splitlines()
    except OSError:  # without the file there is no line to show
        return ()
    found = []
    for check in list(failed)[:MOST]:
        number = declared.get(check.id, 0)
        source = lines[number - 1].strip() if 0 < number <= len(lines) else ""
        if check.name and check.name in source:  # defaults of the pipeline are not written here
            found.append(Frame(file=spec.path, line=number, function="", source=source[:200]))
    return tuple(found)


def of(failed: StepFailed, spec: AssetSpec, step: str) -> tuple[Frame, ...]:
    """What the failure itself names, else where the asset's query or its definition starts."""
    if failed.frames or failed.kind not in _OWN:
        return failed.frames
    if step == "query" and spec.query_line and failed.kind != "config":
        return (Frame(file=spec.body_path or spec.path, line=spec.query_line, function=""),)
    return (Frame(file=spec.path, line=1, function=""),)
