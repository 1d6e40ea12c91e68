"""Secrets in lines of a log."""

from workers.masking import STARS, Masker


def test_the_longest_secret_wins() -> None:
    """No tail of a secret that begins like another is left."""
    assert Masker(["abcd", "abcd-efgh"]).mask("x abcd-efgh y abcd") == f"x {STARS} y {STARS}"


def test_nothing_known_changes_nothing() -> None:
    """Empty and blank texts are no secrets."""
    assert Masker(["", "  "]).mask("a  b") == "a  b"


def test_texts_may_become_known_later() -> None:
    """And they are taken as they are, not as patterns."""
    masker = Masker()
    masker.add(["a.b*"])
    assert masker.mask("a.b* axb") == f"{STARS} axb"
