"""Faults in the shape of `bruin validate -o json`, with places and hints added. For `validate`."""

import json
from collections.abc import Iterable
from typing import Any

from assets_parser.faults import Fault, Severity
from dispatcher.preparing import Checked

_PIPELINE = "_pipeline"  # the key of what concerns no single asset


def document(found: Iterable[Checked]) -> str:
    """A list with an object for each pipeline: its name, and its issues by asset."""
    return json.dumps([_pipeline(one) for one in found])


def _pipeline(one: Checked) -> dict[str, Any]:
    issues: dict[str, list[dict[str, Any]]] = {}
    for fault in one.faults:
        issues.setdefault(fault.asset or _PIPELINE, []).append(_issue(fault))
    return {"pipeline": one.pipeline.name, "issues": issues}


def _issue(fault: Fault) -> dict[str, Any]:
    return {
        "asset": fault.asset,
        "description": fault.message,
        "context": [fault.hint] if fault.hint else [],
        "severity": "critical" if fault.severity is Severity.ERROR else "warning",
        "rule": fault.rule,
        "file": fault.file,
        "line": fault.line,
        "column": fault.column,
    }
