"""`fleet clean`: remove what old runs left."""

import json
from typing import TYPE_CHECKING, Any

import click

from dispatcher.flags import flag, output_flags, settings_flags
from dispatcher.look import Look
from dispatcher.problems import FleetError

if TYPE_CHECKING:
    from dispatcher.cleaning import Item

_UNITS = {"h": 3600.0, "d": 86_400.0, "w": 604_800.0}


@click.command()
@flag("--older-than", default="30d", metavar="AGE", help="Such as 12h or 4w; 30d if not given.")
@flag("--envs/--no-envs", default=True, help="Also environments that were not used for so long.")
@flag("--dry-run", is_flag=True, help="Only say what would go.")
@settings_flags
@output_flags
def command(
    *, older_than: str, envs: bool, dry_run: bool, overrides: dict[str, Any], look: Look
) -> None:
    """Remove logs, results and environments older than AGE. Runs that go on are left alone."""
    from dispatcher import cleaning, fleets, words

    settings = fleets.load_settings(overrides)
    engine = fleets.catalog(settings)
    age = _seconds(older_than)
    found = list(cleaning.find(settings, engine, age, envs=envs))
    for item in found:
        if (look.verbose or dry_run) and not look.as_json:
            look.terminal.line(f"  {words.size(item.bytes):>10}  {item.what}  {item.path}")
        if not dry_run and item.what != "environment":
            cleaning.remove(settings, item)
    if not dry_run:
        cleaning.note(engine, found)
    if envs and not dry_run:
        cleaning.evict(settings, age)
    _tell(look, found, dry_run=dry_run)


def _tell(look: Look, found: "list[Item]", *, dry_run: bool) -> None:
    from dispatcher import words

    if look.as_json:
        items = [{"what": i.what, "path": str(i.path), "bytes": i.bytes} for i in found]
        look.terminal.line(json.dumps({"v": 1, "removed": not dry_run, "items": items}))
        return
    total = words.size(sum(item.bytes for item in found))
    verb = "would free" if dry_run else "freed"
    kinds = sorted({item.what for item in found})
    counts = [words.some(sum(i.what == kind for i in found), kind) for kind in kinds]
    look.terminal.line(f"{verb} {total}{': ' + ', '.join(counts) if counts else ''}")


def _seconds(text: str) -> float:
    number, unit = text[:-1], text[-1:]
    if unit not in _UNITS or not number.isdigit():
        raise FleetError(f"--older-than {text}: no age", hint="such as 12h, 30d or 4w")
    return int(number) * _UNITS[unit]
