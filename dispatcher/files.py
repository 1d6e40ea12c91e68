"""Small JSON files that only this user may read: records of fleets, values of a run."""

import json
import os
import secrets
from pathlib import Path
from typing import Any


def write_private(path: Path, data: Any) -> None:
    """Write JSON to a file of mode 0600, aside first and then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(data, file)
    aside.replace(path)


def read_private(path: Path) -> Any:
    """What `write_private` wrote, or None if there is no such file or it is not whole."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None
