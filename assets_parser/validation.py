"""All rules over a pipeline, as `fleet validate` prints them and as `fleet run` asks before a run.

A rule is a function from a Pipeline to its faults; a new one is a new entry of `_FAST` or `_SLOW`.
"""

import functools
import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from assets_parser.faults import Fault, Severity
from assets_parser.model import Pipeline
from assets_parser.pipeline import Loaded
from assets_parser.rules import (
    asset_fields,
    columns,
    dependencies,
    executables,
    folders,
    hooks,
    ingestr,
    instances,
    intervals,
    materialization,
    names,
    packages,
    pipeline_file,
    platforms,
    policy,
    python,
    relationships,
    seeds,
    sensors,
    table_names,
    types,
    used_tables,
    words,
)

Rule: TypeAlias = Callable[[Pipeline], Iterable[Fault]]

_FAST: tuple[Rule, ...] = (  # before every run
    names.check,
    pipeline_file.check,
    types.check,
    dependencies.check,
    python.check,
    materialization.check,
    ingestr.check,
    seeds.check,
    sensors.check,
    table_names.check,
    executables.check,
    hooks.check,
    asset_fields.check,
    instances.check,
    columns.check,
    relationships.check,
    platforms.check,
    words.check,
    folders.check,
    used_tables.check,
    policy.check,
)
_SLOW: tuple[Rule, ...] = (  # `fleet validate` only, unless --fast
    intervals.check,
    packages.check,
    folders.check_skipped,
)
_UNREADABLE = ("yaml", "file")  # rules of reading: nothing of the file is known


def validate(pipeline: Pipeline, *, slow: bool = False) -> list[Fault]:
    """What the rules find in the pipeline, errors and warnings, ordered by file and line."""
    rules = (*_FAST, *_SLOW) if slow else _FAST
    return in_order((fault for rule in rules for fault in rule(pipeline)), pipeline)


def report(loaded: Loaded, *, slow: bool = False) -> list[Fault]:
    """All faults of a loaded pipeline: those of reading its files, and those of the rules.

    What follows only from a file that could not be read is left out: rules about that file, and
    dependencies on the assets that it would define.
    """
    unread = errors(loaded.faults)
    ruled = [fault for fault in validate(loaded.pipeline, slow=slow) if not _follows(fault, unread)]
    return in_order((*loaded.faults, *ruled), loaded.pipeline)


def errors(faults: Iterable[Fault]) -> list[Fault]:
    """Those faults that stop a run."""
    return [fault for fault in faults if fault.severity is Severity.ERROR]


def _follows(fault: Fault, unread: Iterable[Fault]) -> bool:
    return any(
        (fault.file == cause.file and cause.rule in _UNREADABLE)
        or (cause.asset and f"'{cause.asset}' is not an asset" in fault.message)
        for cause in unread
    )


def in_order(faults: Iterable[Fault], pipeline: Pipeline) -> list[Fault]:
    """The faults, each once, by file and line, with the columns of the words that they quote."""
    root, read = Path(pipeline.root), functools.cache(_lines)
    placed = {_with_column(fault, root, read) for fault in faults}
    return sorted(placed, key=lambda one: (one.file, one.line, one.column, one.rule, one.message))


def _with_column(fault: Fault, root: Path, read: Callable[[Path], list[str]]) -> Fault:
    """The fault with the column of the word that its message quotes, else of its line's text."""
    if fault.column or not fault.line or not fault.file:
        return fault
    lines = read(root / fault.file)
    if fault.line > len(lines):
        return fault
    text = lines[fault.line - 1]
    quoted = fault.message.split("'")[1] if fault.message.count("'") > 1 else ""
    at = _place_of(quoted, text) if quoted else -1
    return replace(fault, column=1 + (at if at >= 0 else len(text) - len(text.lstrip())))


def _place_of(word: str, text: str) -> int:
    """Where the word stands by itself, else where it stands at all; -1 if nowhere."""
    found = re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text)
    return found.start() if found else text.find(word)


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text("utf-8", "replace").splitlines()
    except OSError:
        return []  # the fault stands without a column
