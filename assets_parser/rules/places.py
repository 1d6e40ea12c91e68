"""Faults with their place: every rule builds its faults here, and reads words of parameters."""

from dataclasses import replace

from assets_parser.faults import Fault, Severity
from assets_parser.model import Asset, Pipeline


def at_asset(
    asset: Asset, rule: str, message: str, *, field: str = "", line: int = 0, hint: str = ""
) -> Fault:
    """An error at a field of an asset (dotted, as in Asset.lines), or at a line if it is known."""
    return Fault(
        rule=rule,
        message=message,
        hint=hint,
        file=asset.path,
        line=line or line_of(asset, field),
        asset=asset.name,
    )


def warn_asset(
    asset: Asset, rule: str, message: str, *, field: str = "", line: int = 0, hint: str = ""
) -> Fault:
    """A warning at a field of an asset, or at a line if it is known."""
    fault = at_asset(asset, rule, message, field=field, line=line, hint=hint)
    return replace(fault, severity=Severity.WARNING)


def at_pipeline(
    pipeline: Pipeline,
    rule: str,
    message: str,
    *,
    field: str = "",
    hint: str = "",
    severity: Severity = Severity.ERROR,
) -> Fault:
    """A fault at a field of the pipeline file."""
    return Fault(
        rule=rule,
        message=message,
        hint=hint,
        file=pipeline.path,
        line=line_of(pipeline, field),
        severity=severity,
    )


def line_of(owner: Asset | Pipeline, field: str) -> int:
    """The line of a field, else of what holds it, else the first line of the definition."""
    while field:
        if line := owner.lines.get(field, 0):
            return line
        field = field.rpartition(".")[0]
    return min((line for line in owner.lines.values() if line), default=1)


def word_of(asset: Asset, name: str) -> str:
    """The text of a parameter without blanks around it; empty if it is no text."""
    value = asset.parameters.get(name)
    return value.strip() if isinstance(value, str) else ""
