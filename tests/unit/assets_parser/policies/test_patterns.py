"""Patterns of policies: the same answers as `re`, and an end for every text."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assets_parser.policies.patterns import PatternError, compiled
from assets_parser.policies.work import TooMuchWork, Work


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (".*/foo/.*", "/a/foo/b"),
        ("^stage.*$", "stage.orders"),
        ("a{2,3}b", "xaab"),
        ("^(ab|a)(c|bcd)$", "abcd"),
        (r"^[a-z]+(_[a-z]+)*$", "order_items"),
        (r"\bmart\b", "raw mart"),
        ("(?i)ORDERS", "raw.orders"),
        ("[^]a]b", "xb"),
        (r"[\w.-]+\.sql", "a/b-c.sql"),
        ("(a{2}){2}", "aaaa"),
        ("(?:x|)y", "y"),
        ("a{,3}", "a{,3}"),
    ],
)
def test_a_pattern_finds_what_it_describes(pattern: str, text: str) -> None:
    assert compiled(pattern).search(text)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [("a{2,3}b", "ab"), ("^mart$", "smart"), ("[^a]", "a"), (r"\d", "x"), ("a.b", "a\nb")],
)
def test_a_pattern_does_not_find_the_rest(pattern: str, text: str) -> None:
    assert not compiled(pattern).search(text)


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("*a", "'*' has nothing to repeat"),
        ("(a", "a '(' without its ')'"),
        ("a)", "a ')' without its '('"),
        ("[a", "a '[' without its ']'"),
        ("(?=a)", "'(?' begins something that RE2 or fleet cannot read"),
        (r"(a)\1", "'\\1' cannot be read"),
        ("[z-a]", "'[z-a]': bad character range z-a at position 1"),
        ("a{3,1}", "{3,1} counts down"),
        ("((a{99}){99}){99}", "it is too large"),
        ("(" * 60 + ")" * 60, "groups are nested too deep"),
        ("a" * 2000, "longer than 1000 characters"),
    ],
)
def test_what_cannot_be_read_says_why(pattern: str, why: str) -> None:
    with pytest.raises(PatternError) as caught:
        compiled(pattern)
    assert str(caught.value) == why


@given(st.text(alphabet="ab.*+?|()^[]", max_size=8), st.text(alphabet="ab1", max_size=6))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_both_machines_agree_on_what_both_can_read(pattern: str, text: str) -> None:
    try:
        ours, theirs = compiled(pattern), re.compile(pattern, re.ASCII)
    except (PatternError, re.error):
        return
    assert ours.search(text) == bool(theirs.search(text))


def test_a_pattern_that_lets_others_backtrack_is_read_once() -> None:
    work = Work()
    assert not compiled("^(a+)+$").search("a" * 5000 + "b", work)
    assert Work().left - work.left < 20_000


def test_work_ends() -> None:
    with pytest.raises(TooMuchWork):
        compiled("(a?){100}a{100}b").search("ab" * 10_000, Work(left=1000))
