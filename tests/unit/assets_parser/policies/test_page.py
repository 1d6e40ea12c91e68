"""The page about validation keeps up with what policies can say."""

import re
from pathlib import Path

import pytest

from assets_parser.policies import builtin
from assets_parser.policies.functions import FUNCTIONS
from assets_parser.policies.grammar import PREDICATES

_SHORT = re.compile(r"asset-has-|pipeline-has-")  # the page leaves out what repeats


@pytest.mark.parametrize("name", sorted(builtin.NAMES))
def test_every_rule_of_policies_stands_in_the_page(name: str, project_root: Path) -> None:
    page = (project_root / "docs/validation.md").read_text("utf-8")
    assert f"`{name}`" in page or f"`{_SHORT.sub('-', name)}`" in page


def test_every_function_stands_in_the_page(project_root: Path) -> None:
    page = (project_root / "docs/validation.md").read_text("utf-8")
    known = {*FUNCTIONS, *PREDICATES} - {"findIndex", "findLast", "findLastIndex"}
    assert {name for name in known if not re.search(rf"[` ]{name}[` ]", page)} == set()
