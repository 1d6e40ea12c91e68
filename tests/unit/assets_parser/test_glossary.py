"""The glossary names what is missing, and where."""

from pathlib import Path

from assets_parser.pipeline import load
from tests.support.written import block, places, write


def test_an_attribute_that_does_not_exist_names_the_nearest(tmp_path: Path) -> None:
    """At the line of the column."""
    files = {
        ".git": "",
        "glossary.yml": "entities: {Customer: {attributes: {Email: {type: string}}}}\n",
        "pipeline.yml": "name: s\n",
        "assets/a.py": block("name: a\ncolumns:\n  - extends: Customer.Emial"),
    }
    (fault,) = load(write(tmp_path, files)).faults
    assert places((fault,)) == [("assets/a.py", 4, "valid-entity-references")]
    assert fault.hint == "did you mean 'Customer.Email'?"


def test_a_broken_glossary_is_one_fault_of_its_own(tmp_path: Path) -> None:
    """The pipeline loads apart from it."""
    files = {"pipeline.yml": "name: s\n", "glossary.yaml": "entities: [a]\n"}
    (fault,) = load(write(tmp_path, files)).errors
    assert (fault.file, fault.line) == ("glossary.yaml", 1)
