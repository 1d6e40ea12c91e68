"""What a failing SQL asset says to a person: reason, place, statement. For workers.query_step."""

import re
from pathlib import Path

from assets_parser.spec import AssetSpec
from workers.errors import Frame, StepFailed
from workers.sql.scripts import Statement

_LINE = re.compile(r"^LINE (\d+): ", re.MULTILINE)
_POINTED = re.compile(r"^(LINE \d+: )(.*\n)( *)\^", re.MULTILINE)  # a caret below the line
_MOST = 12  # lines of a statement that are shown
_WIDE = 200  # characters of a line
_HINTS = (
    (
        re.compile(r'No files found that match the pattern "(?!/|\w+://)'),
        "relative paths start in the folder where the run was started, as for Bruin; from outside "
        "of the project in its root",
    ),
    (
        re.compile(r"is not a table|Existing object .* is of type View", re.IGNORECASE),
        "a view has the name of the table: drop it, or give the asset another name",
    ),
    (
        re.compile(r"is not a view|Existing object .* is of type Table", re.IGNORECASE),
        "a table has the name of the view: drop it, or give the asset another name",
    ),
    (
        re.compile(r"cannot drop columns from view|cannot change (name|data type) of view column"),
        "the server cannot give a view other columns in place: drop the view, then run again",
    ),
    (
        re.compile(r"Ambiguous reference to catalog or schema"),
        "the DuckDB file bears the name of a schema: rename one of them, or write both names",
    ),
    (
        re.compile(r"because other objects depend on it"),
        "drop what depends on it first, or keep the table with `strategy: truncate+insert`",
    ),
)


def of(said: str, statement: Statement, spec: AssetSpec, project: Path) -> StepFailed:
    """The failure of a statement, with the place in the asset's file where the engine names one."""
    number = _number(said)
    frame = _frame(statement, number, spec, project)
    first, _, rest = said.strip().partition("\n")
    detail = (rest if frame is None else _unnumbered(rest)).strip("\n")
    if frame is None:
        detail = "\n".join(filter(None, [detail, _excerpt(statement.text, number)]))
    hint = next((words for pattern, words in _HINTS if pattern.search(said)), "")
    frames = (frame,) if frame else ()
    return StepFailed("query", first.strip(), detail=detail, hint=hint, frames=frames)


def _unnumbered(said: str) -> str:
    """Without the numbers of lines; a caret still points at its word."""
    said = _POINTED.sub(lambda m: f"{m[2]}{m[3][len(m[1]) :]}^", said)
    return _LINE.sub("", said)


def _number(said: str) -> int:
    found = _LINE.search(said)
    return int(found[1]) if found else 0


def _frame(statement: Statement, number: int, spec: AssetSpec, project: Path) -> Frame | None:
    """A template may have moved the lines: only a line that stands in the file is named."""
    lines = statement.text.splitlines()
    if not number or number > len(lines) or not statement.line:
        return None
    source, expected = lines[number - 1].strip(), statement.line_of(number)
    known = _lines(project / spec.body_path)
    found = [at for at, line in enumerate(known, 1) if line.strip() == source]
    if not source or not found or not expected:
        return None
    nearest = min(found, key=lambda at: abs(at - expected))
    return Frame(file=spec.body_path, line=nearest, function="", source=source[:_WIDE])


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text("utf-8", errors="replace").splitlines()
    except OSError:  # without the file there is no place to name
        return []


def _excerpt(text: str, number: int) -> str:
    """The statement, or what is around its line."""
    lines = text.strip().splitlines()
    start = max(0, min(number - _MOST // 2, len(lines) - _MOST)) if number else 0
    shown = [line[:_WIDE] for line in lines[start : start + _MOST]]
    more = ["..."] if start + _MOST < len(lines) else []
    return "\n".join([*shown, *more])
