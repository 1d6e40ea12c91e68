"""R assets with the R of this machine, and with a stand-in that shows how it was called."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from assets_parser.spec import Secret
from tests.support.attempt import Bench, bench
from workers.errors import StepFailed

needs_r = pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed")


@pytest.fixture
def place(tmp_path: Path) -> Bench:
    """An empty project."""
    return bench(tmp_path, tmp_path / "cache")


def stand_in(place: Bench, code: str) -> Bench:
    """A worker whose `rscript` is a shell script."""
    program = place.write("../Rscript", f"#!/bin/sh\n{code}\n").resolve()
    program.chmod(0o755)
    return replace(place, settings=replace(place.settings, rscript=str(program)))


def run(place: Bench, code: str, **given: object) -> list[str]:
    """What an R asset prints."""
    place.run("assets/a.r", code, kind="r", **given)
    return place.log.own


def failure(place: Bench, code: str, **given: object) -> StepFailed:
    """How an R asset fails."""
    with pytest.raises(StepFailed) as caught:
        run(place, code, **given)
    return caught.value


def test_it_is_called_with_the_file_from_the_projects_root(
    place: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its environment is the allow-list of all assets."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-for-assets")
    place = stand_in(place, 'echo "OUT $# $1"\npwd | sed "s/^/OUT /"\nenv | sed "s/^/OUT /"')
    seen = run(place, "x <- 1", environment={"BRUIN_ASSET": "main.orders"})
    assert seen[:2] == [f"OUT 1 {place.project}/assets/a.r", f"OUT {place.project}"]
    assert "OUT BRUIN_ASSET=main.orders" in seen
    assert not [line for line in seen if "not-for-assets" in line]


def test_without_r_the_worker_is_named(place: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what to do there."""
    monkeypatch.setenv("PATH", "/nonexistent")
    place = replace(place, settings=replace(place.settings, worker="blue"))
    failed = failure(place, "x <- 1")
    assert failed.kind == "env"
    assert failed.message == "Rscript is not installed on worker blue"
    assert "rscript" in failed.hint


def test_a_setting_that_names_no_program_is_told_the_same_way(place: Bench) -> None:
    """PATH is no way out then."""
    place = replace(place, settings=replace(place.settings, rscript="/nonexistent/Rscript"))
    assert "Rscript is not installed" in failure(place, "x <- 1").message


def test_a_time_limit_ends_it(place: Bench) -> None:
    """The program and what it started."""
    failed = failure(stand_in(place, "sleep 300 & sleep 300"), "x <- 1", timeout=0.5)
    assert failed.kind == "timeout"


@needs_r
def test_r_runs_with_secrets_files_and_the_projects_profile(place: Bench) -> None:
    """Variables, relative files, .Rprofile, and masked output."""
    config = place.write(
        ".bruin.yml",
        "default_environment: default\nenvironments:\n  default:\n    connections:\n"
        "      generic:\n        - {name: api, value: hunter2-hunter2}\n",
    )
    place.write("data/words.txt", "from a file\n")
    place.write(".Rprofile", "greeting <- 'from the profile'\n")
    code = (
        "cat('OUT', readLines('data/words.txt'), '\\n')\ncat('OUT', greeting, '\\n')\n"
        "cat('OUT', nchar(Sys.getenv('TOKEN')), Sys.getenv('TOKEN'), '\\n')\n"
        "cat('OUT', Sys.getenv('BRUIN_ASSET'), '\\n')\nquit(status = 0)\n"
    )
    secrets = (Secret(key="api", inject_as="TOKEN"),)
    environment = {"BRUIN_ASSET": "main.orders"}
    seen = run(place, code, config=config, secrets=secrets, environment=environment)
    assert [line.strip() for line in seen] == [
        "OUT from a file",
        "OUT from the profile",
        "OUT 15 ********",
        "OUT main.orders",
    ]


@needs_r
@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("stop('no such thing')", "Error: no such thing"),
        ("f <- function() stop('deep')\nf()", "Error in f() : deep"),
        ("x <- (1 +", "Error: unexpected end of input"),
        ("quit(status = 3)", "the process ended with exit code 3"),
    ],
)
def test_r_says_itself_what_went_wrong(place: Bench, code: str, message: str) -> None:
    """In the failure and not only in the log."""
    failed = failure(place, code)
    assert failed.kind == "script"
    assert failed.message == message
