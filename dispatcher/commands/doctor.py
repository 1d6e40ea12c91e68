"""`fleet doctor`: does everything that a run needs work on this host?"""

import json
from dataclasses import asdict
from typing import Any

import click

from dispatcher.flags import output_flags, settings_flags
from dispatcher.terminal import Terminal


@click.command()
@settings_flags
@output_flags
def command(
    overrides: dict[str, Any], terminal: Terminal, as_json: bool, quiet: bool, verbose: bool
) -> int:
    """Check broker, catalog, storage, uv, Pythons, and one real small load. Exits 1 if one fails."""
    from dispatcher import diagnosis, fleets

    settings = fleets.load_settings(overrides)
    findings = []
    for finding in diagnosis.examine(settings):
        findings.append(finding)
        if not as_json and not (quiet and finding.ok):
            _show(terminal, finding)
    if as_json:
        terminal.line(json.dumps({"v": 1, "findings": [asdict(finding) for finding in findings]}))
    return 0 if all(finding.ok for finding in findings) else 1


def _show(terminal: Terminal, finding: Any) -> None:
    sign = terminal.sign("succeeded" if finding.ok else "failed")
    hint = f"    {finding.hint}" if finding.hint else ""
    terminal.line(f"{sign} {finding.name:<9} {finding.text}{hint}")
