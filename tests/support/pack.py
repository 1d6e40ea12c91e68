"""The conformance pack: cases recorded from Bruin itself, and what we decided."""

import json
import os
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).resolve().parent.parent / "golden"


def folder() -> Path:
    """Where the cases lie: the project's copy, or what GOLDEN_DIR names."""
    return Path(os.environ.get("GOLDEN_DIR") or GOLDEN)


def cases(name: str) -> list[dict[str, Any]]:
    """The cases of one file of the pack, such as "definitions.jsonl", in its order."""
    text = (folder() / name).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.split("\n") if line]


def decisions() -> dict[str, dict[str, Any]]:
    """What we decided, by case id; the project's own, wherever the cases come from."""
    path = GOLDEN / "decisions.jsonl"
    if not path.exists():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    return {entry["id"]: entry for entry in map(json.loads, filter(None, lines))}
