"""What was measured, as a Markdown table or as JSON."""

import json
import os
from dataclasses import dataclass

from benchmarks.measure import Medians
from benchmarks.works import Work

_HEAD = ("work", "Bruin", "target", "measured", "baseline", "x baseline", "notes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One work and what came out; `fault` says why it could not be measured."""

    name: str
    work: Work
    medians: Medians | None = None
    notes: str = ""
    fault: str = ""


def markdown(rows: list[Row]) -> str:
    """The table, and below it what each baseline is."""
    lines = [_line(_HEAD), _line(["---"] * len(_HEAD))]
    lines += [_line(_cells(row)) for row in rows]
    baselines = {row.work.baseline: None for row in rows}
    return "\n".join([*lines, "", "Baselines: " + "; ".join(baselines) + "."])


def _cells(row: Row) -> list[str]:
    work, medians = row.work, row.medians
    head = [work.title, work.bruin, work.target]
    if medians is None:
        return [*head, "-", "-", "-", f"not measured: {row.fault}"]
    ratio = f"{medians.seconds / medians.baseline:.2f}"
    return [*head, _seconds(medians.seconds), _seconds(medians.baseline), ratio, row.notes]


def _seconds(value: float) -> str:
    return f"{value:.2f}" if value < 10 else f"{value:.1f}"


def _line(cells: object) -> str:
    return "| " + " | ".join(cells) + " |"  # type: ignore[arg-type]


def as_json(rows: list[Row]) -> str:
    """Every single time, for programs."""
    told = [_facts(row) for row in rows]
    return json.dumps({"v": 1, "cores": os.cpu_count(), "works": told}, indent=1)


def _facts(row: Row) -> dict[str, object]:
    medians = row.medians
    facts = {"name": row.name, "title": row.work.title, "bruin": row.work.bruin}
    facts |= {"target": row.work.target, "notes": row.notes, "fault": row.fault}
    if medians is None:
        return dict(facts)
    return facts | {"seconds": list(medians.work), "baseline": list(medians.base)}
