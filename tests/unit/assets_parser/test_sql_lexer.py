"""SQL text in pieces: nothing is lost, and hostile text costs no more than its length."""

import pytest

from assets_parser.sql_lexer import pieces

DIALECTS = ["", "bigquery", "clickhouse", "duckdb", "mysql", "postgres", "snowflake", "tsql"]
HOSTILE = ["'" * 99_999, "/*" * 50_000, "$a$" * 30_001, "'\\" * 50_001, '"' * 99_999, "E'" * 49_999]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:3])
def test_pieces_follow_each_other_to_the_end_of_any_text(text: str, dialect: str) -> None:
    at = 0
    for piece in pieces(text, dialect):
        assert piece.start == at
        assert piece.end > at
        at = piece.end
    assert at == len(text)


@pytest.mark.parametrize(
    ("text", "dialect", "kinds"),
    [
        ("e'it\\'s'", "postgres", "string"),
        ("'a\\' b", "postgres", "string space word"),
        ("'a\\' b'", "mysql", "string"),
        ('"a ""b"""', "duckdb", "quoted"),
        ('"a \\" b"', "mysql", "string"),
        ("`a;b`", "mysql", "quoted"),
        ("[a;b]", "tsql", "quoted"),
        ("[a]", "duckdb", "sign word sign"),
        ("$$ ; $$", "postgres", "string"),
        ("$x$ $$ ; $y$ $x$", "duckdb", "string"),
        ("a$$b$$", "postgres", "word"),
        ("$1", "postgres", "sign word"),
        ("-- a\nb", "duckdb", "comment space word"),
        ("/* a /* b */ c */d", "postgres", "comment word"),
        ("/* a /* b */c", "mysql", "comment word"),
        ("# a\nb", "mysql", "comment space word"),
        ("'''it's;'''", "bigquery", "string"),
    ],
)
def test_each_dialect_has_its_strings_names_and_comments(
    text: str, dialect: str, kinds: str
) -> None:
    assert [piece.kind for piece in pieces(text, dialect)] == kinds.split()
