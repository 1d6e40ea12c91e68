"""A plan for people and for programs. Used by `fleet plan`."""

import json
from pathlib import Path

from assets_parser.spec import AssetSpec, Plan, dump
from dispatcher import tables
from dispatcher.preparing import Prepared
from dispatcher.terminal import Terminal, printable
from dispatcher.words import some

VERSION = 1


def show(terminal: Terminal, prepared: Prepared, *, verbose: bool = False) -> None:
    """Print the levels, who is left out and why, and the environments that are needed."""
    plan = prepared.plan
    terminal.line(_head(terminal, plan))
    terminal.line()
    _levels(terminal, plan, prepared)
    for skipped in plan.skipped:
        reason = printable(skipped.reason)
        terminal.line(f"{terminal.sign('skipped')} {skipped.asset}  skipped: {reason}")
    for spec in plan.assets:
        if spec.python_notice:
            terminal.line(f"note  {spec.name}: {printable(spec.python_notice)}")
    if plan.assets:
        terminal.line()
        terminal.line(_environments(plan))


def document(prepared: Prepared) -> str:
    """The plan as one JSON document."""
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
        }
    )


def _head(terminal: Terminal, plan: Plan) -> str:
    options = plan.options
    span = " to ".join(_shown(moment) for moment in (options.start, options.end))
    count = f"{some(len(plan.assets), 'asset')} in {some(len(plan.levels), 'level')}"
    parts = [plan.pipeline, count, f"environment {options.environment or 'default'}", span]
    parts += ["full refresh"] if options.full_refresh else []
    parts += [f"only {' and '.join(options.only)}"] if options.only else []
    return " · ".join(parts)


def _shown(moment: str) -> str:
    """A moment as short as it can be: the day alone where the time says nothing."""
    day, _, time = moment.partition("T")
    whole = time.startswith(("00:00:00+", "23:59:59.999999"))
    return day if whole else f"{day} {time.partition('+')[0].partition('.')[0]}"


def _levels(terminal: Terminal, plan: Plan, prepared: Prepared) -> None:
    rows = [
        _row(plan, spec, number if not position else -1, prepared)
        for number, level in enumerate(plan.levels)
        for position, spec in enumerate(level)
    ]
    for line in tables.columns(rows):
        terminal.line(line)


def _row(plan: Plan, spec: AssetSpec, level: int, prepared: Prepared) -> list[str]:
    checks = sum(len(column.checks) for column in spec.columns) + len(spec.custom_checks)
    with_checks = "checks" in spec.steps and checks
    return [
        f"level {level}" if level >= 0 else "",
        printable(spec.name),
        f"python {spec.python}",
        _packages(plan, spec),
        _work(spec),
        _destination(spec, prepared),
        some(checks, "check") if with_checks else "",
        f"after {', '.join(spec.upstreams)}" if spec.upstreams else "",
    ]


def _work(spec: AssetSpec) -> str:
    if "script" in spec.steps:
        return "script"
    if "load" not in spec.steps:
        return "checks only" if spec.steps else "nothing"
    how = spec.materialization
    if spec.full_refresh:
        return "create+replace (full refresh)"
    key = how.incremental_key or ", ".join(c.name for c in spec.columns if c.primary_key)
    shown = f" ({key})" if key and how.strategy not in ("", "create+replace") else ""
    return (how.strategy or "create+replace") + shown


def _destination(spec: AssetSpec, prepared: Prepared) -> str:
    if not spec.connection or not {"load", "checks"} & set(spec.steps):
        return ""
    raw = prepared.environment.connections.get(spec.connection)
    return f"{raw.type}:{spec.connection}" if raw else spec.connection


def _environments(plan: Plan) -> str:
    needed = {(spec.python, _packages(plan, spec)) for spec in plan.assets}
    named = [f"python {python}, {packages}" for python, packages in sorted(needed)]
    return f"envs     {len(needed)} needed · {' · '.join(named)}"


def _packages(plan: Plan, spec: AssetSpec) -> str:
    """`pandas 2.3.1 +4` for a requirements file, the path of any other."""
    if spec.requirements is None:
        return "no packages"
    path = Path(plan.root, spec.requirements.path)
    if spec.requirements.kind == "pyproject":
        return printable(spec.requirements.path)
    lines = [line.partition("#")[0].strip() for line in path.read_text("utf-8").splitlines()]
    wanted = [line for line in lines if line and not line.startswith("-")]
    if not wanted:
        return "no packages"
    more = f" +{len(wanted) - 1}" if len(wanted) > 1 else ""
    return printable(wanted[0].replace("==", " ").partition(";")[0].strip()) + more
