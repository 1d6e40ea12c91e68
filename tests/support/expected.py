"""What counts for a recorded definition case: our decision, the pack's own deviation, or Bruin."""

from typing import Any

from tests.support import pack

DECISIONS = pack.decisions()


def expected(case: dict[str, Any]) -> dict[str, Any]:
    """The expectation of a case."""
    decision = DECISIONS.get(case["id"], {})
    found: dict[str, Any] = decision.get("expect") or case.get("expect_ours") or case["expect"]
    return found
