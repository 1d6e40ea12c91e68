"""SQLite for queries of our own: patterns, and schemas kept in files of their own. Used by
workers.engines.
"""

import re
import sqlite3
from pathlib import Path
from typing import Any

from workers.connections import Connection

MOST = 10  # files that one SQLite connection can attach


def prepare(raw: Any, connection: Connection, *, write: bool) -> None:
    """Make a new link ready: REGEXP, the attached files, and no writing unless asked for."""
    driver: sqlite3.Connection = getattr(raw, "driver_connection", raw)
    driver.create_function("regexp", 2, _regexp, deterministic=True)
    if connection.file is None:
        return
    for schema, file in attached(connection.file):
        driver.execute(
            "ATTACH DATABASE ? AS " + '"' + schema.replace('"', '""') + '"', (str(file),)
        )
    if not write:
        driver.execute("PRAGMA query_only = 1")


def attached(file: Path) -> list[tuple[str, Path]]:
    """The schemas beside a SQLite database, `<base>__<schema><ext>`, as the loader keeps them."""
    prefix = f"{file.stem}__"
    found = [
        (path.stem.removeprefix(prefix), path)
        for path in sorted(file.parent.glob(f"{_literal(prefix)}*{_literal(file.suffix)}"))
        if path.is_file()
    ]
    return [(schema, path) for schema, path in found if schema and schema != "bruin_staging"][:MOST]


def _literal(text: str) -> str:
    return re.sub(r"([*?\[])", r"[\1]", text)


def _regexp(pattern: str, value: object) -> bool | None:
    return None if value is None else re.search(pattern, str(value)) is not None
