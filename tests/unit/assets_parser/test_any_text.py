"""Whatever stands in a file or an argument, the readers answer or refuse in their own words."""

import contextlib
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assets_parser import cron, interval, layouts, python_version
from assets_parser.config import CONTENT, load
from assets_parser.faults import DefinitionError
from assets_parser.model import Pipeline
from assets_parser.templates import Renderer
from assets_parser.variables import parse

few = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
yaml_like = st.text(alphabet="ab:-{}[]\"'\n ${}*&!|>#,.0123456789", max_size=80)
template_like = st.from_regex(
    r"({{|}}|{%|%}|{#|#}|var|x|'a'|1|if|for|in|endif|endfor|[.|()\[\]+*~ ]){0,25}", fullmatch=True
)


@few
@given(st.text(max_size=40) | st.from_regex(r"[*/,0-9@a-zA-Z -]{1,30}", fullmatch=True))
def test_schedules_shifts_dates_and_versions_raise_value_errors_only(text: str) -> None:
    for read in (
        cron.check_schedule,
        interval.read_shift,
        interval.parse_moment,
        python_version.choose,
        lambda wanted: python_version.choose("", wanted),
    ):
        with contextlib.suppress(ValueError):
            read(text)


@few
@given(yaml_like)
def test_a_configuration_loads_or_is_refused_with_faults(text: str) -> None:
    wrapped = "environments: {default: {connections: {postgres: [" + text + "]}}}"
    for content in (text, wrapped):
        with contextlib.suppress(DefinitionError):
            load(Path("/nowhere"), {CONTENT: content})


@few
@given(template_like)
def test_a_template_renders_or_is_refused_with_a_fault(text: str) -> None:
    with contextlib.suppress(DefinitionError):
        Renderer({"var": {"x": 1}}).render(text)


@few
@given(st.text(max_size=40) | st.from_regex(r'x=[\[\]{}":,0-9a-z.-]{0,20}', fullmatch=True))
def test_a_variable_is_read_or_refused_with_a_fault(text: str) -> None:
    pipeline = Pipeline(name="p", root="/", path="p", variables={"x": {}})
    with contextlib.suppress(DefinitionError):
        parse([text], pipeline)


@few
@given(st.datetimes(timezones=st.just(UTC)), st.sampled_from("T "), st.sampled_from((0, 3, 6)))
def test_what_a_layout_writes_it_reads_again(moment: datetime, between: str, digits: int) -> None:
    layout = layouts.Layout(separator=between, seconds=True, fraction=digits, zone=True)
    text = layout.text(moment)
    again, read_layout = layouts.read(text)
    assert read_layout == layout
    assert layout.text(again) == text


@few
@given(st.datetimes(), st.integers(-500, 500))
def test_months_there_and_back_stay_within_three_days(moment: datetime, months: int) -> None:
    try:
        there = layouts.add_date(moment, months=months)
        back = layouts.add_date(there, months=-months)
    except ValueError:
        return  # it left the calendar
    assert abs((back - moment).days) <= 3
