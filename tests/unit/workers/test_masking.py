"""Secrets in lines of a log."""

import base64

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


SECRET = "tr0ub4dor-and-3-horses"
KEY = (
    "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG\n9w0BAQEFAASCBKcw\nQz3==\n-----END KEY-----"
)


def masked(*lines: str, secrets: tuple[str, ...] = (SECRET,)) -> list[str]:
    """What a log shows of these lines."""
    mask = Masker(secrets).lines()
    return [mask(line) for line in lines]


def test_a_secret_that_goes_on_in_the_next_line_is_hidden() -> None:
    """Whatever width it is folded at; no line waits for the next one."""
    for width in range(6, 12):
        folded = [SECRET[i : i + width] for i in range(0, len(SECRET), width)]
        assert masked("the key: " + folded[0], *folded[1:], "after") == [
            "the key: " + STARS,
            *[STARS] * (len(folded) - 1),
            "after",
        ]


def test_a_printer_may_put_quotes_around_the_pieces() -> None:
    """As pprint does with long texts."""
    shown = masked(f"{{'key': '{SECRET[:9]}'", f"        '{SECRET[9:]}', 'x': 1}}")
    assert shown == [f"{{'key': '{STARS}'", f"        '{STARS}', 'x': 1}}"]


def test_a_key_of_many_lines_is_hidden_in_all_of_them() -> None:
    """Also the short last one, which by itself could be anything."""
    assert masked("key", *KEY.split("\n"), "Qz3==", secrets=(KEY,)) == [
        "key",
        *[STARS] * 5,
        "Qz3==",
    ]
    assert masked(f"key\n{KEY}\nafter", secrets=(KEY,)) == [f"key\n{STARS}\nafter"]


def test_base64_in_lines_is_hidden() -> None:
    """encodebytes folds at 76 characters."""
    long = SECRET * 5
    whole = base64.b64encode(long.encode()).decode()
    folded = base64.encodebytes(long.encode()).decode().splitlines()
    assert masked(*folded, "after", secrets=(long, whole)) == [STARS] * len(folded) + ["after"]


def test_what_only_begins_like_a_secret_hides_no_line_after_it() -> None:
    assert masked("tr0ub4", "something else", "x tr0ub4 y") == [
        STARS,
        "something else",
        "x tr0ub4 y",
    ]
