"""dispatcher.shipping: who gets a bundle, and what a bundle would lack."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assets_parser.spec import Requirements
from dispatcher import shipping
from dispatcher.run_flags import RunFlags
from tests.support import plans
from workers.settings import Settings

ELSEWHERE = {"catalog": "postgresql://somewhere/fleet"}


@pytest.mark.parametrize(
    ("given", "shared", "asked", "expected"),
    [
        ({}, True, None, False),  # embedded, or `fleet up`
        ({}, False, None, False),  # the catalog is a file in the home that all share
        (ELSEWHERE, False, None, True),
        (ELSEWHERE, True, None, False),
        (ELSEWHERE, False, False, False),
        ({}, True, True, True),
    ],
)
def test_workers_elsewhere_get_a_bundle_unless_told_otherwise(
    tmp_path: Path, given: dict[str, str], *, shared: bool, asked: bool | None, expected: bool
) -> None:
    settings = Settings(home=tmp_path, **given)  # type: ignore[arg-type]
    assert shipping.wanted(RunFlags(bundle=asked), settings, shared=shared) is expected


def test_what_assets_name_and_the_bundle_lacks_is_told(tmp_path: Path) -> None:
    """Ignored seeds and sources, wherever a parameter names them, and ignored requirements."""
    root = tmp_path / "shop"
    for name in ("assets/a.py", "assets/x.csv", "assets/kept.csv", "data/y.csv", "req.txt"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x\n")
    (tmp_path / "outside.csv").write_text("x\n")
    (root / ".git").mkdir()
    settings = Settings(home=tmp_path / "home")
    bundle = shipping.make(str(root), settings)
    ignored = ("assets/x.csv", "data/y.csv", "req.txt")
    items = tuple(item for item in bundle.listing.items if item.path not in ignored)
    bundle = type(bundle)(root=bundle.root, listing=type(bundle.listing)(items))
    made = plans.plan(
        [
            _asset("seed", {"path": "./x.csv"}),
            _asset("kept", {"path": "kept.csv"}),
            _asset("source", {"deep": [{"file": "data/y.csv"}], "text": "no file", "n": 3}),
            _asset("outside", {"path": "../../outside.csv"}),
            _asset("needs", {}, requirements=Requirements(kind="requirements", path="req.txt")),
        ]
    )
    notes = shipping.lacking(replace(made, root=str(root)), bundle)
    assert [note.split(" ")[:2] for note in notes] == [
        ["seed:", "assets/x.csv"],
        ["source:", "data/y.csv"],
        ["outside:", "../outside.csv"],
        ["needs:", "req.txt"],
    ]
    assert "include under [bundle] of fleet.toml" in notes[0]
    assert "lies outside the project" in notes[2]


def _asset(name: str, parameters: dict[str, Any], **fields: Any) -> Any:
    return plans.asset(name, path="assets/a.py", parameters=parameters, **fields)
