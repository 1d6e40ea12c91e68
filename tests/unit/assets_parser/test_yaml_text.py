"""YAML is read as Go's yaml.v3 reads it, and hostile YAML is refused."""

import pytest

from assets_parser.faults import DefinitionError
from assets_parser.yaml_text import ScalarNode, compose, typed, typed_text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("017", 15),
        ("0o17", 15),
        ("09", 9.0),
        ("0x1F", 31),
        ("-0b11", -3),
        ("1_000", 1000),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("7.", 7.0),
        ("18446744073709551615", 2**64 - 1),
        ("18446744073709551616", 2.0**64),
        ("0x" + "f" * 17, "0x" + "f" * 17),
        ("1e400", "1e400"),
        ("yes", "yes"),
        ("True", True),
        ("~", None),
        ("1.2.3", "1.2.3"),
        ("_1", "_1"),
        ("+", "+"),
    ],
)
def test_an_unquoted_scalar_has_the_type_that_yaml_v3_gives_it(text: str, value: object) -> None:
    """Octal by a leading zero, underscores, no yes/no."""
    found = typed_text(text)
    assert (found, type(found)) == (value, type(value))


def test_a_quoted_scalar_is_text() -> None:
    """Quotes end all guessing."""
    node = compose("'12'", "a.yml")
    assert isinstance(node, ScalarNode)
    assert typed(node) == "12"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: c: d\n", 2),
        ("a: 1\nb: @x\n", 2),
        ("  a: 1\nb: 2\n", 2),
        ("a: 1\n\tb: 2\n", 2),
        ("a: 1\nb: \x07\n", 2),
        ("é: 1\nb: *nowhere\n", 2),
        ('a: 1\nb: "\\/"\n', 2),
        ("a: 1\nb: \udcff\n", 2),
    ],
)
def test_a_syntax_error_names_its_line(text: str, line: int) -> None:
    """Whatever layer of the reader finds it."""
    with pytest.raises(DefinitionError) as caught:
        compose(text, "a.yml")
    (fault,) = caught.value.faults
    assert (fault.file, fault.line, fault.rule) == ("a.yml", line, "yaml")


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "- " * 50_000 + "a", "{a: " * 3_000, "# " + "x" * 5_000_000]
)
def test_absurd_texts_are_refused_before_they_are_composed(text: str) -> None:
    """The composer recurses in C; deep nesting would end the process."""
    with pytest.raises(DefinitionError):
        compose(text, "a.yml")


def test_what_nests_too_deep_names_its_line() -> None:
    """Also in a long file."""
    with pytest.raises(DefinitionError) as caught:
        compose("a: 1\n" + "# note\n" * 2000 + "b: " + "[" * 300, "a.yml")
    assert caught.value.faults[0].line == 2002


def test_only_the_first_document_counts() -> None:
    """A second one may even be broken."""
    node = compose("a\n---\n[", "a.yml")
    assert node is not None
    assert node.value == "a"


@pytest.mark.parametrize("text", ["!!null x", "!!binary $$", "!!timestamp x", "!!int x"])
def test_a_tag_that_does_not_fit_its_text_is_an_error(text: str) -> None:
    """As in Go; it is not guessed what was meant."""
    node = compose(text, "a.yml")
    assert isinstance(node, ScalarNode)
    with pytest.raises(ValueError):
        typed(node)
