"""scd2 on DuckDB and PostgreSQL: the history over several runs is what was true, and stays."""

import random
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from assets_parser.model import Column
from tests.support.sql_assets import DAY, KEY, SOURCE, House, house, server
from workers.errors import StepFailed

__all__ = ["house", "server"]

QUERY = "select id, name, d from raw.src"
COLUMNS = (KEY, Column(name="name", type="varchar"), DAY)


@pytest.fixture
def shop(house: House) -> House:
    """A database whose source holds two rows, which are the first versions."""
    house.sql(*SOURCE)
    return house


def by_column(house: House, **given: Any) -> Any:
    return house.run(QUERY, "scd2_by_column", columns=COLUMNS, **given)


def by_time(house: House, **given: Any) -> Any:
    return house.run(QUERY, "scd2_by_time", columns=COLUMNS, incremental_key="d", **given)


def history(house: House) -> list[Sequence[Any]]:
    """All versions: key, name, from, until, whether it is current."""
    found = house.rows("id name _valid_from _valid_until _is_current")
    return sorted(found, key=lambda row: (row[0] is None, row[0], row[2]))


def test_the_first_run_needs_a_full_refresh(shop: House) -> None:
    with pytest.raises(StepFailed, match=r"no table shop\.t"):
        by_column(shop)
    assert by_column(shop, full_refresh=True) == 2
    assert [row[4] for row in history(shop)] == [True, True]
    assert {row[3].year for row in history(shop)} == {9999}


def test_a_run_without_changes_changes_nothing(shop: House) -> None:
    by_column(shop, full_refresh=True)
    before = history(shop)
    assert by_column(shop) == 0
    assert history(shop) == before


def test_four_runs_leave_every_version_and_every_gap(shop: House) -> None:
    by_column(shop, full_refresh=True)
    shop.sql("update raw.src set name = null where id = 2", "delete from raw.src where id = 1")
    assert by_column(shop) == 1
    shop.sql("insert into raw.src values (1, 'a', '2024-01-01')")
    assert by_column(shop) == 1
    closed = [row for row in history(shop) if not row[4]]
    shop.sql("update raw.src set name = 'c' where id = 2")
    assert by_column(shop) == 1
    versions = history(shop)
    assert [(row[0], row[1], row[4]) for row in versions] == [
        (1, "a", False),
        (1, "a", True),
        (2, "b", False),
        (2, None, False),
        (2, "c", True),
    ]
    assert versions[0][3] < versions[1][2]  # the gap
    assert versions[2][3] == versions[3][2]  # a change leaves none
    assert versions[3][3] == versions[4][2]
    assert set(closed) <= set(versions)  # a closed version never changes again


@pytest.mark.parametrize("seed", range(3))
def test_any_history_is_the_one_that_was_seen(house: House, seed: int) -> None:
    chance, model = random.Random(seed), Model()
    house.sql("create schema raw", "create table raw.src (id integer, name varchar(9), d date)")
    for run in range(6):
        names = ["a", "b", None]
        state = {key: chance.choice(names) for key in (1, 2, 3, None) if chance.random() < 0.7}
        house.sql("delete from raw.src", *(inserted(key, name) for key, name in state.items()))
        by_column(house, full_refresh=run == 0)
        model.see(run, state)
    assert numbered(history(house)) == numbered(model.versions)


class Model:
    """What the history must be: versions as key, name, first run, last run, current."""

    def __init__(self) -> None:
        self.versions: list[list[Any]] = []

    def see(self, run: int, state: Mapping[int | None, str | None]) -> None:
        """Take note of what the source holds at a run."""
        current = {version[0]: version for version in self.versions if version[4]}
        for key, version in current.items():
            if key not in state or state[key] != version[1]:
                version[3:] = [run, False]
        for key, name in state.items():
            if key not in current or not current[key][4]:
                self.versions.append([key, name, run, 99, True])


def inserted(key: int | None, name: str | None) -> str:
    """The statement that adds a row to the source."""
    text = "null" if name is None else f"'{name}'"
    return f"insert into raw.src values ({'null' if key is None else key}, {text}, null)"


def numbered(versions: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
    """The versions with the moments counted instead of told."""
    moments = sorted({moment for version in versions for moment in version[2:4]})
    found = [(*v[:2], moments.index(v[2]), moments.index(v[3]), v[4]) for v in versions]
    return sorted(found, key=repr)


def test_keys_with_a_null_have_a_history_too(shop: House) -> None:
    shop.sql("insert into raw.src values (null, 'n', null)")
    by_column(shop, full_refresh=True)
    assert by_column(shop) == 0
    shop.sql("update raw.src set name = 'N' where id is null")
    assert by_column(shop) == 1
    assert [row[1] for row in history(shop) if row[0] is None] == ["n", "N"]


def test_two_rows_of_one_key_are_refused(shop: House) -> None:
    by_column(shop, full_refresh=True)
    shop.sql("insert into raw.src values (1, 'again', '2024-01-01')")
    with pytest.raises(StepFailed, match="several rows for one primary key"):
        by_column(shop)
    assert len(history(shop)) == 2


def test_the_time_of_a_change_bounds_both_versions(shop: House) -> None:
    by_time(shop, full_refresh=True)
    shop.sql("update raw.src set name = 'B', d = '2024-02-02' where id = 2")
    shop.sql("insert into raw.src values (3, 'c', '2024-01-03')")
    assert by_time(shop) == 2
    versions = [(row[0], row[1], f"{row[2]:%m-%d}", f"{row[3]:%m-%d}") for row in history(shop)]
    assert versions == [
        (1, "a", "01-01", "12-31"),
        (2, "b", "01-02", "02-02"),
        (2, "B", "02-02", "12-31"),
        (3, "c", "01-03", "12-31"),
    ]


def test_a_change_whose_time_did_not_move_is_none(shop: House) -> None:
    by_time(shop, full_refresh=True)
    shop.sql("update raw.src set name = 'B' where id = 2")
    assert by_time(shop) == 0
    assert [row[1] for row in history(shop)] == ["a", "b"]


def test_a_row_that_comes_back_with_its_old_time_is_true_from_now(shop: House) -> None:
    by_time(shop, full_refresh=True)
    shop.sql("delete from raw.src where id = 1")
    assert by_time(shop) == 0
    shop.sql("insert into raw.src values (1, 'a', '2024-01-01')")
    assert by_time(shop) == 1
    assert by_time(shop) == 0
    gone, back, _ = history(shop)
    assert gone[3] < back[2]
    shop.sql("update raw.src set d = '2024-03-03' where id = 1")  # known late: after it came back
    assert by_time(shop) == 1
    versions = [row for row in history(shop) if row[0] == 1]
    assert [row[2] < row[3] for row in versions] == [True] * 3
    assert versions[1][3] == versions[2][2]


def test_a_column_change_may_name_its_own_time(shop: House) -> None:
    by_column(shop, full_refresh=True, incremental_key="d")
    shop.sql("update raw.src set name = 'B', d = '2024-02-02' where id = 2")
    by_column(shop, incremental_key="d")
    versions = [row for row in history(shop) if row[0] == 2]
    assert versions[0][3] == versions[1][2]
    assert f"{versions[1][2]:%Y-%m-%d}" == "2024-02-02"


def test_a_table_without_history_is_not_taken_for_one(shop: House) -> None:
    shop.run(QUERY)
    with pytest.raises(StepFailed, match="keeps no history"):
        by_column(shop)


def test_the_columns_of_the_history_are_not_the_querys(shop: House) -> None:
    with pytest.raises(StepFailed, match="_is_current"):
        query = "select 1 as id, true as _is_current"
        shop.run(query, "scd2_by_column", columns=(KEY,), full_refresh=True)
