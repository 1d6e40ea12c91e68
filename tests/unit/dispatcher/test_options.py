"""dispatcher.options: what flags mean for a run."""

from pathlib import Path
from typing import Any

import pytest

from assets_parser.config import Environment
from dispatcher import options
from dispatcher.problems import FleetError
from dispatcher.target import Target
from tests.support.pipelines import pipeline
from tests.unit.dispatcher.test_run_flags import flags


def _options(*arguments: str) -> Any:
    return options.options(flags(*arguments), pipeline(), Environment(name="default"))


def test_annotations_become_one_line_of_json() -> None:
    assert _options("--query-annotations", "default").query_annotations == "default"
    found = _options("--query-annotations", '{"team":\n "a */ b"}').query_annotations
    assert found == '{"team": "a */ b"}'


@pytest.mark.parametrize("text", ["team=a", "[1]", "{", "1", "[" * 100_000])
def test_other_annotations_are_refused(text: str) -> None:
    with pytest.raises(FleetError, match="the word default or a JSON object"):
        _options("--query-annotations", text)


def test_a_sensor_mode_is_one_of_three() -> None:
    assert _options("--sensor-mode", "wait").sensor_mode == "wait"
    assert _options().sensor_mode == ""
    with pytest.raises(FleetError, match="skip, once and wait"):
        _options("--sensor-mode", "always")


def test_a_backfill_names_its_runs_by_their_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BRUIN_RUN_ID", raising=False)
    dates = ("--start-date", "2024-02-01", "--end-date", "2024-02-02")
    found = _options("--backfill-id", "feb", "--backfill-total", "28", *dates)
    assert found.bruin_run_id == "feb__2024_02_01_00_00_00"


def test_a_moment_keeps_the_zone_in_which_it_was_given() -> None:
    dates = ("--start-date", "2024-02-01T10:20+02:00", "--end-date", "2024-02-01T09:00Z")
    found = _options(*dates)
    assert (found.start, found.end) == ("2024-02-01T10:20:00+02:00", "2024-02-01T09:00:00+00:00")


def test_only_knows_its_words_and_nothing_is_pushed() -> None:
    assert _options("--only", "checks", "--only", "main").only == ("main", "checks")
    assert _options("--only", "main", "--only", "push-metadata").only == ("main",)
    assert _options("--only", "push-metadata").only == ("push-metadata",)
    with pytest.raises(FleetError, match="--only tables"):
        _options("--only", "tables")
    with pytest.raises(FleetError, match="--single-check is a check"):
        _options("--only", "main", "--single-check", "a:b:c")


def test_an_empty_selector_is_no_wish_for_everything() -> None:
    target = Target(pipeline=Path("/p"), base=Path("/p"))
    assert options.selection(flags(), target, Path("/p")).selector == ""
    with pytest.raises(FleetError, match="--selector is empty"):
        options.selection(flags("--selector", " "), target, Path("/p"))


@pytest.mark.parametrize(
    ("name", "only", "asked"),
    [
        ("prod", (), True),
        ("PROD-eu", ("main",), True),
        ("production", ("checks",), False),
        ("stage", (), False),
    ],
)
def test_production_is_recognised_by_its_name(
    name: str, only: tuple[str, ...], asked: bool
) -> None:
    assert options.looks_like_production(name, only) is asked
