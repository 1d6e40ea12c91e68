"""Templates, against what Bruin's own renderer answered."""

import json
from typing import Any

import pytest

from assets_parser.faults import DefinitionError
from assets_parser.templates import Renderer
from tests.support import pack
from tests.support.expected import DECISIONS, expected

CASES = pack.cases("jinja.jsonl")
CONTEXTS = json.loads((pack.folder() / "context.json").read_text("utf-8"))["contexts"]


def answer(template: str, context: str) -> dict[str, Any]:
    """What we make of the template, in the pack's words."""
    try:
        text = Renderer(CONTEXTS[context]).render(template)
    except DefinitionError:
        return {"kind": "error"}
    return {"kind": "text", "text": text}


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_a_template_renders_as_bruin_renders_it(case: dict[str, Any]) -> None:
    """The same text, or an error where Bruin has one; differences are decided and recorded."""
    if case.get("undecided") and case["id"] not in DECISIONS | _AGREED:
        pytest.skip(f"undecided: {case['undecided']}")
    assert answer(case["template"], case["context"]) == expected(case)


_AGREED = {  # undecided in the pack; here as in Bruin
    "jinja/filters/tojson-list": "compact JSON",
    "jinja/date-filters/add-days-no-argument": "an error",
}
