"""A plan for people and for programs. Used by `fleet plan`."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, time
from pathlib import Path

from assets_parser.layouts import zone_text
from assets_parser.spec import AssetSpec, Plan, dump
from assets_parser.suggestions import did_you_mean
from dispatcher import plan_words, tables
from dispatcher.plan_envs import Need
from dispatcher.plan_takers import Lacks
from dispatcher.preparing import Prepared
from dispatcher.terminal import Terminal, printable
from dispatcher.words import some

VERSION = 1
_RUNTIME = 5  # the column of what runs the asset; the last one says after which others
_LEAST = 12  # columns that are enough to begin with a name
_MANY = 3  # assets that are skipped for the same reason are not named one by one


def show(
    terminal: Terminal, prepared: Prepared, envs: Sequence[Need], *, verbose: bool = False
) -> None:
    """Print the levels, who is left out and why, and the environments that are needed."""
    plan = prepared.plan
    terminal.line(_head(plan, prepared.environment.schema_prefix))
    terminal.line()
    _levels(terminal, plan, prepared)
    _skipped(terminal, plan, verbose=verbose)
    for spec in plan.assets:
        for note in _notes(spec, prepared):
            terminal.line(f"note  {spec.name}: {printable(note)}")
    if plan.assets:
        terminal.line()
        terminal.line(_environments(envs))


def document(prepared: Prepared, lacks: Lacks) -> str:
    """The plan as one JSON document; `unable` are assets that no living worker could take."""
    plan = prepared.plan
    return json.dumps(
        {
            "v": VERSION,
            "pipeline": plan.pipeline,
            "root": plan.root,
            "path": plan.path,
            "options": json.loads(dump(plan.options)),
            "levels": [[json.loads(dump(spec)) for spec in level] for level in plan.levels],
            "skipped": [{"asset": s.asset, "reason": s.reason} for s in plan.skipped],
            "unable": dict(lacks.assets),
        }
    )


def _head(plan: Plan, prefix: str) -> str:
    options = plan.options
    span = " to ".join(_shown(moment) for moment in (options.start, options.end))
    count = f"{some(len(plan.assets), 'asset')} in {some(len(plan.levels), 'level')}"
    where = f"environment {options.environment or 'default'}" + (
        f", prefix {prefix}" if prefix else ""
    )
    parts = [plan.pipeline, count, where, span]
    parts += ["full refresh"] if options.full_refresh else []
    parts += [f"only {' and '.join(options.only)}"] if options.only else []
    return " · ".join(parts)


def _shown(moment: str) -> str:
    """A moment as short as it can be: the day alone where the time says nothing."""
    value = datetime.fromisoformat(moment)
    zone = zone_text(value).removeprefix("Z")
    if not zone and value.time() in (time.min, time.max):
        return f"{value.date()}"
    return f"{value.date()} {value:%H:%M:%S}{zone}"


def _levels(terminal: Terminal, plan: Plan, prepared: Prepared) -> None:
    rows = [
        _row(plan, spec, number if not position else -1, prepared)
        for number, level in enumerate(plan.levels)
        for position, spec in enumerate(level)
    ]
    for line in _fitting(terminal, rows):
        terminal.line(terminal.cut(line))


def _fitting(terminal: Terminal, rows: Sequence[Sequence[str]]) -> list[str]:
    """The table; a narrow terminal does without what runs the assets, then without their order."""
    lines = tables.columns(rows)
    if not terminal.tty or _width(lines) < terminal.width:
        return lines
    short = tables.columns([row[:_RUNTIME] for row in rows])
    if _width(short) + _LEAST >= terminal.width:
        return short
    return tables.columns([[*row[:_RUNTIME], row[-1]] for row in rows])


def _width(lines: Sequence[str]) -> int:
    return max(map(len, lines), default=0)


def _row(plan: Plan, spec: AssetSpec, level: int, prepared: Prepared) -> list[str]:
    checks = sum(len(column.checks) for column in spec.columns) + len(spec.custom_checks)
    with_checks = "checks" in spec.steps and checks
    return [
        f"level {level}" if level >= 0 else "",
        printable(spec.name),
        plan_words.work(spec, plan),
        plan_words.destination(spec, prepared),
        some(checks, "check") if with_checks else "",
        plan_words.runtime(plan, spec),
        plan_words.after(spec),
    ]


def _notes(spec: AssetSpec, prepared: Prepared) -> Iterator[str]:
    """What will not be quite as the asset says."""
    if spec.python_notice:
        yield spec.python_notice
    known = prepared.environment.connections
    for name in dict.fromkeys([spec.connection, *(secret.key for secret in spec.secrets)]):
        if name and name not in known and prepared.config:
            where = f"environment '{prepared.environment.name}' of {Path(prepared.config).name}"
            guess = did_you_mean(name, known)
            yield f"connection '{name}' is not in {where}{f'; {guess}' if guess else ''}"


def _skipped(terminal: Terminal, plan: Plan, *, verbose: bool) -> None:
    """Who is left out and why; those that nobody asked for are only counted."""
    sign = terminal.sign("skipped")
    counted = Counter(s.reason for s in plan.skipped)
    for skipped in plan.skipped:
        if verbose or counted[skipped.reason] < _MANY:
            terminal.line(f"{sign} {skipped.asset}  skipped: {printable(skipped.reason)}")
    for reason, count in counted.items():
        if not verbose and count >= _MANY:
            terminal.line(f"{sign} {some(count, 'asset')}  skipped: {printable(reason)}")


def _environments(envs: Sequence[Need]) -> str:
    """`3 needed · 2 ready · 1 to build (python 3.12, polars 1.9.0 +1)`."""
    names = [need.words for need in envs if not need.ready]
    parts = [f"{len(envs)} needed"]
    if any(need.ready is None for need in envs):  # they are built elsewhere
        return f"envs     {' · '.join([*parts, *names])}"
    parts += [f"{len(envs) - len(names)} ready"] if len(names) < len(envs) else []
    parts += [f"{len(names)} to build ({'; '.join(names)})"] if names else []
    return f"envs     {' · '.join(parts)}"
