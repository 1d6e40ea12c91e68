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


WORDS = "entities:\n  Customer:\n    attributes:\n      Email: {type: string, description: mail}\n"


def columns(root: Path, files: dict[str, str]) -> list[tuple[str, str, str]]:
    """Name, type and description of the columns of the first asset."""
    asset = load(write(root, {".git": "", "pipeline.yml": "name: s\n"} | files)).pipeline.assets[0]
    return [(column.name, column.type, column.description) for column in asset.columns]


def test_a_default_column_may_extend_an_attribute(tmp_path: Path) -> None:
    """Also one that the asset has; what asset or defaults say wins."""
    default = "columns:\n    - {name: mail, extends: Customer.Email, type: text}\n"
    files = {
        "glossary.yml": WORDS,
        "pipeline.yml": f"name: s\ndefault:\n  {default}    - {{extends: Customer.Email}}\n",
        "assets/a.py": block("columns:\n  - {name: MAIL, description: own}"),
    }
    assert columns(tmp_path, files) == [("MAIL", "text", "own"), ("Email", "string", "mail")]


def test_an_unknown_attribute_of_a_default_column_is_an_error(tmp_path: Path) -> None:
    """As of the asset's own."""
    text = "name: s\ndefault: {columns: [{name: x, extends: Customer.Phone}]}\n"
    files = {".git": "", "glossary.yml": WORDS, "pipeline.yml": text, "assets/a.py": block("{}")}
    (fault,) = load(write(tmp_path, files)).errors
    assert fault.rule == "valid-entity-references"


def test_an_entity_is_known_by_its_own_name_and_from_the_later_file(tmp_path: Path) -> None:
    """glossary.yaml comes after glossary.yml."""
    named = "entities: {C: {name: Customer, attributes: {Email: {type: varchar}}}}\n"
    files = {
        "glossary.yml": WORDS,
        "glossary.yaml": named,
        "assets/a.py": block("extends: [Customer]"),
    }
    assert columns(tmp_path, files) == [("Email", "varchar", "")]


def test_a_list_where_a_text_belongs_is_an_error(tmp_path: Path) -> None:
    """Also in what only people read."""
    files = {"pipeline.yml": "name: s\n", "glossary.yml": "domains: {sales: {owners: ann}}\n"}
    (fault,) = load(write(tmp_path, files)).errors
    assert (fault.file, fault.line) == ("glossary.yml", 1)
