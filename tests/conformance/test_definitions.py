"""Definition files alone, against what Bruin's own parser answered."""

from pathlib import Path
from typing import Any

import pytest

from assets_parser.definition import parse_file
from assets_parser.faults import DefinitionError
from tests.support import normal, pack
from tests.support.expected import expected
from tests.support.layout import lay_out

CASES = pack.cases("definitions.jsonl")


def answer(root: Path, name: str) -> dict[str, Any]:
    """What we make of the file, in the pack's words."""
    try:
        asset = parse_file(root / name, root)
    except DefinitionError:
        return {"kind": "error"}
    if asset is None:
        return {"kind": "not_an_asset"}
    found: dict[str, Any] = {"kind": "asset", "value": normal.asset(asset, alone=True)}
    if asset.unknown_fields:
        found["unknown_fields"] = list(asset.unknown_fields)
    return found


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_a_definition_reads_as_bruin_reads_it(case: dict[str, Any], tmp_path: Path) -> None:
    """Same kind, same values, same unknown keys; differences are decided and recorded."""
    root = lay_out(case["files"], tmp_path)
    assert answer(root, case["asset"]) == expected(case)
