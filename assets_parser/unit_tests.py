"""`unit_tests` of SQL assets and `fixtures` of pipelines. Field tables call it.

They are read and kept, not run.
"""

from assets_parser.fields import (
    Table,
    Values,
    entries,
    free_map,
    integer,
    record,
    sequence,
    text,
    texts,
)
from assets_parser.source import Source
from assets_parser.yaml_text import Node, is_null

_ROWS = sequence(free_map)
_RESULT: Table = {"rows": _ROWS, "count": integer, "match": text, "order": text}
_INPUT: Table = {"asset": text, "rows": _ROWS}


def _ctes(source: Source, node: Node, path: str) -> dict[str, Values]:
    """What is expected of each CTE by its name."""
    read = record(_RESULT)
    return {
        name: {} if is_null(value) else read(source, value, f"{path}.{name}") or {}
        for name, (_key, value) in (entries(source, node) or {}).items()
    }


unit_tests = sequence(
    record(
        {
            "name": text,
            "description": text,
            "inputs": sequence(record(_INPUT)),
            "fixtures": texts,
            "variables": free_map,
            "execution_time": text,
            "expected": record({**_RESULT, "ctes": _ctes}),
        }
    )
)
fixtures = sequence(record({"name": text, **_INPUT}))
