"""The JSON of secrets as Bruin writes it, and the texts that logs must not show."""

import base64
import json
from pathlib import Path

import pytest

from workers.connections import Connection
from workers.errors import StepFailed
from workers.secret_values import secret_texts, secret_value


def made(kind: str, **fields: object) -> Connection:
    """A connection named c."""
    return Connection(name="c", type=kind, fields=fields, folder=Path("/project"))


@pytest.mark.parametrize(
    ("connection", "text"),
    [
        (made("generic", value='raw <&> "x"'), 'raw <&> "x"'),
        (
            made("postgres", host="h", port=5433, username="u", password="a<b>&c", database="d"),
            '{"name":"c","username":"u","password":"a\\u003cb\\u003e\\u0026c","host":"h",'
            '"port":5433,"database":"d"}',
        ),
        (
            made("postgres", host="h", username="u", ssl_mode="require", pool_max_conns="5"),
            '{"name":"c","username":"u","password":"","host":"h","port":5432,"database":"",'
            '"pool_max_conns":5,"ssl_mode":"require"}',
        ),
        (
            made("redshift", host="h", username="u", password="p", database="d"),
            '{"name":"c","username":"u","password":"p","host":"h","port":5439,"database":"d",'
            '"schema":""}',
        ),
        (made("duckdb", path="a/b.db"), '{"name":"c","path":"/project/a/b.db"}'),
        (
            made("duckdb", path="/b.db", read_only=True),
            '{"name":"c","path":"/b.db","read_only":true}',
        ),
        (made("sqlite", path="data/f.sqlite"), '{"name":"c","path":"data/f.sqlite"}'),
        (made("motherduck", token="t"), '{"name":"c","token":"t"}'),
        (
            made("snowflake", account="a", username="u", password="p", warehouse="w"),
            '{"account":"a","database":"","name":"c","password":"p","private_key":"","region":"",'
            '"role":"","schema":"","token":"","username":"u","warehouse":"w"}',
        ),
        (
            made("aws", access_key="k", secret_key="s", region="r"),
            '{"name":"c","access_key":"k","secret_key":"s","region":"r"}',
        ),
        (
            made("mysql", host="h", username="u", max_concurrent_assets=2),
            '{"name":"c","username":"u","password":"","host":"h","port":3306,"database":"",'
            '"max_concurrent_assets":2}',
        ),
        (made("slack", api_key="k\u2028é"), '{"name":"c","api_key":"k\\u2028é"}'),
    ],
)
def test_the_text_of_a_secret(connection: Connection, text: str) -> None:
    """Order, left-out fields and escapes are Bruin's."""
    assert secret_value(connection) == text


def test_key_files_are_inlined(tmp_path: Path) -> None:
    """Google's key arrives as content, its default credentials as a word."""
    (tmp_path / "key.json").write_text('{"private_key": "-----BEGIN\\nabcdefghijkl"}', "utf-8")
    connection = Connection(
        name="g",
        type="google_cloud_platform",
        fields={"project_id": "p", "service_account_file": "key.json"},
        folder=tmp_path,
    )
    value = json.loads(secret_value(connection))
    assert "abcdefghijkl" in value["service_account_json"]
    assert value["use_application_default_credentials"] == "false"
    assert list(value) == sorted(value)


def test_a_key_file_that_is_missing_is_an_error() -> None:
    """Its path and the system's reason are named."""
    with pytest.raises(StepFailed, match="No such file"):
        secret_value(made("snowflake", private_key_path="/nowhere/key.p8"))


def test_a_password_is_hidden_in_every_form() -> None:
    """As it is, in JSON, percent-encoded, in base64, inside addresses."""
    password = 'p@ss w/rd"<é'
    texts = secret_texts(made("postgres", host="h", username="u", password=password))
    for form in (password, 'p@ss w/rd\\"', "p%40ss%20w%2Frd%22%3C%C3%A9", "p%40ss+w%2Frd"):
        assert any(form in text for text in texts), form
    assert base64.b64encode(password.encode()).decode() in texts
    assert any(text.startswith("postgresql://u:") for text in texts)


@pytest.mark.parametrize(
    "connection",
    [
        made("postgres", host="db.example.com", port=5432, username="reporter", database="sales"),
        made("duckdb", path="x.duckdb"),
        made("generic", value="abc"),
        made("generic", value="true"),
    ],
)
def test_harmless_values_stay_visible(connection: Connection) -> None:
    """Hosts, ports, names, paths and very short texts would hide half of the log."""
    assert secret_texts(connection) == []


def test_every_line_of_a_key_is_hidden() -> None:
    """Logs are masked line by line."""
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBg\n-----END KEY-----"
    assert "MIIEvQIBADANBg" in secret_texts(made("generic", value=key))
