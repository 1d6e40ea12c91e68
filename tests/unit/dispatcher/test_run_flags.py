"""dispatcher.run_flags and cli: flags as people who come from Bruin write them."""

from typing import Any

import click
import pytest
from click.testing import CliRunner

from dispatcher import cli
from dispatcher.flags import output_flags, settings_flags
from dispatcher.run_flags import GoFlags, RunFlags, run_flags

seen: dict[str, Any] = {}


@click.command(cls=GoFlags)
@click.argument("target", nargs=-1)
@settings_flags
@output_flags
@run_flags
def command(**given: Any) -> None:
    """Keeps what it was called with."""
    seen.clear()
    seen.update(given)


def flags(*args: str, env: dict[str, str] | None = None) -> RunFlags:
    """What the command understands."""
    done = CliRunner().invoke(command, args, env=env or {}, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    found: RunFlags = seen["flags"]
    return found


def test_flags_may_have_a_truth_value_as_in_go() -> None:
    assert flags("--full-refresh=true").full_refresh
    assert not flags("--full-refresh=false").full_refresh
    assert not flags("--mask-credentials=false").mask_credentials
    assert flags("--mask-credentials=true").mask_credentials


def test_an_empty_value_does_not_swallow_what_follows() -> None:
    assert flags("--environment", "", "--full-refresh=false", "--tag", "x", "shop").tag == ("x",)
    assert seen["target"] == ("shop",)
    assert not seen["flags"].environment


@pytest.mark.parametrize("name", ["-e", "--env", "--environment"])
def test_an_environment_has_three_names(name: str) -> None:
    assert flags(name, "stage").environment == "stage"


def test_repeated_flags_gather() -> None:
    assert flags("-x", "a", "-x", "b", "--var", "n=1", "--var", 's="x y"').exclude_tag == ("a", "b")
    assert seen["flags"].var == ("n=1", 's="x y"')


def test_bruins_variables_count_and_ours_win() -> None:
    env = {"BRUIN_START_DATE": "2024-01-01", "BRUIN_FULL_REFRESH": "1", "FLEET_WORKERS": "3"}
    found = flags(env=env)
    assert (found.start_date, found.full_refresh, found.workers) == ("2024-01-01", True, 3)
    assert flags(env=env | {"FLEET_START_DATE": "2024-02-02"}).start_date == "2024-02-02"


def test_settings_that_are_not_given_are_not_overridden() -> None:
    flags("--broker", "redis://h:1/0")
    assert seen["overrides"] == {"broker": "redis://h:1/0"}


@pytest.mark.parametrize("flag", ["--stream", "--use-pip", "-i"])
def test_what_cannot_be_done_is_refused(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["plan", flag]) == 1
    assert "is not supported" in capsys.readouterr().err


def test_an_unknown_verb_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["statsu"]) == 2
    assert "did you mean status?" in capsys.readouterr().err


def test_a_bug_of_ours_is_one_line_with_its_place(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FLEET_DEBUG", raising=False)
    try:
        raise ZeroDivisionError("by zero")
    except ZeroDivisionError as error:
        assert cli._explain(error) == 1
    said = capsys.readouterr().err
    assert "ZeroDivisionError: by zero" in said
    assert "FLEET_DEBUG=1" in said
