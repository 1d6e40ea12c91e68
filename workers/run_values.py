"""Values of variables that connections of one run need and that this host's workers may lack.

The command that submits a run leaves them in a 0600 file; steps read them over their own
environment; it goes when the run is over. Only fleets on the submitter's own host get one.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from workers.settings import Settings


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
