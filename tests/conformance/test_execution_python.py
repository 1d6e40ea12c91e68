"""Recorded Python assets through `fleet run`; the other cases are in test_execution."""

import pytest

from tests.support import replaying
from tests.support.replaying import Case, Replay

CASES = [case for case in replaying.cases() if replaying.is_python(case)]


@pytest.mark.conformance
@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_a_python_asset_leaves_what_bruin_leaves(
    case: Case, replay: Replay, request: pytest.FixtureRequest
) -> None:
    """Exit code, statuses, tables with types and keys, and the lines that assets print."""
    replaying.hold(case, replay, request)
