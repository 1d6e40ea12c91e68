"""Whole pipelines, against what Bruin's own loader answered."""

from pathlib import Path
from typing import Any

import pytest

from assets_parser.faults import DefinitionError
from assets_parser.pipeline import load
from tests.support import normal, pack
from tests.support.expected import expected
from tests.support.layout import lay_out

CASES = pack.cases("pipelines.jsonl")


def answer(folder: Path) -> dict[str, Any]:
    """What we make of the pipeline, in the pack's words."""
    try:
        loaded = load(folder)
    except DefinitionError:
        return {"kind": "error"}
    if loaded.errors:
        return {"kind": "error"}
    found: dict[str, Any] = {"kind": "pipeline", "value": normal.pipeline(loaded.pipeline)}
    if loaded.pipeline.unknown_fields:
        found["unknown_fields"] = list(loaded.pipeline.unknown_fields)
    return found


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_a_pipeline_loads_as_bruin_loads_it(case: dict[str, Any], tmp_path: Path) -> None:
    """Same kind, same values, same order of assets; differences are decided and recorded."""
    root = lay_out(case["files"], tmp_path)
    assert answer(root / case.get("pipeline", ".")) == expected(case)
