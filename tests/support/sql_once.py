"""Attempts of one run to add a row to a table of SQL, with each strategy."""

from typing import Any

from tests.support.sql_assets import KEY, NAME, House
from workers.context import StepContext

FIRST = "select 1 as id, 'a' as name, date '2024-01-01' as d"
SECOND = "select 2 as id, 'b' as name, date '2024-01-01' as d"
STRATEGIES: dict[str, dict[str, Any]] = {
    "append": {},
    "create+replace": {},
    "delete+insert": {"incremental_key": "id"},
    "merge": {"columns": (KEY, NAME)},
    "scd2_by_column": {"columns": (KEY, NAME), "full_refresh": False},
    "time_interval": {"incremental_key": "d", "time_granularity": "date"},
    "truncate+insert": {},
    "view": {"form": "view"},
}


def prepare(house: House, strategy: str) -> None:
    """The table as an earlier run has left it."""
    if strategy == "scd2_by_column":
        house.run(FIRST, strategy, columns=(KEY, NAME), full_refresh=True)
    elif strategy != "view":
        house.run(FIRST)


def second(house: House, strategy: str, attempt: int = 1, **given: Any) -> StepContext:
    """An attempt to write the second row, all of one run."""
    house.target.attempt = attempt
    details = STRATEGIES[strategy] | given
    return house.context(SECOND, "" if strategy == "view" else strategy, run_id="r2", **details)


def keys(house: House) -> list[Any]:
    """The ids in the table; both of a history."""
    return sorted(row[0] for row in house.rows("id"))
