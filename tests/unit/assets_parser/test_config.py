"""What .bruin.yml says, and what it must never show."""

from pathlib import Path

import pytest

from assets_parser.config import Config, load
from assets_parser.faults import DefinitionError

MAIN = """
default_environment: dev
environments:
  dev:
    connections:
      duckdb:
        - name: db
          path: data/shop.duckdb
      sqlite:
        - name: files
          path: data/files.sqlite
      postgres:
        - name: warehouse
          host: db.example.com
          port: ${PG_PORT}
          username: reporter
          password: ${PG_PASSWORD}
          database: 0042
          max_concurrent_assets: 3
      generic:
        - {name: api, value: "x${TOKEN}y$HOME"}
  stage:
    schema_prefix: st
    config: {full_refresh_restricted: true}
    connections: {}
"""


def loaded(folder: Path, text: str, **environ: str) -> Config:
    """The configuration of a project whose .bruin.yml holds the text."""
    (folder / ".bruin.yml").write_text(text, "utf-8")
    return load(folder, environ)


def faults(folder: Path, text: str) -> str:
    """The faults that the text gives, one per line."""
    with pytest.raises(DefinitionError) as error:
        loaded(folder, text)
    return str(error.value)


def one(text: str) -> str:
    """A file whose only connection is the given flow mapping of type postgres."""
    return f"environments: {{default: {{connections: {{postgres: [{text}]}}}}}}\n"


def test_a_missing_file_is_one_empty_environment_and_is_not_created(tmp_path: Path) -> None:
    config = load(tmp_path, {})
    assert config.environment().connections == {}
    assert not config.exists
    assert list(tmp_path.iterdir()) == []


def test_a_missing_file_that_was_named_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match=r"other\.yml"):
        load(tmp_path, {"BRUIN_CONFIG_FILE": str(tmp_path / "other.yml")})


def test_the_content_variable_replaces_the_file(tmp_path: Path) -> None:
    text = "environments: {default: {connections: {generic: [{name: a, value: b}]}}}"
    config = load(tmp_path, {"BRUIN_CONFIG_FILE_CONTENT": text})
    assert config.environment().connection("a").fields == {"value": "b"}


def test_the_named_file_wins_over_the_variable(tmp_path: Path) -> None:
    (tmp_path / "mine.yml").write_text("environments: {default: {connections: {}}}", "utf-8")
    environ = {"BRUIN_CONFIG_FILE": "/does/not/exist"}
    assert load(tmp_path, environ, tmp_path / "mine.yml").file == "mine.yml"


def test_paths_become_absolute_but_not_sqlites(tmp_path: Path) -> None:
    environment = loaded(tmp_path, MAIN).environment()
    assert environment.connection("db").fields["path"] == str(tmp_path / "data/shop.duckdb")
    assert environment.connection("files").fields["path"] == "data/files.sqlite"


def test_text_fields_stay_text_and_numbers_are_numbers(tmp_path: Path) -> None:
    environment = loaded(tmp_path, MAIN, PG_PORT="5433", PG_PASSWORD="123", TOKEN="t").environment()
    warehouse = environment.connection("warehouse")
    assert warehouse.fields["port"] == 5433
    assert warehouse.fields["password"] == "123"
    assert warehouse.fields["database"] == "0042"
    assert warehouse.max_concurrent_assets == 3
    assert environment.connection("api").fields == {"value": "xty$HOME"}


def test_an_unset_variable_is_an_error_only_where_the_connection_is_used(tmp_path: Path) -> None:
    connection = loaded(tmp_path, MAIN, PG_PORT="1").environment().connection("warehouse")
    assert connection.missing == ("PG_PASSWORD",)
    assert connection.variables == ("PG_PORT", "PG_PASSWORD")
    with pytest.raises(DefinitionError, match=r"\.bruin\.yml:13.*PG_PASSWORD"):
        _ = connection.fields


def test_an_unset_variable_is_empty_text_in_a_bare_secret(tmp_path: Path) -> None:
    """Projects declare secrets that only some of their runs need."""
    text = "environments: {default: {connections: {generic: [{name: t, value: 'Bearer ${TOK}'}]}}}"
    connection = loaded(tmp_path, text).environment().connection("t")
    assert connection.missing == ("TOK",)
    assert connection.fields == {"value": "Bearer "}


def test_a_port_has_its_types_default(tmp_path: Path) -> None:
    connection = loaded(tmp_path, one("{name: a, host: h}")).environment().connection("a")
    assert connection.fields == {"host": "h", "port": 5432}


def test_repr_and_faults_show_no_value(tmp_path: Path) -> None:
    assert "reporter" not in repr(loaded(tmp_path, MAIN))
    assert "hunter2" not in faults(tmp_path, one("{name: a, port: hunter2}"))
    assert "hunter2" not in faults(tmp_path, one("hunter2"))
    assert "hunter2" not in faults(tmp_path, one("{name: a, password: *hunter2}"))
    assert "hunter2" not in faults(tmp_path, "environments: hunter2")


def test_a_field_of_another_type_names_key_and_line(tmp_path: Path) -> None:
    text = one("{name: a}").replace("}]", ",\n  port: x}]")
    assert ".bruin.yml:2:9" in faults(tmp_path, text)
    assert "port must be a whole number" in faults(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("# nothing\n", "empty"),
        ("default_environment: dve\nenvironments: {dev: {connections: {}}}", "did you mean 'dev'?"),
        ("environments: {default: {}}", "has no connections"),
        ("environments: {default: {connections: {duckdb: {name: a}}}}", "list of connections"),
        ("environments: {default: {connections: {}}, default: {connections: {}}}", "twice"),
        ("a: [", ".bruin.yml:2:1"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, words: str) -> None:
    assert words in faults(tmp_path, text)


def test_the_later_type_wins_in_bruins_order_with_a_warning(tmp_path: Path) -> None:
    text = "environments: {default: {connections: {duckdb: [{name: a}], postgres: [{name: a}]}}}"
    config = loaded(tmp_path, text)
    assert config.environment().connection("a").type == "duckdb"
    assert "hides the one of line 1" in str(config.warnings[0])


def test_an_unknown_type_is_a_warning_with_the_nearest(tmp_path: Path) -> None:
    config = loaded(tmp_path, "environments: {default: {connections: {postgre: [{name: a}]}}}")
    assert "did you mean 'postgres'?" in str(config.warnings[0])
    assert config.environment().connection("a").type == "postgre"


def test_environments_have_prefix_and_restriction(tmp_path: Path) -> None:
    stage = loaded(tmp_path, MAIN).environment("stage")
    assert stage.schema_prefix == "st_"
    assert stage.full_refresh_restricted


def test_unknown_names_give_the_nearest(tmp_path: Path) -> None:
    config = loaded(tmp_path, MAIN)
    with pytest.raises(DefinitionError, match="did you mean 'stage'"):
        config.environment("stag")
    with pytest.raises(DefinitionError, match="did you mean 'warehouse'"):
        config.environment().connection("warehose")


def test_nested_values_and_anchors(tmp_path: Path) -> None:
    text = """
environments:
  default:
    connections:
      duckdb:
        - &base
          name: a
          read_only: yes
          lakehouse: {catalog: {port: "${P}", host: h}, parts: [1, "${P}"]}
        - {<<: *base, name: b, read_only: false}
"""
    environment = loaded(tmp_path, text, P="7").environment()
    lake = {"catalog": {"port": "7", "host": "h"}, "parts": [1, "7"]}
    assert environment.connection("a").fields == {"read_only": True, "lakehouse": lake}
    assert environment.connection("b").fields["read_only"] is False
