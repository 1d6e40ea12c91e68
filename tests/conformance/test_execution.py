"""Recorded pipelines through `fleet run`: the same statuses, the same tables, the same lines.

Those of Python assets are in test_execution_python, so that two processes share the work.
"""

import pytest

from tests.support import replaying
from tests.support.replaying import Case, Replay

CASES = [case for case in replaying.cases() if not replaying.is_python(case)]


@pytest.mark.conformance
@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_a_pipeline_leaves_what_bruin_leaves(
    case: Case, replay: Replay, request: pytest.FixtureRequest
) -> None:
    """Exit code, statuses, tables with types and keys, and the lines that assets print."""
    replaying.hold(case, replay, request)
