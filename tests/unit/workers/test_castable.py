"""Values that a type cannot hold are found, others are let pass."""

from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from workers.castable import Column, refuse_lost
from workers.column_hints import Hint
from workers.errors import StepFailed


def look(hint: str, *chunks: list[Any]) -> Column:
    """A column after these chunks of values."""
    column = Column(Hint(name="c", type=hint))
    for values in chunks:
        column.take(pa.array(values))
    return column


@pytest.mark.parametrize(
    ("hint", "values"),
    [
        ("int", ["1", "-2", "+3", None]),
        ("int", [1.0, None]),
        ("int", [Decimal("2.00")]),
        ("tinyint", ["127", "-128"]),
        ("tinyint", [127, -128]),
        ("double", ["1", "1.5", "-.5", "1e-5"]),
        ("decimal(4,1)", ["999.9", "0001.25"]),
        ("decimal(4,1)", [999.9]),
        ("boolean", ["true", "FALSE", "0", "Y", "off"]),
        ("date", ["2024-02-29"]),
        ("date", ["01/02/2024", "2/29/2024", "2024/2/9"]),
        ("timestamp", ["2024-02-29 10:00:00", "2024-02-29T10:00:00.123456Z"]),
        ("timestamp", ["2024-01-01", "2024-01-01 10:00", "2024-01-01T10:00:00+02:00"]),
        ("timestamp", ["2024-01-01 10:00:00-0530", "1/2/2024 10:00"]),
        ("time", ["23:59:59"]),
        ("text", ["anything"]),
        ("int", [date(2024, 1, 1)]),
    ],
)
def test_what_fits_passes(hint: str, values: list[Any]) -> None:
    """Nothing is lost, nothing needs a rehearsal."""
    column = look(hint, values)
    assert (column.lost, column.doubtful) == (0, False)
    assert column.values == sum(value is not None for value in values)


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        ("int", "x"),
        ("int", "1.5"),
        ("int", "NaN"),
        ("int", "1" * 19 + "0"),
        ("int", 1.5),
        ("int", float("nan")),
        ("int", 1e30),
        ("int", Decimal("1.5")),
        ("tinyint", "128"),
        ("smallint", 2**15),
        ("decimal(4,1)", "1000"),
        ("decimal(4,1)", 1000.0),
        ("decimal(38,9)", float("inf")),
        ("time", "10:00:00.5"),
    ],
)
def test_what_is_lost_for_sure_is_counted(hint: str, value: Any) -> None:
    """With its row, over all chunks."""
    column = look(hint, [None, None], [value])
    assert (column.lost, column.first) == (1, 3)
    with pytest.raises(StepFailed, match=r"1 of column 'c' as .* in row 3"):
        refuse_lost([column])


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        ("int", " 2 "),
        ("int", "1.0"),
        ("double", "x"),
        ("date", "2024-02-30"),
        ("date", "13/02/2024"),
        ("date", "2/30/2024"),
        ("date", "5 Jan 2024"),
        ("timestamp", "2024-01-01 24:00:00"),
        ("timestamp", "2024-01-01 10:60"),
        ("boolean", "perhaps"),
    ],
)
def test_what_only_ingestr_knows_is_doubtful(hint: str, value: str) -> None:
    """It is asked."""
    column = look(hint, [value])
    assert (column.lost, column.doubtful) == (0, True)


def test_dictionaries_are_looked_into() -> None:
    """pandas' categories are such."""
    column = Column(Hint(name="c", type="int"))
    column.take(pa.array(["1", "x", "1"]).dictionary_encode())
    assert (column.lost, column.first) == (1, 2)
