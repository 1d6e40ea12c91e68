"""What a source reaches: imported modules, named database files, files of its own project."""

from pathlib import Path

import pytest

from assets_parser.imports import Reach, files, of

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


def _imports(source: str, folder: Path) -> tuple[str, ...]:
    return of(source, folder, folder).imports


def test_imports_anywhere_in_the_code_count_by_their_first_part(tmp_path: Path) -> None:
    wanted = ("bruin", "duckdb", "helper", "inside_case", "os", "pysqlite", "sqlite3")
    assert _imports(_SOURCE, tmp_path) == wanted


def test_a_source_that_does_not_parse_imports_nothing(tmp_path: Path) -> None:
    assert _imports("import os\ndef (", tmp_path) == ()
    assert _imports("import os\0", tmp_path) == ()
    assert _imports("import " + "(" * 100_000, tmp_path) == ()
    assert _imports("import os\n" * 200_000, tmp_path) == ()


def test_database_files_count_by_their_last_part() -> None:
    text = "connect(f'{ROOT}/data/sales-2.duckdb'); 'C:\\x\\app.sqlite3'; x.dbt, y.db_path, z.db"
    assert files(text) == ("app.sqlite3", "sales-2.duckdb", "z.db")
    assert files("ATTACH 'lake.ddb' AS lake") == ("lake.ddb",)


def test_modules_and_scripts_of_the_project_are_followed(tmp_path: Path) -> None:
    """Beside the source, in the folders above it that scripts add to sys.path, at the root."""
    assets = tmp_path / "pipeline" / "assets" / "raw"
    for path, text in {
        "pipeline/assets/raw/_beside.py": "import duckdb\nfrom . import _beside",
        "pipeline/assets/lib/config.py": "DB = 'shop.duckdb'",
        "etl/__init__.py": "import sqlite3",
        "etl/load.py": "FILE = 'app.db'",
        "scripts/run.py": "import etl.load",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, "utf-8")
    source = "from ._beside import x\nfrom lib.config import DB\nrun(['python', 'scripts/run.py'])"
    reach = of(source, assets, tmp_path)
    assert reach.files == ("app.db", "shop.duckdb")
    assert {"duckdb", "etl", "lib"} <= set(reach.imports)


@pytest.mark.parametrize(
    "source",
    [
        "subprocess.run(['dbt', 'build', '--select', 'marts'])",
        "os.system('cd dbt && uv run dbt run')",
        "run(['sh', 'tool.sh'])",
        "from dbt.cli.main import dbtRunner",
        "dlt.pipeline('chess', destination='duckdb')",
        "dlt.destinations.duckdb(os.environ['DB'])",
        "ibis.duckdb.connect(PATH)",
        "create_engine(f'duckdb:///{PATH}')",
    ],
)
def test_duckdb_opened_through_another_program_or_library_counts(
    source: str, tmp_path: Path
) -> None:
    (tmp_path / "tool.sh").write_text("#!/bin/sh\nexec dbt build\n", "utf-8")
    assert "duckdb" in of(source, tmp_path, tmp_path).imports


@pytest.mark.parametrize(
    "source",
    [
        "query('SELECT 1', connection='duckdb-default')",
        "print('rows for dbt runs later')",
        "folder = 'duckdb/exports'",
        "# the table goes to duckdb",
    ],
)
def test_a_word_about_duckdb_opens_nothing(source: str, tmp_path: Path) -> None:
    assert of(source, tmp_path, tmp_path) == Reach()


def test_what_a_shell_script_or_a_module_option_starts_is_followed(tmp_path: Path) -> None:
    for path, text in {
        "scripts/run.sh": '#!/bin/sh\npython scripts/load.py "$@"\n',
        "scripts/load.py": "import duckdb; duckdb.connect('a.duckdb')",
        "etl/report.py": "duckdb.connect('b.duckdb')",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, "utf-8")
    source = "run([ROOT / 'scripts/run.sh'])\nrun([sys.executable, '-m', 'etl.report'])"
    apart = "run([ROOT / 'scripts' / 'load.py'])"
    assert of(apart, tmp_path / "assets", tmp_path).files == ("a.duckdb",)
    reach = of(source, tmp_path / "assets", tmp_path)
    assert reach == Reach(imports=("duckdb",), files=("a.duckdb", "b.duckdb"))


def test_nothing_outside_of_the_project_is_read(tmp_path: Path) -> None:
    (tmp_path / "outside.py").write_text("x = 'secret.db'")
    root = tmp_path / "project"
    root.mkdir()
    assert of("import outside\nrun('../outside.py')", root, root).files == ()


def test_a_very_long_word_is_read_once() -> None:
    """Such as data that stands in the source; word by word, this would take half an hour."""
    words = "a" * 900_000, "a." * 450_000, "a/" * 450_000
    assert [files(word) for word in words] == [(), (), ()]
    assert of("/".join(words), Path("/nowhere"), Path("/nowhere")) == Reach()
    assert files("'" + "a" * 100_000 + ".db'") == ("a" * 100_000 + ".db",)
