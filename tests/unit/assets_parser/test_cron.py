"""Schedules of pipelines, beside the recorded expressions."""

import pytest

from assets_parser.cron import check, check_schedule


@pytest.mark.parametrize(
    "schedule", ["", "continuous", "@continuous", "daily", "monthly", "@yearly", "0 5 * * MON-FRI"]
)
def test_a_schedule_may_be_a_word_or_five_fields(schedule: str) -> None:
    check_schedule(schedule)


@pytest.mark.parametrize("schedule", ["yearly", "Daily", " ", "@reboot", "@continuous ", "0 5 * *"])
def test_other_words_are_refused(schedule: str) -> None:
    with pytest.raises(ValueError, match=r"fields|none of"):
        check_schedule(schedule)


@pytest.mark.parametrize("expression", ["*-5 * * * *", "+5 * * * *", "CRON_TZ= 0 5 * * *"])
def test_oddities_that_bruin_takes_are_taken(expression: str) -> None:
    check(expression)


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("61 * * * *", "minute: '61' is not within 0 to 59"),
        ("0 0 * * 7", "day of week: '7' is not within 0 to 6"),
        ("0 0 L * *", "day of month: 'L' is no number"),
        ("*/0 * * * *", "a step of 0"),
        ("0 0 0 * * *", "five fields .* not 6"),
        ("TZ=Mars/Base 0 5 * * *", "no time zone Mars/Base"),
        ("TZ=../../etc/passwd 0 5 * * *", "no time zone"),
        ("@every -5m", "no interval|needs a duration"),
        ("@every 0m", "no interval"),
        ("@every 2562048h", "up to 292 years"),
        (f"{'9' * 5000} * * * *", "no number"),
    ],
)
def test_the_message_names_the_field(expression: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check(expression)
