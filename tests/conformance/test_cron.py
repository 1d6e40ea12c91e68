"""Schedules, against what Bruin's cron reader answered."""

from typing import Any

import pytest

from assets_parser.cron import check
from tests.support import pack
from tests.support.expected import DECISIONS, expected

CASES = pack.cases("cron.jsonl")


def answer(expression: str) -> str:
    """What we make of the expression, in the pack's words."""
    try:
        check(expression)
    except ValueError:
        return "error"
    return "ok"


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_a_schedule_is_taken_or_refused_as_bruin_does(case: dict[str, Any]) -> None:
    """The same answer; differences are decided and recorded."""
    if case.get("undecided") and case["id"] not in DECISIONS and case["id"] not in _AGREED:
        pytest.skip(f"undecided: {case['undecided']}")
    assert answer(case["expr"]) == expected(case)


_AGREED = {  # undecided in the pack; here as in Bruin
    "cron/zones/14": "an error",
    "cron/zones/15": "an error, where the zone files have exact names",
}
