"""Secrets backends through their own clients, against stand-ins of their HTTP interfaces."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from assets_parser.spec import Secret
from tests.support import secret_servers
from tests.support.attempt import OPTIONS, Bench, bench, shared_cache
from tests.support.secret_servers import JWT, TENANT, TOKEN, Stand
from workers import connections, locks
from workers.errors import StepFailed
from workers.secrets_backends import names, secrets, vault

PASSWORD = "s3cret-pass-word"
POSTGRES = {
    "type": "postgres",
    "details": {"username": "u", "password": PASSWORD, "host": "db", "database": "shop"},
}


@dataclass
class Backend:
    """One backend that runs: its name, its stand-in, and how a worker reaches it."""

    name: str
    stand: Stand
    environ: dict[str, str]

    def put(self, name: str, value: object) -> None:
        """Keep a secret as the backend would."""
        plain = self.name == "vault" or isinstance(value, str)
        spelled = {"doppler": name.upper().replace("-", "_"), "azure": name.replace("_", "-")}
        self.stand.secrets[spelled.get(self.name, name)] = value if plain else json.dumps(value)

    def connections(self, run_id: str = "7f3k2", **changed: str) -> connections.Connections:
        """The connections of a run whose worker has these variables."""
        given = {key: value for key, value in {**self.environ, **changed}.items() if value}
        return connections.from_backend(self.name, given, root=Path("/project"), run_id=run_id)


@pytest.fixture(autouse=True)
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test asks for itself, and does not wait between tries."""
    secrets._memory.clear()
    monkeypatch.setattr(secrets, "_PAUSES", (0.0, 0.0))


@pytest.fixture(params=["vault", "doppler", "aws", "azure"])
def backend(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Backend]:
    """Each backend in turn."""
    stands = {
        "vault": secret_servers.Vault,
        "doppler": secret_servers.Doppler,
        "aws": secret_servers.SecretsManager,
        "azure": secret_servers.KeyVault,
    }
    file = secret_servers.certificate(tmp_path) if request.param == "azure" else None
    with stands[request.param]().running(file) as stand:
        monkeypatch.setenv("AWS_ENDPOINT_URL_SECRETS_MANAGER", stand.url)
        if file is not None:
            monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(file))
        yield Backend(request.param, stand, environ(request.param, stand.url))


def environ(name: str, url: str) -> dict[str, str]:
    """The variables that lead to a stand-in."""
    return {
        "vault": {
            "BRUIN_VAULT_HOST": url,
            "BRUIN_VAULT_MOUNT_PATH": "kv",
            "BRUIN_VAULT_PATH": "bruin",
            "BRUIN_VAULT_TOKEN": TOKEN,
        },
        "doppler": {
            "DOPPLER_API_HOST": url,
            "BRUIN_DOPPLER_TOKEN": TOKEN,
            "BRUIN_DOPPLER_PROJECT": "shop",
            "BRUIN_DOPPLER_CONFIG": "dev",
        },
        "aws": {
            "BRUIN_AWS_ACCESS_KEY_ID": "AKIASTANDIN",
            "BRUIN_AWS_SECRET_ACCESS_KEY": "key-key-key",
            "BRUIN_AWS_REGION": "eu-west-1",
        },
        "azure": {
            "BRUIN_AZURE_KEYVAULT_URL": url,
            "BRUIN_AZURE_AUTH_METHOD": "client_credentials",
            "BRUIN_AZURE_TENANT_ID": TENANT,
            "BRUIN_AZURE_CLIENT_ID": "fleet",
            "BRUIN_AZURE_CLIENT_SECRET": "pw",
            "AZURE_AUTHORITY_HOST": url,
        },
    }[name]


def refused(backend: Backend, name: str = "pg-main", **changed: str) -> StepFailed:
    """Why there is no such connection; nothing that is secret is in the words."""
    with pytest.raises(StepFailed) as caught:
        backend.connections(**changed).get(name)
    said = f"{caught.value.message} {caught.value.detail} {caught.value.hint}"
    assert backend.name in said
    assert not [text for text in (PASSWORD, TOKEN, "key-key-key") if text in said]
    return caught.value


def test_a_connection_is_found_by_its_name(backend: Backend) -> None:
    """With the fields of .bruin.yml, and the port that is usual."""
    backend.put("pg-main", POSTGRES)
    found = backend.connections().get("pg-main")
    assert (found.name, found.type, found.number("port")) == ("pg-main", "postgres", 5432)
    assert found.text("password") == PASSWORD


def test_each_secret_is_asked_for_once_in_a_run(backend: Backend) -> None:
    """Another run asks again."""
    backend.put("pg-main", POSTGRES)
    backend.connections().get("pg-main")
    count = len(backend.stand.asked)
    backend.connections().get("pg-main")
    assert len(backend.stand.asked) == count
    backend.connections("other").get("pg-main")
    assert len(backend.stand.asked) > count


def test_a_secret_that_is_not_there_is_named_with_its_place(backend: Backend) -> None:
    """That is an answer: nobody waits for it, and looking for it is no failure."""
    failed = refused(backend)
    assert failed.kind == "config"
    assert failed.message == f"the secrets backend {backend.name} has no secret 'pg-main'"
    assert '"details"' in failed.hint
    assert backend.connections().find("pg-main") is None


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"type": "postgres"}, "needs `type`, a text, and `details`, an object"),
        ({"type": 5, "details": {}}, "needs `type`"),
        ({"type": "postgres", "details": PASSWORD}, "needs `type`"),
        ({"type": "postgress", "details": {"password": PASSWORD}}, "did you mean 'postgres'"),
    ],
)
def test_a_secret_of_another_shape_is_explained(
    backend: Backend, value: dict[str, Any], words: str
) -> None:
    """Without its value."""
    backend.put("pg-main", value)
    failed = refused(backend)
    assert failed.kind == "config"
    assert words in failed.message


def test_text_that_is_no_json_is_not_shown(backend: Backend) -> None:
    """Somebody stored the bare password, say."""
    backend.put("pg-main", PASSWORD)
    words = "needs `type`|not valid JSON|is not a JSON object|AttributeError"
    with pytest.raises(StepFailed, match=words):
        backend.connections().get("pg-main")
    assert PASSWORD not in refused(backend).message


def test_a_backend_that_stumbles_is_asked_again(backend: Backend) -> None:
    """Two bad answers are survived."""
    backend.put("pg-main", POSTGRES)
    backend.stand.broken = [500, 503]
    assert backend.connections().get("pg-main").type == "postgres"


def test_a_backend_that_stays_away_is_no_answer(backend: Backend) -> None:
    """A step that does not know must not go on as if there were no lock to take."""
    backend.stand.broken = [500] * 40
    failed = refused(backend)
    assert failed.kind == "env"
    assert "did not give secret 'pg-main'" in failed.message
    with pytest.raises(StepFailed, match="did not give"):
        backend.connections().find("pg-main")


def test_wrong_credentials_are_said_at_once(backend: Backend) -> None:
    """With the variable to look at."""
    backend.put("pg-main", POSTGRES)
    key = {
        "vault": "BRUIN_VAULT_TOKEN",
        "doppler": "BRUIN_DOPPLER_TOKEN",
        "aws": "BRUIN_AWS_ACCESS_KEY_ID",
        "azure": "BRUIN_AZURE_CLIENT_SECRET",
    }[backend.name]
    failed = refused(backend, **{key: "wrong-wrong"})
    assert failed.kind == "env"
    assert failed.hint
    assert "wrong-wrong" not in failed.message


def test_variables_that_are_missing_are_named(backend: Backend) -> None:
    """All of them at once."""
    failed = refused(backend, **dict.fromkeys(names.VARIABLES[backend.name], ""))
    assert "not set" in failed.message
    assert failed.message.count("BRUIN_") >= 1


@pytest.mark.parametrize("name", ["", "../other", "a/../../b", "a\nb"])
def test_a_name_cannot_lead_elsewhere(name: str) -> None:
    """It comes from an asset's definition; nobody is asked."""
    backend = Backend("vault", secret_servers.Vault(), environ("vault", "http://127.0.0.1:1"))
    with pytest.raises(StepFailed, match="cannot be the name"):
        backend.connections().get(name)


def test_file_databases_of_a_backend_are_locked(backend: Backend) -> None:
    """Relative paths start at the project's root."""
    backend.put("duck", {"type": "duckdb", "details": {"path": "data/shop.db"}})
    found = backend.connections().get("duck")
    assert found.file == Path("/project/data/shop.db")
    assert locks.name(found) == "duckdb:/project/data/shop.db"


def test_an_asset_gets_its_secret_and_nobody_sees_it(
    backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In its variable, masked in its log; the backend's own credentials are not there at all."""
    for key, value in backend.environ.items():
        monkeypatch.setenv(key, value)
    backend.put("pg-main", POSTGRES)
    place = bench(tmp_path / "bench", shared_cache())
    code = (
        "import json, os\nvalue = json.loads(os.environ['DB'])\n"
        "print('OUT', value['name'], value['port'], value['password'])\n"
        "print('OUT', [key for key in os.environ if 'TOKEN' in key or 'BRUIN_A' in key])\n"
    )
    _run(place, code, backend.name)
    assert place.log.own == ["OUT pg-main 5432 ********", "OUT []"]


def _run(place: Bench, code: str, backend: str) -> None:
    """Run a script with the secret pg-main as DB; a .bruin.yml is not looked at."""
    broken = place.write(".bruin.yml", "environments: [")
    options = replace(OPTIONS, secrets_backend=backend)
    given = (Secret(key="pg-main", inject_as="DB"),)
    place.run("a.py", code, config=broken, options=options, secrets=given)


def test_vault_knows_the_pods_service_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """BRUIN_VAULT_ROLE instead of a token."""
    account = tmp_path / "token"
    account.write_text(JWT + "\n")
    monkeypatch.setattr(vault, "SERVICE_ACCOUNT", account)
    with secret_servers.Vault(secrets={"pg-main": POSTGRES}).running() as stand:
        given = environ("vault", stand.url)
        backend = Backend("vault", stand, given)
        found = backend.connections(BRUIN_VAULT_TOKEN="", BRUIN_VAULT_ROLE="fleet")
        assert found.get("pg-main").type == "postgres"
        failed = refused(backend, "other", BRUIN_VAULT_TOKEN="", BRUIN_VAULT_ROLE="nobody")
        assert failed.kind == "env"


def test_an_unknown_backend_is_named_with_the_nearest() -> None:
    """A worker's own fleet.toml may say nonsense too."""
    with pytest.raises(StepFailed, match="no secrets backend 'valt'") as caught:
        connections.from_backend("valt", {}, root=Path("/"), run_id="x")
    assert "vault" in caught.value.hint


def test_a_client_that_is_not_installed_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command that installs it."""
    import sys

    monkeypatch.setitem(sys.modules, "hvac", None)
    backend = Backend("vault", secret_servers.Vault(), environ("vault", "http://127.0.0.1:1"))
    failed = refused(backend)
    assert "hvac is not installed" in failed.message
    assert failed.hint == "pip install 'bruin-fleet[vault]'"


def test_the_workers_own_setting_counts_where_the_run_names_none(tmp_path: Path) -> None:
    """And what the run names wins."""
    place = bench(tmp_path / "bench", tmp_path / "cache")
    settings = replace(place.settings, secrets_backend="valt")
    run = type("Run", (), {"options": OPTIONS, "project": place.project, "config": None})()
    with pytest.raises(StepFailed, match="'valt'"):
        connections.of_run(settings, "7f3k2", run)
    run.options = replace(OPTIONS, secrets_backend="nope")
    with pytest.raises(StepFailed, match="'nope'"):
        connections.of_run(settings, "7f3k2", run)
