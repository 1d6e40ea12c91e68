"""Data Vault strategies on DuckDB and PostgreSQL: what is stored once, and what a change adds."""

import pytest

from assets_parser.model import Column
from tests.support.sql_assets import House, house, server

__all__ = ["house", "server"]

LOAD = (Column(name="load_dts", type="timestamp"), Column(name="record_source", type="varchar"))
HUB = (
    Column(name="customer_hk", type="varchar"),
    Column(name="customer_bk", type="varchar"),
    *LOAD,
)
LINK = (
    Column(name="both_hk", type="varchar", primary_key=True),
    Column(name="customer_hk", type="varchar"),
    Column(name="order_hk", type="varchar"),
    *LOAD,
)
SATELLITE = (
    Column(name="parent", type="varchar", meta={"datavault_role": "parent_hash_key"}),
    Column(name="hashdiff", type="varchar"),
    Column(name="name", type="varchar"),
    *LOAD,
)


def rows(*values: str) -> str:
    """A query that gives the rows, each as its values in SQL."""
    return " union all ".join(f"select {one}" for one in values)


def hub_row(key: str, business: str, day: int) -> str:
    return (
        f"'{key}' as customer_hk, {business} as customer_bk, "
        f"timestamp '2024-01-{day:02} 00:00:00' as load_dts, 'crm' as record_source"
    )


def change(parent: str, diff: str, day: int, name: str = "x") -> str:
    return (
        f"'{parent}' as parent, '{diff}' as hashdiff, '{name}' as name, "
        f"timestamp '2024-01-{day:02} 00:00:00' as load_dts, 'crm' as record_source"
    )


def test_a_hub_keeps_the_earliest_row_of_each_key(house: House) -> None:
    query = rows(hub_row("a", "'A2'", 2), hub_row("a", "'A1'", 1), hub_row("b", "null", 1))
    assert house.run(query, "datavault_hub", columns=HUB) == 1
    assert (
        house.run(
            rows(hub_row("a", "'A0'", 1), hub_row("c", "'C'", 3)), "datavault_hub", columns=HUB
        )
        == 1
    )
    assert house.rows("customer_hk customer_bk") == [("a", "A1"), ("c", "C")]


def test_a_full_refresh_begins_a_hub_anew_by_its_own_rules(house: House) -> None:
    house.run(rows(hub_row("a", "'A'", 1)), "datavault_hub", columns=HUB)
    query = rows(hub_row("b", "'B2'", 2), hub_row("b", "'B1'", 1))
    assert house.run(query, "datavault_hub", columns=HUB, full_refresh=True) == 1
    assert house.rows("customer_hk customer_bk") == [("b", "B1")]


def test_a_link_is_stored_once(house: House) -> None:
    query = (
        "select 'x' as both_hk, 'c' as customer_hk, 'o' as order_hk, "
        "timestamp '2024-01-01 00:00:00' as load_dts, 'crm' as record_source"
    )
    assert [house.run(query, "datavault_link", columns=LINK) for _ in range(2)] == [1, 0]


def test_a_satellite_gains_a_row_for_each_change(house: House) -> None:
    first = rows(change("p", "1", 1), change("p", "1", 2), change("p", "2", 3), change("q", "1", 1))
    assert house.run(first, "datavault_satellite", columns=SATELLITE) == 3
    assert house.run(first, "datavault_satellite", columns=SATELLITE) == 0
    later = rows(change("p", "2", 4), change("p", "1", 5), change("q", "1", 2))
    assert house.run(later, "datavault_satellite", columns=SATELLITE) == 1
    found = [(row[0], row[1], row[2].day) for row in house.rows("parent hashdiff load_dts")]
    assert sorted(found) == [("p", "1", 1), ("p", "1", 5), ("p", "2", 3), ("q", "1", 1)]


@pytest.mark.parametrize("column", ["both_hk", "load_dts"])
def test_what_a_row_of_a_link_must_have_is_never_null(house: House, column: str) -> None:
    query = (
        "select 'x' as both_hk, 'c' as customer_hk, 'o' as order_hk, "
        "timestamp '2024-01-01 00:00:00' as load_dts, 'crm' as record_source"
    )
    kind = "timestamp" if column == "load_dts" else "varchar"
    lacking = f"select s.*, 1 as n from ({query}) s".replace("s.*", "s.*")
    named = [c.name if c.name != column else f"cast(null as {kind}) as {column}" for c in LINK]
    assert (
        house.run(f"select {', '.join(named)} from ({lacking}) t", "datavault_link", columns=LINK)
        == 0
    )
