"""How ingestr is found and what it may see."""

import sys
from pathlib import Path

import pytest

from workers import duckdb_driver, ingestr, pulse, supervisor
from workers.errors import StepFailed
from workers.ingestr import Job
from workers.keeper import StopFlag
from workers.masking import Masker
from workers.settings import Settings

JOB = Job(source="mmap:///x", destination="bigquery://p?credentials_base64=abc", table="s.t")


def test_the_program_itself_is_found_without_its_wrapper(tmp_path: Path) -> None:
    """The wheel's script is the binary: no second Python is started."""
    with ingestr.binary(Settings(home=tmp_path)).open("rb") as file:
        assert file.read(2) != b"#!"


def test_a_setting_names_another_program(tmp_path: Path) -> None:
    """It must exist."""
    named = tmp_path / "ingestr"
    with pytest.raises(StepFailed, match="there is no ingestr"):
        ingestr.binary(Settings(home=tmp_path, ingestr=str(named)))
    named.touch()
    assert ingestr.binary(Settings(home=tmp_path, ingestr=str(named))) == named


def test_the_environment_is_scrubbed() -> None:
    """Names that ingestr would read as flags, and other secrets, do not reach it."""
    own = {
        "PATH": "/bin",
        "HOME": "/h",
        "PRIMARY_KEY": "x",
        "FULL_REFRESH": "true",
        "INGESTR_MASK": "x",
        "FLEET_BROKER": "redis://:secret@h",
        "GOOGLE_APPLICATION_CREDENTIALS": "/k.json",
        "AWS_SECRET_ACCESS_KEY": "s",
    }
    env = ingestr.environment(JOB, own, "/tmp/mine")
    assert not {"PRIMARY_KEY", "FULL_REFRESH", "INGESTR_MASK", "FLEET_BROKER"} & set(env)
    assert "AWS_SECRET_ACCESS_KEY" not in env
    assert env["GOOGLE_APPLICATION_CREDENTIALS"] == "/k.json"
    assert env["INGESTR_DESTINATION_URI"] == JOB.destination
    assert (env["TMPDIR"], env["INGESTR_DISABLE_TELEMETRY"]) == ("/tmp/mine", "true")


def test_a_job_does_not_show_its_addresses() -> None:
    """A job that is logged by accident holds no password."""
    assert "abc" not in repr(JOB)


def test_an_installed_driver_is_preferred(tmp_path: Path) -> None:
    """One that `dbc install duckdb` left, or that a variable names."""
    folder = tmp_path / ".config" / "adbc" / "drivers"
    folder.mkdir(parents=True)
    (folder / "duckdb.toml").touch()
    found = duckdb_driver.find(Settings(home=tmp_path / "fleet"), {"HOME": str(tmp_path)})
    assert found.source == f"installed in {folder}"
    named = {"ADBC_DRIVER_PATH": str(folder), "HOME": "/nowhere"}
    assert duckdb_driver.find(Settings(home=tmp_path), named).environment == {
        "ADBC_DRIVER_PATH": str(folder)
    }


def test_the_wheel_serves_as_driver(tmp_path: Path) -> None:
    """Its manifest is made once, below FLEET_HOME."""
    settings = Settings(home=tmp_path)
    found = duckdb_driver.find(settings, {"HOME": "/nowhere"})
    if found.downloads:
        pytest.skip(found.source)
    manifest = Path(found.environment["ADBC_DRIVER_PATH"]) / "duckdb.toml"
    assert manifest.is_relative_to(tmp_path)
    assert "duckdb_adbc_init" in manifest.read_text("utf-8")
    preload = "DYLD_INSERT_LIBRARIES" if sys.platform == "darwin" else "LD_PRELOAD"
    assert Path(found.environment[preload]).is_file()
    assert duckdb_driver.find(settings, {"HOME": "/nowhere"}) == found


def test_the_hint_says_what_to_install() -> None:
    """It names the library and the ways around it."""
    assert "libpython" in duckdb_driver.hint()
    assert "fleet doctor" in duckdb_driver.hint()


def test_an_error_is_said_once() -> None:
    """ingestr prints it in its last line and again in its last event."""
    message = "ingestr: failed to prepare table: there is no schema raw"
    detail = f"ingestion started\n\nFailed SQL query:\nDROP TABLE x\n{message[9:]}"
    said = list(ingestr.beside(message, f"{detail}\ningestion failed: {message[9:]}"))
    assert said == ["Failed SQL query:", "DROP TABLE x"]


def test_what_ingestr_says_of_each_declared_column_is_left_out() -> None:
    """It stands before the error, once for each column."""
    detail = 'Column override: "a" type changed from int64(p=0) to int8(p=0)\nLINE 1: x'
    assert list(ingestr.beside("ingestr: no", detail)) == ["LINE 1: x"]


class Silent:
    """A log that nobody reads."""

    def line(self, text: str) -> None:
        """Nothing."""


def test_a_load_lives_as_long_as_the_claim_and_no_longer(tmp_path: Path) -> None:
    """The settings say how long that is: a short lease is over before another worker begins.

    Held for as long as any program that nobody says otherwise of, it would end by itself.
    """
    program = tmp_path / "ingestr"
    program.write_text("#!/bin/sh\nexec sleep 12\n")
    program.chmod(0o700)
    settings = Settings(home=tmp_path, ingestr=str(program), lease=1.0, lease_renew=0.4)
    with pulse.of_thread(pulse.Pulse(1.0)), pytest.raises(StepFailed) as failed:
        ingestr.run(
            settings,
            JOB,
            cwd=tmp_path,
            log=Silent(),
            stop=StopFlag(),
            masker=Masker(),
            progress=lambda _: None,
        )
    supervisor.mine().close()
    assert failed.value.kind == "lost"
