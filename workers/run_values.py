"""Values of variables that connections of one run need and that this host's workers may lack.

The command that submits a run leaves them in a 0600 file; steps read them over their own
environment; it goes when the run is over. Only fleets on the submitter's own host get one.
"""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from workers.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Engine

_YOUNG = 3600.0  # seconds in which a run that another catalog holds may still need its values


def path(settings: Settings, run_id: str) -> Path:
    """Where the values of a run are, if it has any."""
    return settings.run_dir / f"{run_id}.env"


def environ(settings: Settings, run_id: str, own: Mapping[str, str]) -> Mapping[str, str]:
    """`own` with the run's values over it: what `${NAME}` in .bruin.yml stands for."""
    try:
        values = json.loads(path(settings, run_id).read_text("utf-8"))
    except FileNotFoundError:
        return own
    return {**own, **values}


def sweep(engine: "Engine", settings: Settings) -> None:
    """Remove the values of runs that are over, also of those that nobody followed to their end."""
    from catalog import runs  # noqa: PLC0415 - steps read values without a catalog

    for left in settings.run_dir.glob("*.env"):
        try:
            over = runs.get(engine, left.stem).ended_at is not None
        except LookupError:
            over = _is_old(left)
        if over:
            left.unlink(missing_ok=True)


def _is_old(left: Path) -> bool:
    try:
        return time.time() - left.stat().st_mtime > _YOUNG
    except FileNotFoundError:  # somebody else removed it meanwhile
        return False
