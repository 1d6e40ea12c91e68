"""Which modules a source imports."""

from assets_parser.imports import top_level

_SOURCE = """
import os.path, duckdb
from bruin import query
from . import helper
def materialize():
    try:
        import sqlite3
    except ImportError:
        import pysqlite as sqlite3
    match 1:
        case 1:
            import inside_case
"""


def test_imports_anywhere_in_the_code_count_by_their_first_part() -> None:
    wanted = ("bruin", "duckdb", "inside_case", "os", "pysqlite", "sqlite3")
    assert top_level(_SOURCE) == wanted


def test_a_source_that_does_not_parse_imports_nothing() -> None:
    assert top_level("import os\ndef (") == ()
    assert top_level("import os\0") == ()
    assert top_level("import " + "(" * 100_000) == ()
    assert top_level("import os\n" * 200_000) == ()
