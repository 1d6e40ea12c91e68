"""Addresses of the sources that ingestr reads. Called by workers.ingest_step.

A table: most addresses are a scheme and a query made of the connection's fields. Databases that are
also destinations have their address in workers.uris.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from workers.connections import Connection
from workers.errors import StepFailed
from workers.uris import NoUri, ingestr_uri, query_of

CREDENTIALS = "credentials"  # the place of a service account's JSON in a form
_CREDENTIALS_NAME = "credentials_base64"


@dataclass(frozen=True, slots=True)
class Form:
    """`scheme://host?query`: the field that is the host, and those of the query.

    In `query` a word is a field, `name=field` a field under another name; `?` at its end: left out
    when empty. `credentials` is a service account, in base64.
    """

    scheme: str
    query: str = ""
    host: str = ""


def source_uri(connection: Connection, source: str = "") -> str:
    """The address that ingestr reads; StepFailed if the type has none or a field is missing.

    `source` is the asset's parameter of that name: "gsheets" reads sheets by a connection that is
    Google's cloud.
    """
    if connection.type == "google_cloud_platform" and source == "gsheets":
        return _filled(connection, _FORMS["google_sheets"])
    if form := _FORMS.get(connection.type):
        return _filled(connection, form)
    if build := _SPECIAL.get(connection.type):
        return build(connection)
    try:
        return ingestr_uri(connection)
    except NoUri:
        raise StepFailed(
            "config",
            f"connection {connection.name!r} is of type {connection.type!r}: fleet cannot read "
            "from it",
            hint=f"types that can be read: {', '.join(known_types())}",
        ) from None


def known_types() -> list[str]:
    """All types of connections that have an address here, databases left out."""
    return sorted({*_FORMS, *_SPECIAL})


def _filled(connection: Connection, form: Form) -> str:
    values = {}
    for word in form.query.split():
        name, _, field = word.rstrip("?").partition("=")
        value = _value(connection, field or name)
        if not value and not word.endswith("?"):
            raise _missing(connection, field or name)
        if value:
            values[_CREDENTIALS_NAME if name == CREDENTIALS else name] = value
    host = connection.text(form.host) if form.host else ""
    if form.host and not host:
        raise _missing(connection, form.host)
    return f"{form.scheme}://{quote(host, safe=':.')}{query_of(values)}"


def _value(connection: Connection, field: str) -> str:
    if field == CREDENTIALS:
        return _account(connection)
    value = connection.fields.get(field)
    if isinstance(value, list | tuple):
        return ",".join(map(str, value))
    return connection.text(field)


def _account(connection: Connection) -> str:
    text = connection.content("service_account_json", "service_account_file")
    return base64.b64encode(text.encode()).decode() if text else ""


def _missing(connection: Connection, field: str) -> StepFailed:
    what = "service_account_json or service_account_file" if field == CREDENTIALS else field
    return StepFailed("config", f"connection {connection.name!r} ({connection.type}) has no {what}")


def _login(connection: Connection, user: str = "username", password: str = "password") -> str:  # noqa: S107
    name, secret = connection.text(user), connection.text(password)
    if not name and not secret:
        return ""
    return f"{quote(name, safe='')}{':' + quote(secret, safe='') if secret else ''}@"


def _server(scheme: str, port: int = 0, path: str = "database", query: str = "") -> "_Build":
    """`scheme://user:password@host:port/database`."""

    def build(connection: Connection) -> str:
        host = connection.text("host")
        if not host:
            raise _missing(connection, "host")
        number = connection.number("port", port)
        where = f"{host}:{number}" if number else host
        values = {word: connection.text(word) for word in query.split()}
        end = f"/{quote(connection.text(path), safe='')}" if path and connection.text(path) else ""
        return f"{scheme}://{_login(connection)}{where}{end}{query_of(values)}"

    return build


def _zendesk(connection: Connection) -> str:
    domain, token = connection.text("sub_domain"), connection.text("oauth_token")
    if not domain:
        raise _missing(connection, "sub_domain")
    if connection.text("api_token") and connection.text("email"):
        return f"zendesk://{_login(connection, 'email', 'api_token')}{domain}"
    if not token:
        raise _missing(connection, "api_token with email, and no oauth_token")
    return f"zendesk://:{quote(token, safe='')}@{domain}"


def _bucket(scheme: str, credentials: Callable[[Connection], dict[str, str]]) -> "_Build":
    """`s3://bucket/path?...`; as a source mostly without a bucket: the table names it."""

    def build(connection: Connection) -> str:
        bucket = connection.text("bucket_name").strip()
        path = connection.text("path_to_file").strip().lstrip("/")
        where = f"{bucket}/{quote(path)}" if path else bucket
        values = credentials(connection) | {"layout": connection.text("layout").strip()}
        return f"{scheme}://{where}{query_of(values)}"

    return build


def _aws_keys(connection: Connection) -> dict[str, str]:
    keys = ("access_key_id", "secret_access_key", "endpoint_url")
    return {key: connection.text(key).strip() for key in keys}


def _google_keys(connection: Connection) -> dict[str, str]:
    account = _account(connection)
    if not account and connection.text("use_application_default_credentials") != "true":
        raise _missing(connection, CREDENTIALS)
    return {_CREDENTIALS_NAME: account}


def _dynamodb(connection: Connection) -> str:
    region = connection.text("region").strip()
    if not region:
        raise _missing(connection, "region")
    keys = {key: connection.text(key) for key in ("access_key_id", "secret_access_key")}
    return f"dynamodb://dynamodb.{region}.amazonaws.com{query_of(keys)}"


def _csv(connection: Connection) -> str:
    path = connection.text("path")
    if not path:
        raise _missing(connection, "path")
    file = connection.folder / path
    return f"csv://{file}{query_of({'encoding': connection.text('encoding')})}"


def _chess(connection: Connection) -> str:
    players = _value(connection, "players") or "MagnusCarlsen,Hikaru"
    return f"chess://?players={quote(players, safe=',')}"


def _nothing(scheme: str) -> "_Build":
    return lambda connection: f"{scheme}://"


_Build = Callable[[Connection], str]
_KEY, _TOKEN, _OAUTH = "api_key", "access_token", "client_id client_secret"
_FORMS: dict[str, Form] = {
    "adjust": Form("adjust", _KEY),
    "airtable": Form("airtable", "base_id? access_token"),
    "allium": Form("allium", _KEY),
    "anthropic": Form("anthropic", _KEY),
    "applovin": Form("applovin", _KEY),
    "applovinmax": Form("applovinmax", _KEY),
    "appsflyer": Form("appsflyer", _KEY),
    "appstore": Form("appstore", "key_id issuer_id key_path? key_base64=key?"),
    "asana": Form("asana", _TOKEN, host="workspace"),
    "attio": Form("attio", _KEY),
    "bruin": Form("bruin", "api_token"),
    "clickup": Form("clickup", "api_key=api_token"),
    "cursor": Form("cursor", _KEY),
    "customerio": Form("customerio", "api_key region?"),
    "docebo": Form("docebo", "base_url client_id client_secret username? password?"),
    "dune": Form("dune", _KEY),
    "facebookads": Form("facebookads", "access_token account_id"),
    "fireflies": Form("fireflies", _KEY),
    "fluxx": Form("fluxx", _OAUTH, host="instance"),
    "freshdesk": Form("freshdesk", _KEY, host="domain"),
    "fundraiseup": Form("fundraiseup", _KEY),
    "github": Form("github", "access_token? owner repo"),
    "google_sheets": Form("gsheets", CREDENTIALS),
    "googleads": Form("googleads", "dev_token credentials login_customer_id?", host="customer_id"),
    "googleanalytics": Form("googleanalytics", "credentials property_id"),
    "gorgias": Form("gorgias", "api_key email", host="domain"),
    "hostaway": Form("hostaway", _KEY),
    "hubspot": Form("hubspot", _KEY),
    "indeed": Form("indeed", f"{_OAUTH} employer_id"),
    "intercom": Form("intercom", "access_token region?"),
    "jira": Form("jira", "email api_token", host="domain"),
    "kafka": Form(
        "kafka",
        "bootstrap_servers group_id security_protocol? sasl_mechanisms? sasl_username? "
        "sasl_password? batch_size? batch_timeout?",
    ),
    "kinesis": Form(
        "kinesis",
        "aws_access_key_id=access_key_id "
        "aws_secret_access_key=secret_access_key region_name=region",
    ),
    "klaviyo": Form("klaviyo", _KEY),
    "linear": Form("linear", _KEY),
    "linkedinads": Form("linkedinads", "access_token account_ids"),
    "mailchimp": Form("mailchimp", "api_key server"),
    "mixpanel": Form("mixpanel", "username? password? api_secret? project_id? server?"),
    "monday": Form("monday", "api_token"),
    "notion": Form("notion", _KEY),
    "personio": Form("personio", _OAUTH),
    "phantombuster": Form("phantombuster", _KEY),
    "pinterest": Form("pinterest", _TOKEN),
    "pipedrive": Form("pipedrive", "api_token"),
    "plusvibeai": Form("plusvibeai", "api_key workspace_id"),
    "posthog": Form("posthog", "personal_api_key project_id"),
    "primer": Form("primer", _KEY),
    "quickbooks": Form(
        "quickbooks", f"company_id {_OAUTH} refresh_token environment? minor_version?"
    ),
    "revenuecat": Form("revenuecat", "api_key project_id"),
    "salesforce": Form("salesforce", "username password token domain"),
    "shopify": Form("shopify", "api_key? client_id? client_secret?", host="url"),
    "slack": Form("slack", _KEY),
    "smartsheet": Form("smartsheet", _TOKEN),
    "snapchatads": Form("snapchatads", f"refresh_token {_OAUTH} organization_id?"),
    "socrata": Form("socrata", "app_token username? password?", host="domain"),
    "solidgate": Form("solidgate", "public_key secret_key"),
    "spanner": Form("spanner", "project_id instance_id database credentials"),
    "stripe": Form("stripe", _KEY),
    "tiktokads": Form("tiktok", "access_token advertiser_ids timezone?"),
    "trustpilot": Form("trustpilot", _KEY, host="business_unit_id"),
    "wise": Form("wise", _KEY),
    "zoom": Form("zoom", f"{_OAUTH} account_id"),
}
_SPECIAL: dict[str, _Build] = {
    "chess": _chess,
    "couchbase": _server("couchbase", path="bucket", query="ssl"),
    "csv": _csv,
    "db2": _server("db2", 50000),
    "dynamodb": _dynamodb,
    "elasticsearch": _server("elasticsearch", 9200, path="", query="secure verify_certs"),
    "frankfurter": _nothing("frankfurter"),
    "gcs": _bucket("gs", _google_keys),
    "hana": _server("hana", 30015),
    "influxdb": _server("influxdb", path="", query="token org bucket secure"),
    "isoc_pulse": lambda c: f"isoc-pulse://{query_of({'token': c.text('token')})}",
    "mongo": _server("mongodb", 27017),
    "mongo_atlas": _server("mongodb+srv"),
    "oracle": _server("oracle", 1521, path="service_name"),
    "s3": _bucket("s3", _aws_keys),
    "sftp": _server("sftp", 22, path=""),
    "zendesk": _zendesk,
}
