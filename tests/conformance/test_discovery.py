"""Which folders hold a pipeline, against what Bruin finds."""

from pathlib import Path
from typing import Any

import pytest

from assets_parser.discovery import pipeline_files
from tests.support import pack
from tests.support.expected import expected
from tests.support.layout import lay_out

CASES = pack.cases("discovery.jsonl")


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_pipelines_are_found_where_bruin_finds_them(case: dict[str, Any], tmp_path: Path) -> None:
    """The same folders in the same order."""
    root = lay_out(case["files"], tmp_path)
    files = pipeline_files(root / case.get("start", "."))
    found = [file.parent.relative_to(root).as_posix() for file in files]
    assert {"kind": "paths", "paths": found} == expected(case)
