"""`--secrets-backend` from the command line to the table, and that no secret stays anywhere."""

import json
from collections.abc import Iterator

import pytest
import redis

from tests.support.cli import Cli
from tests.support.leaks import in_broker, in_files
from tests.support.project import Project
from tests.support.secret_servers import TOKEN, Vault

pytestmark = pytest.mark.e2e

SECRET = "s3cret-of-the-vault"
HEADER = (
    "connection: lake\nmaterialization: {type: table}\nsecrets: [{key: api, inject_as: KEY}]\n"
    "columns: [{name: size, type: integer, checks: [{name: positive}]}]\n"
)
CODE = "import os\ndef materialize():\n    return [{'size': len(os.environ['KEY'])}]\n"


@pytest.fixture
def vault() -> Iterator[Vault]:
    """A vault with a file database and an API key."""
    kept = {
        "lake": {"type": "duckdb", "details": {"path": "data/lake.duckdb"}},
        "api": {"type": "generic", "details": {"value": SECRET}},
    }
    with Vault(secrets=kept).running() as stand:
        assert isinstance(stand, Vault)
        yield stand


def environ(vault: Vault, token: str = TOKEN) -> dict[str, str]:
    """What a shell exports for Bruin."""
    return {
        "BRUIN_SECRETS_BACKEND": "vault",
        "BRUIN_VAULT_HOST": vault.url,
        "BRUIN_VAULT_MOUNT_PATH": "kv",
        "BRUIN_VAULT_PATH": "bruin",
        "BRUIN_VAULT_TOKEN": token,
    }


def test_a_pipeline_runs_on_connections_of_a_vault(up: Cli, project: Project, vault: Vault) -> None:
    """On a fleet whose workers were started without the variables; .bruin.yml knows nothing."""
    project.script("main.sizes", CODE, header=HEADER)
    cli = Cli(up.home, up.cwd, {**up.environ, **environ(vault)})
    plan = cli("plan", "shop")
    assert plan.returncode == 0
    assert "not in environment" not in plan.stdout
    assert vault.asked == []  # the submitter asks for nothing
    done = cli("run", "shop")
    assert done.returncode == 0, done.stdout + done.stderr
    assert project.rows("select size from main.sizes", "data/lake.duckdb") == [(len(SECRET),)]
    facts = json.loads((up.home / "run" / "up.json").read_text())
    assert redis.Redis.from_url(facts["broker"]).dbsize() > 0
    for secret in (SECRET.encode(), TOKEN.encode()):
        assert in_files(up.home, secret, ("envs", "uv-cache")) == []
        assert in_broker(facts["broker"], secret) == []


def test_a_vault_that_refuses_is_explained(up: Cli, project: Project, vault: Vault) -> None:
    """Backend, secret, and what to look at; the token is not shown."""
    project.script("main.sizes", CODE, header=HEADER)
    cli = Cli(up.home, up.cwd, {**up.environ, **environ(vault, "wrong-wrong")})
    done = cli("run", "shop")
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert "the secrets backend vault did not give secret" in said
    assert "BRUIN_VAULT_TOKEN" in said
    assert "wrong-wrong" not in said


def test_a_misspelt_backend_is_refused_before_anything_runs(up: Cli, project: Project) -> None:
    """With the nearest name."""
    project.script("main.sizes", CODE, header=HEADER)
    done = up("run", "shop", "--secrets-backend", "valt")
    assert done.returncode != 0
    assert "did you mean 'vault'" in done.stdout + done.stderr
