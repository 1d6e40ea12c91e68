"""The addresses of sources are what ingestr's manual says."""

from pathlib import Path

import pytest

from workers.connections import Connection
from workers.errors import StepFailed
from workers.source_uris import known_types, source_uri


def uri(kind: str, source: str = "", **fields: object) -> str:
    """The address of a connection with these fields."""
    return source_uri(Connection(name="src", type=kind, fields=fields), source)


@pytest.mark.parametrize(
    ("kind", "fields", "wanted"),
    [
        ("stripe", {"api_key": "sk_1&2"}, "stripe://?api_key=sk_1%262"),
        ("notion", {"api_key": "k"}, "notion://?api_key=k"),
        ("hubspot", {"api_key": "k"}, "hubspot://?api_key=k"),
        ("slack", {"api_key": "k"}, "slack://?api_key=k"),
        ("klaviyo", {"api_key": "k"}, "klaviyo://?api_key=k"),
        ("adjust", {"api_key": "k"}, "adjust://?api_key=k"),
        ("appsflyer", {"api_key": "k"}, "appsflyer://?api_key=k"),
        ("clickup", {"api_token": "k"}, "clickup://?api_key=k"),
        ("tiktokads", {"access_token": "t", "advertiser_ids": "1,2"},
         "tiktok://?access_token=t&advertiser_ids=1%2C2"),
        ("airtable", {"base_id": "b", "access_token": "t"},
         "airtable://?base_id=b&access_token=t"),
        ("asana", {"workspace": 12, "access_token": "t"}, "asana://12?access_token=t"),
        ("github", {"owner": "o", "repo": "r"}, "github://?owner=o&repo=r"),
        ("shopify", {"url": "shop.example.com", "api_key": "k"},
         "shopify://shop.example.com?api_key=k"),
        ("gorgias", {"domain": "d", "api_key": "k", "email": "a@b.c"},
         "gorgias://d?api_key=k&email=a%40b.c"),
        ("jira", {"domain": "x.example.com", "email": "a@b.c", "api_token": "t"},
         "jira://x.example.com?email=a%40b.c&api_token=t"),
        ("facebookads", {"access_token": "t", "account_id": 7},
         "facebookads://?access_token=t&account_id=7"),
        ("chess", {"players": ["Ada", "Bob B"]}, "chess://?players=Ada,Bob%20B"),
        ("chess", {}, "chess://?players=MagnusCarlsen,Hikaru"),
        ("kafka", {"bootstrap_servers": "h:9092", "group_id": "g"},
         "kafka://?bootstrap_servers=h%3A9092&group_id=g"),
        ("s3", {"access_key_id": "a", "secret_access_key": "s/"},
         "s3://?access_key_id=a&secret_access_key=s%2F"),
        ("s3", {"bucket_name": "b", "path_to_file": "/x y.csv", "access_key_id": "a",
                "secret_access_key": "s", "endpoint_url": "http://h:1"},
         "s3://b/x%20y.csv?access_key_id=a&secret_access_key=s&endpoint_url=http%3A%2F%2Fh%3A1"),
        ("dynamodb", {"region": "eu-west-1", "access_key_id": "a", "secret_access_key": "s"},
         "dynamodb://dynamodb.eu-west-1.amazonaws.com?access_key_id=a&secret_access_key=s"),
        ("kinesis", {"region": "r", "access_key_id": "a", "secret_access_key": "s"},
         "kinesis://?aws_access_key_id=a&aws_secret_access_key=s&region_name=r"),
        ("sftp", {"host": "h", "username": "u", "password": "p@"}, "sftp://u:p%40@h:22"),
        ("mongo", {"host": "h", "username": "u", "password": "p", "database": "d"},
         "mongodb://u:p@h:27017/d"),
        ("mongo_atlas", {"host": "h.example.com", "username": "u", "password": "p"},
         "mongodb+srv://u:p@h.example.com"),
        ("zendesk", {"sub_domain": "d", "email": "a@b.c", "api_token": "t"},
         "zendesk://a%40b.c:t@d"),
        ("zendesk", {"sub_domain": "d", "oauth_token": "t"}, "zendesk://:t@d"),
        ("frankfurter", {}, "frankfurter://"),
        ("sqlite", {"path": "/x/y.db"}, "sqlite:////x/y.db"),
    ],
)  # fmt: skip
def test_an_address_is_made_of_the_fields(
    kind: str, fields: dict[str, object], wanted: str
) -> None:
    """Each value percent-encoded where it could be misread."""
    assert uri(kind, **fields) == wanted


def test_a_service_account_goes_along_in_base64(tmp_path: Path) -> None:
    """As JSON or as a file beside .bruin.yml."""
    (tmp_path / "key.json").write_text("{}")
    fields = {"service_account_file": "key.json"}
    from_file = Connection(name="src", type="gcs", fields=fields, folder=tmp_path)
    assert source_uri(from_file) == "gs://?credentials_base64=e30%3D"
    account = {"service_account_json": "{}"}
    assert uri("google_sheets", **account) == "gsheets://?credentials_base64=e30%3D"
    assert uri("googleanalytics", property_id=5, **account) == (
        "googleanalytics://?credentials_base64=e30%3D&property_id=5"
    )
    assert uri("googleads", customer_id=1, dev_token="d", **account) == (
        "googleads://1?dev_token=d&credentials_base64=e30%3D"
    )


def test_sheets_can_be_read_by_the_connection_of_the_cloud() -> None:
    """`source: gsheets` says so, as for Bruin."""
    account = {"service_account_json": "{}", "project_id": "p"}
    made = uri("google_cloud_platform", "gsheets", **account)
    assert made == "gsheets://?credentials_base64=e30%3D"
    assert uri("google_cloud_platform", **account).startswith("bigquery://p?")


def test_a_csv_connection_is_relative_to_its_file(tmp_path: Path) -> None:
    """Beside .bruin.yml."""
    fields = {"path": "data/x.csv", "encoding": "latin1"}
    connection = Connection(name="src", type="csv", fields=fields, folder=tmp_path)
    assert source_uri(connection) == f"csv://{tmp_path}/data/x.csv?encoding=latin1"


@pytest.mark.parametrize(
    ("kind", "missing"),
    [
        ("stripe", "api_key"),
        ("gorgias", "email"),
        ("mongo", "host"),
        ("s3", ""),
        ("gcs", "service"),
    ],
)
def test_a_missing_field_is_named(kind: str, missing: str) -> None:
    """Before ingestr is asked; S3 may find its keys elsewhere."""
    if not missing:
        assert uri(kind) == "s3://"
        return
    with pytest.raises(StepFailed, match=missing):
        uri(kind, domain="d", api_key="" if kind == "stripe" else "k")


def test_a_type_that_cannot_be_read_is_refused() -> None:
    """With all that can be."""
    with pytest.raises(StepFailed, match="cannot read from it") as failure:
        uri("tableau")
    assert "stripe" in failure.value.hint


def test_every_type_is_one_of_the_file(known: frozenset[str] | None = None) -> None:
    """A misspelt type would never be found."""
    from assets_parser import connection_types

    text = " ".join(str(value) for value in vars(connection_types).values())
    assert [kind for kind in known_types() if kind not in text] == []
