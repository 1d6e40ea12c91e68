"""Every container that materialize() may return its rows in, and what is refused in words."""

import decimal
from typing import Any

import pytest

from tests.support.attempt import Bench
from tests.support.returned import FRAMES, home, place, read, returning, rows
from workers.errors import StepFailed

__all__ = ["home", "place"]

OTHER_PYTHONS = ("3.9", "3.10", "3.12", "3.13")


def refused(place: Bench, code: str, **given: Any) -> str:
    """The words with which a value is refused; nothing of it is on storage."""
    with pytest.raises(StepFailed) as caught:
        place.table(code, **given)
    assert caught.value.kind == "materialize"
    assert not list(place.settings.storage_path.rglob("*part*"))
    return caught.value.message


@pytest.mark.parametrize("text", ["None", "[]", "()", "(x for x in [])", "iter([[], []])"])
def test_nothing_returned_is_no_data(place: Bench, text: str) -> None:
    """No file is written, and the load will be skipped."""
    assert place.table(returning(text)).result["data"] is None


def test_an_empty_table_is_data_without_rows(place: Bench) -> None:
    """Its columns are known, so a replace empties the table."""
    code = returning("pa.table({'id': pa.array([], pa.int64())})")
    table = read(place, place.table(code).result)
    assert (table.num_rows, table.column_names) == (0, ["id"])


@pytest.mark.parametrize("python", ["3.11", *OTHER_PYTHONS])
def test_lists_of_dicts_take_the_union_of_keys(place: Bench, python: str) -> None:
    """Rows that lack a key hold null there; tuples and lists are the same; types are kept."""
    code = returning("({'id': 1, 'a': 'x', 'f': 1}, {'id': None, 'b': True, 'f': 2.5})")
    assert rows(place, code, python=python) == [
        {"id": 1, "a": "x", "f": 1.0, "b": None},
        {"id": None, "a": None, "f": 2.5, "b": True},
    ]


@pytest.mark.parametrize("python", ["3.11", *OTHER_PYTHONS])
def test_a_stream_may_widen_and_gain_columns(place: Bench, python: str) -> None:
    """Ints become floats, nulls find a type, structs grow, keys come late: nothing is lost."""
    code = (
        "from decimal import Decimal\n"
        "def materialize():\n"
        "    for i in range(25000):\n"
        "        row = {'id': i, 'n': None if i < 12000 else 'x', 'v': i if i < 11000 else 0.5,\n"
        "               'd': Decimal('1.5') if i < 15000 else Decimal('123.25'),\n"
        "               'o': {'a': i} if i < 11000 else {'b': 1.5},\n"
        "               'l': [] if i < 12000 else [i]}\n"
        "        if i > 21000: row['late'] = i\n"
        "        yield row\n"
    )
    found = rows(place, code, python=python)
    assert [row["id"] for row in found] == list(range(25000))
    assert found[5] == {
        "id": 5, "n": None, "v": 5.0, "d": decimal.Decimal("1.50"), "o": {"a": 5, "b": None},
        "l": [], "late": None,
    }  # fmt: skip
    assert found[22000] == {
        "id": 22000, "n": "x", "v": 0.5, "d": decimal.Decimal("123.25"),
        "o": {"a": None, "b": 1.5}, "l": [22000], "late": 22000,
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "iter([{'id': 1}, {'id': 2}, {'id': 3}])",
        "iter([[{'id': 1}, {'id': 2}], [], None, [{'id': 3}]])",
        "iter([{'id': 1}, pa.table({'id': [2, 3]})])",
        "[pa.table({'id': [1, 2]}), pa.table({'id': [3]})]",
        "pa.table({'id': [1, 2, 3]})",
        "pa.RecordBatch.from_pydict({'id': [1, 2, 3]})",
        "pa.table({'id': [1, 2, 3]}).to_reader()",
        "iter([pa.table({'id': [1]}).to_batches()[0], pa.table({'id': [2, 3]}).to_reader()])",
        "pd.DataFrame({'id': [1, 2, 3]})",
        "(pd.DataFrame({'id': [i]}) for i in (1, 2, 3))",
        "pl.DataFrame({'id': [1, 2, 3]})",
        "pl.LazyFrame({'id': [1, 2, 3]})",
        "(pl.DataFrame({'id': [i]}) for i in (1, 2, 3))",
    ],
)
def test_every_container_gives_the_same_rows(place: Bench, text: str) -> None:
    """Dicts, pages, Arrow tables, batches, readers and both kinds of frames."""
    code = returning(text)
    assert rows(place, code, requirements=FRAMES) == [{"id": 1}, {"id": 2}, {"id": 3}]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{'id': 1}", "returned dict; for one row return it in a list"),
        ("'hello'", "returned str"),
        ("7", "returned int"),
        ("[1, 2]", "int"),
        ("pd.Series([1])", "pandas.Series; use to_frame()"),
        ("pl.Series([1])", "polars.Series; use to_frame()"),
        ("pa.array([1])", "pyarrow.Int64Array"),
        ("[{'v': 1}, {'v': 'two'}]", "int (first in row 1), str (first in row 2)"),
        ("[{'i': 2 ** 70}]", "column 'i'"),
        ("[{'u': uuid.uuid4()}]", "column 'u'"),
        ("[{}, {}]", "without any key"),
        ("iter([pa.table({'v': [1]}), pa.table({'v': ['x']})])", "'v' holds int64 and string"),
        ("pd.DataFrame({'v': [1, 'x']})", "cannot become an Arrow table"),
    ],
)
def test_what_cannot_be_loaded_is_refused_in_words(place: Bench, text: str, said: str) -> None:
    """The message says what came, where, and what would be accepted."""
    code = returning(text, "import uuid")
    assert said in refused(place, code, requirements=FRAMES)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("async def materialize():\n    return []", "must not be async"),
        ("async def materialize():\n    yield {}", "must not be async"),
        ("def materialize(start):\n    return []", "missing 1 required positional argument"),
        ("rows = []", "defines no function materialize()"),
        ("def materialize():\n    yield {'a': 1}\n    raise KeyError('gone')", "KeyError: 'gone'"),
        ("import sys\ndef materialize():\n    sys.exit(3)", "exit code 3"),
    ],
)
def test_functions_that_cannot_be_used_fail(place: Bench, code: str, said: str) -> None:
    """Nothing is left on storage."""
    assert said in refused(place, code)
    assert not list(place.settings.storage_path.rglob(".parts-*"))


def test_leaving_with_zero_is_no_data(place: Bench) -> None:
    """sys.exit(0) inside materialize() succeeds without data, and says so."""
    result = place.table("import sys\ndef materialize():\n    sys.exit(0)\n").result
    assert result["data"] is None
    assert "exit code 0" in result["notices"][0]


def test_a_module_is_imported_once_under_its_dotted_name(place: Bench) -> None:
    """Its guard does not fire; its package works; the project root comes first on the path."""
    place.write("pyarrow.py", "raise RuntimeError('the project must not get in between')")
    place.write("assets/helper.py", "WORD = 'x'")
    code = (
        "from .helper import WORD\nprint('OUT', __name__, WORD)\n"
        "if __name__ == '__main__':\n    print('OUT guard')\n"
        "def materialize():\n    return [{'id': 1}]\n"
    )
    assert rows(place, code) == [{"id": 1}]
    assert place.log.own == ["OUT assets.orders x"]


def test_a_changed_asset_is_not_taken_from_a_cache(place: Bench) -> None:
    """Two versions of one length within one second are two versions."""
    assert rows(place, returning("[{'id': 1}]")) == [{"id": 1}]
    assert rows(place, returning("[{'id': 2}]")) == [{"id": 2}]


def test_a_link_in_place_of_the_data_is_refused(place: Bench) -> None:
    """A file that the asset did not write itself is never published."""
    code = (
        "import atexit, os, sys\n"
        "def materialize():\n"
        "    job = [f for f in sys._getframe(1).f_locals.values() if isinstance(f, dict)][0]\n"
        "    path = os.path.join(job['output'], 'data.arrow')\n"
        "    atexit.register(lambda: (os.unlink(path), os.symlink('/etc/passwd', path)))\n"
        "    return [{'id': 1}]\n"
    )
    assert "no regular Arrow file" in refused(place, code)


def test_a_long_stream_needs_little_memory(place: Bench) -> None:
    """A million rows that widen on the way stay far below what they would weigh as a whole."""
    code = (
        "import resource, sys\n"
        "def materialize():\n"
        "    for i in range(1_000_000):\n"
        "        yield {'id': i, 'half': i / 2 if i > 900_000 else i, 'name': 'n%d' % (i % 7)}\n"
        "    size = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "    print('OUT', size // (1024 if sys.platform == 'linux' else 1024 ** 2))\n"
    )
    assert place.table(code).result["data"]["rows"] == 1_000_000
    assert int(place.log.own[0].split()[1]) < 250
