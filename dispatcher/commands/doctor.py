"""`fleet doctor`: does everything that a run needs work on this host?"""

import json
from dataclasses import asdict
from typing import Any

import click

from dispatcher.flags import output_flags, settings_flags
from dispatcher.look import Look
from dispatcher.terminal import Terminal

_INDENT = 12  # columns before what is found


@click.command()
@settings_flags
@output_flags
def command(*, overrides: dict[str, Any], look: Look) -> int:
    """Check broker, catalog, storage, uv, Pythons and one real load. Exits 1 if one fails."""
    from dispatcher import diagnosis, fleets

    settings = fleets.load_settings(overrides)
    findings = []
    for finding in diagnosis.examine(settings):
        findings.append(finding)
        if not look.as_json and not (look.quiet and finding.ok):
            _show(look.terminal, finding)
    if look.as_json:
        look.terminal.line(
            json.dumps({"v": 1, "findings": [asdict(finding) for finding in findings]})
        )
    return 0 if all(finding.ok for finding in findings) else 1


def _show(terminal: Terminal, finding: Any) -> None:
    sign = terminal.sign("succeeded" if finding.ok else "failed")
    first, *rest = terminal.wrap(finding.text, finding.hint, indent=_INDENT)
    terminal.line(f"{sign} {finding.name:<9} {first}")
    for line in rest:
        terminal.line(" " * _INDENT + line)
