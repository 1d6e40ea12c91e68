"""The types of what materialize() returns: values and frames arrive in Arrow as what they are."""

import datetime as dt

import pytest

from tests.support.attempt import Bench
from tests.support.returned import FRAMES, home, place, read, returning, rows

__all__ = ["home", "place"]


def test_scalar_types_survive(place: Bench) -> None:
    """Decimals, dates, times, moments with and without zone, bytes, large ints, nested values."""
    text = (
        "[{'d': date(2024, 2, 29), 'ts': datetime(2024, 2, 29, 1, 2, 3, 4), 'tm': time(1, 2),"
        " 'tz': datetime(2024, 2, 29, 1, tzinfo=timezone(timedelta(hours=2))),"
        " 'dec': Decimal('12345.6789'), 'big': 9007199254740993, 'raw': b'\\x00\\xff',"
        " 'td': timedelta(hours=1), 'o': {'a': [{'k': 1}]}, 's': {1}, 'none': None}]"
    )
    imports = "from datetime import *\nfrom decimal import Decimal"
    table = read(place, place.table(returning(text, imports)).result)
    kinds = {field.name: str(field.type) for field in table.schema}
    row = table.to_pylist()[0]
    assert kinds["dec"] == "decimal128(9, 4)"
    assert kinds["none"] == "null"
    assert kinds["td"] == "duration[us]"
    assert row["d"] == dt.date(2024, 2, 29)
    assert row["ts"] == dt.datetime(2024, 2, 29, 1, 2, 3, 4)
    assert row["tz"].astimezone(dt.UTC) == dt.datetime(2024, 2, 28, 23, tzinfo=dt.UTC)
    assert (row["big"], row["raw"]) == (9007199254740993, b"\x00\xff")
    assert (row["o"], row["s"]) == ({"a": [{"k": 1}]}, [1])


def test_frame_types_survive(place: Bench) -> None:
    """Categories become text, nullable ints stay ints, nanoseconds become microseconds."""
    text = (
        "pd.DataFrame({'c': pd.Categorical(['a', 'b']), 'n': pd.array([1, None], dtype='Int64'),"
        " 't': pd.to_datetime(['2024-01-01', None]).astype('datetime64[ns]')})"
    )
    table = read(place, place.table(returning(text), requirements=FRAMES).result)
    assert table.column("c").to_pylist() == ["a", "b"]
    assert str(table.schema.field("n").type) == "int64"
    assert str(table.schema.field("t").type) == "timestamp[us]"


@pytest.mark.parametrize(
    "table",
    [
        "pa.table({'at': pa.array([1001, None], pa.timestamp('ns'))})",
        "pd.DataFrame({'at': pd.to_datetime([1001, None], unit='ns')})",
    ],
)
def test_digits_below_a_microsecond_are_cut_off_and_said(place: Bench, table: str) -> None:
    """No database here keeps them; one notice, however many rows."""
    result = place.table(returning(table), requirements=FRAMES).result
    moments = read(place, result).column("at").to_pylist()
    assert moments == [dt.datetime(1970, 1, 1, 0, 0, 0, 1), None]
    (notice,) = result["notices"]
    assert "column 'at' holds moments with digits below a microsecond" in notice


@pytest.mark.parametrize(
    "text",
    [
        "[{'at': dt.date(1970, 1, 1)}, {'at': dt.datetime(1970, 1, 1, 5)}]",
        "[{'at': dt.datetime(1970, 1, 1)}, {'at': dt.date(1970, 1, 1)}, {'at': None}]",
        "iter([pa.table({'at': [dt.date(1970, 1, 1)]}), pa.table({'at': [dt.datetime.min]})])",
    ],
)
def test_days_among_moments_are_moments(place: Bench, text: str) -> None:
    """pyarrow makes days of both when a day comes first, and drops the time without a word."""
    found = rows(place, returning(text, "import datetime as dt"), requirements=FRAMES)
    assert {type(row["at"]) for row in found} <= {dt.datetime, type(None)}
    assert found[0] == {"at": dt.datetime(1970, 1, 1)}


def test_missing_values_of_pandas_in_dicts_are_null(place: Bench) -> None:
    """`to_dict("records")` leaves NaT, NA and NaN among texts, which pyarrow refuses."""
    frame = (
        "pd.DataFrame({'at': pd.to_datetime(['1970-01-01', None]), 's': ['x', None],"
        " 'n': pd.array([1, None], dtype='Int64')}).to_dict('records')"
    )
    found = rows(place, returning(frame), requirements=FRAMES)
    assert found == [
        {"at": dt.datetime(1970, 1, 1), "s": "x", "n": 1},
        {"at": None, "s": None, "n": None},
    ]


@pytest.mark.parametrize(
    ("frame", "columns", "noticed"),
    [
        ("df.set_index('id')", ["v", "id"], False),
        ("df.sort_values('v', ascending=False)", ["id", "v"], True),
        ("df.set_axis(['x', 'y', 'z'])", ["id", "v", "__index_level_0__"], False),
        ("pd.DataFrame([[1, 2]])", ["0", "1"], False),
    ],
)
def test_pandas_index_rules(place: Bench, frame: str, columns: list[str], noticed: bool) -> None:
    """Named and text indexes are columns; unnamed row numbers are left out, and that is said."""
    code = (
        "import pandas as pd\ndef materialize():\n"
        f"    df = pd.DataFrame({{'id': [1, 2, 3], 'v': [10, 30, 20]}})\n    return {frame}\n"
    )
    result = place.table(code, requirements=FRAMES).result
    assert read(place, result).column_names == columns
    assert bool(result["notices"]) is noticed
