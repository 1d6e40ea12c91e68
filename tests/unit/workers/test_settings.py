"""workers.settings: sources and their order, units, clear errors, the way to a child process."""

from pathlib import Path

import pytest

from workers.settings import Settings, SettingsError


@pytest.fixture
def environ(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An environment of its own, with the current folder outside any project."""
    monkeypatch.chdir(tmp_path)
    return {"HOME": str(tmp_path)}


def test_flags_win_over_environment_over_file_over_defaults(environ: dict[str, str]) -> None:
    """Each source overrules the ones behind it."""
    Path("fleet.toml").write_text("slots = 2\nlease = 40\nfleet = 'filed'\n", encoding="utf-8")
    environ |= {"FLEET_SLOTS": "3", "FLEET_LEASE": "50"}
    settings = Settings.load(environ, {"slots": 4, "lease": None})
    assert (settings.slots, settings.lease, settings.fleet) == (4, 50.0, "filed")
    assert settings.lease_renew == 5.0


def test_a_child_process_gets_the_same_settings_from_its_environment(
    environ: dict[str, str],
) -> None:
    """as_environ is complete: a fleet.toml where the child starts changes nothing."""
    settings = Settings.load(environ, {"broker": "redis://:pw@127.0.0.1:1/0", "queues": "a, b"})
    Path("fleet.toml").write_text("slots = 99\n", encoding="utf-8")
    assert Settings.load(environ | settings.as_environ()) == settings


def test_an_unknown_key_names_its_file_and_the_nearest_one(environ: dict[str, str]) -> None:
    """A misspelt key is an error, not silence."""
    Path("fleet.toml").write_text("slot = 2\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"fleet\.toml: there is no setting slot.*slots\?"):
        Settings.load(environ)


def test_no_setting_is_handed_on_to_assets(environ: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match="pass_env: FLEET_BROKER is a setting"):
        Settings.load(environ | {"FLEET_PASS_ENV": "REGION,FLEET_BROKER"})


@pytest.mark.parametrize(
    ("name", "text"),
    [("FLEET_SLOTS", "many"), ("FLEET_LEASE", "-1"), ("FLEET_PYTHON_DOWNLOADS", "perhaps")],
)
def test_a_bad_value_is_named_with_its_source(
    environ: dict[str, str], name: str, text: str
) -> None:
    """The text says which variable holds what."""
    with pytest.raises(SettingsError, match=f"{name}: .*{text}.*expected"):
        Settings.load(environ | {name: text})


def test_tables_of_the_file_are_prefixes_and_units_are_understood(environ: dict[str, str]) -> None:
    """[env] max_bytes is env_max_bytes; 2GB and 12h are numbers."""
    text = '[env]\nmax_bytes = "2GB"\nmax-age = "12h"\n[bundle]\ninclude = ["seeds/x.csv"]\n'
    Path("fleet.toml").write_text(text, encoding="utf-8")
    settings = Settings.load(environ)
    assert (settings.env_max_bytes, settings.env_max_age) == (2 * 10**9, 43_200.0)
    assert settings.bundle_include == ("seeds/x.csv",)


def test_relative_paths_of_a_file_resolve_beside_it(
    environ: dict[str, str], tmp_path: Path
) -> None:
    """A remote worker's connections lie beside its fleet.toml wherever it is started."""
    folder = tmp_path / "etc"
    folder.mkdir()
    (folder / "fleet.toml").write_text('connections = ".bruin.yml"\n', encoding="utf-8")
    settings = Settings.load(environ, config_file=folder / "fleet.toml")
    assert settings.connections == str(folder / ".bruin.yml")


def test_the_project_comes_before_the_home(environ: dict[str, str], tmp_path: Path) -> None:
    """The first fleet.toml found is the one that counts."""
    for name in ("project", "home"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "fleet.toml").write_text(f"fleet = '{name}'\n", encoding="utf-8")
    environ["FLEET_HOME"] = str(tmp_path / "home")
    assert Settings.load(environ, project=tmp_path / "project").fleet == "project"
    assert Settings.load(environ).fleet == "home"
    assert Settings.load(environ | {"FLEET_CONFIG": ""}).fleet == "default"


def test_a_named_file_that_is_missing_is_an_error(environ: dict[str, str]) -> None:
    """A misspelt --config never falls back to something else."""
    with pytest.raises(SettingsError, match="does not exist"):
        Settings.load(environ | {"FLEET_CONFIG": "nowhere.toml"})


def test_a_lease_must_outlive_its_renewal(environ: dict[str, str]) -> None:
    """A fleet whose claims always lapse is refused."""
    with pytest.raises(SettingsError, match="lease_renew"):
        Settings.load(environ, {"lease": 5, "lease_renew": 5})


def test_passwords_stay_out_of_repr_and_errors(environ: dict[str, str]) -> None:
    """A traceback or log line that shows settings shows no password."""
    settings = Settings.load(environ, {"broker": "redis://:hunter2@127.0.0.1:1/0"})
    assert "hunter2" not in repr(settings)
    with pytest.raises(SettingsError) as caught:
        Settings.load(environ, {"broker": "amqp://:hunter2@127.0.0.1:1/0"})
    assert "hunter2" not in str(caught.value)


def test_a_table_of_weights_and_their_text_are_the_same(environ: dict[str, str]) -> None:
    """Names of instances may hold dots, so the table is no prefix."""
    text = '[weights]\n"b1.large" = 2\n"b1.xlarge" = 4\n'
    Path("fleet.toml").write_text(text, encoding="utf-8")
    settings = Settings.load(environ)
    assert settings.weights == ("b1.large=2", "b1.xlarge=4")
    assert Settings.load(environ | {"FLEET_WEIGHTS": "b1.large=2,b1.xlarge=4"}) == settings


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("QUEUES", "fleet,@host", "'@host': that name is kept for fleet itself"),
        ("QUEUES", "a b", "'a b': a queue is named by"),
        ("QUEUES", "fleet.advance", "kept for fleet itself"),
        ("WEIGHTS", "b1=many", "'b1=many' is no weight"),
    ],
)
def test_queues_and_weights_that_are_none_are_named(
    environ: dict[str, str], name: str, value: str, words: str
) -> None:
    """Before a worker listens to what nobody could send to."""
    with pytest.raises(SettingsError, match=words):
        Settings.load(environ | {f"FLEET_{name}": value})
