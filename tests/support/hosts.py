"""Several hosts on one machine: network namespaces on a bridge, cuts of one direction at a time.

Needs root and iproute2. Names hold our process id and all is removed at the end; rules and routes
are made inside the namespaces only, so that no other traffic is touched. For `tests/faults`.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

_BEFORE = "10"  # of a rule that cuts: it is looked at before the table of own addresses


def missing() -> str:
    """Why hosts cannot be made here; empty if they can."""
    if os.name != "posix" or not Path("/proc/self/ns/net").exists():
        return "no network namespaces on this system"
    if shutil.which("ip") is None:
        return "no `ip` (iproute2) on this machine"
    name = f"ft{os.getpid()}x"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        return f"network namespaces cannot be made: {made.stderr.strip()}"
    _ip("netns", "del", name)
    return ""


@dataclass(slots=True, kw_only=True)
class Host:
    """One host: an address, a folder, and what runs in it."""

    name: str
    namespace: str
    address: str
    folder: Path
    processes: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    def start(
        self, argv: Sequence[str], environ: Mapping[str, str], log: str
    ) -> "subprocess.Popen[bytes]":
        """Start a program in it; what it prints goes to a file of the host's folder."""
        with (self.folder / log).open("ab") as out:
            command = ["ip", "netns", "exec", self.namespace, *argv]
            process = subprocess.Popen(
                command,
                env=dict(environ),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def pids(self) -> list[int]:
        """All that lives in it, zombies not counted."""
        told = _ip("netns", "pids", self.namespace).split()
        return [pid for pid in map(int, told) if _lives(pid)]

    def signal(self, number: int, pids: Sequence[int] | None = None) -> None:
        """Send a signal to these processes; to all that there are, again until no new one came."""
        seen: set[int] = set()
        while new := set(self.pids() if pids is None else pids) - seen:
            for pid in new:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
            seen |= new

    def cut(self, *addresses: str, out: bool = True, into: bool = True) -> None:
        """Drop, without a word, what goes to these addresses, what comes from them, or both."""
        for address in dict.fromkeys(addresses):
            if out:
                self._rule("add", "to", address, "lookup", "200")
            if into:
                self._rule("add", "iif", "eth0", "from", address, "blackhole")

    def heal(self) -> None:
        """End all cuts."""
        while _ip("-n", self.namespace, "rule", "show", "pref", _BEFORE):
            self._rule("del")

    def _rule(self, verb: str, *words: str) -> None:
        _ip("-n", self.namespace, "rule", verb, "pref", _BEFORE, *words)

    def end(self) -> None:
        """Kill what runs in it and reap what we started."""
        self.signal(signal.SIGKILL)
        for process in self.processes:
            process.wait(120)
        self.processes.clear()


class Network:
    """A bridge, on which services get addresses on our side and hosts get theirs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._bridge = f"ft{os.getpid()}b"
        self._net = _free_net()
        self._services = 0
        self.hosts: list[Host] = []
        _ip("link", "add", self._bridge, "type", "bridge")
        _ip("link", "set", self._bridge, "up")

    def service(self) -> str:
        """A new address on our side, for one service: cuts are made by address."""
        self._services += 1
        address = f"{self._net}.{self._services}"
        _ip("addr", "add", f"{address}/24", "dev", self._bridge)
        return address

    def host(self, name: str) -> Host:
        """A new host."""
        number = len(self.hosts) + 1
        folder = self._folder / name
        folder.mkdir(parents=True)
        host = Host(
            name=name,
            namespace=f"ft{os.getpid()}h{number}",
            address=f"{self._net}.{100 + number}",
            folder=folder,
        )
        _ip("netns", "add", host.namespace)
        self.hosts.append(host)
        self._connect(host, f"ft{os.getpid()}v{number}")
        return host

    def _connect(self, host: Host, link: str) -> None:
        _ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", host.namespace)
        _ip("link", "set", link, "master", self._bridge, "up")
        inside = ("-n", host.namespace)
        _ip(*inside, "addr", "add", f"{host.address}/24", "dev", "eth0")
        _ip(*inside, "link", "set", "lo", "up")
        _ip(*inside, "link", "set", "eth0", "up")
        # rules that cut come first; what they send to table 200 goes nowhere, as if dropped
        _ip(*inside, "rule", "add", "pref", "100", "table", "local")
        _ip(*inside, "rule", "del", "pref", "0")
        _ip(*inside, "link", "add", "nowhere", "type", "veth", "peer", "name", "nobody")
        _ip(*inside, "link", "set", "nobody", "up")
        _ip(*inside, "link", "set", "nowhere", "arp", "off", "up")
        _ip(*inside, "route", "add", "default", "dev", "nowhere", "table", "200")

    def close(self) -> None:
        """Remove all of it, whatever state it is in."""
        for host in self.hosts:
            host.end()
            _ip("netns", "del", host.namespace)
        _ip("link", "del", self._bridge)


@contextlib.contextmanager
def network(folder: Path) -> Iterator[Network]:
    """A network for the time of the block."""
    _sweep()
    made = Network(folder)
    try:
        yield made
    finally:
        made.close()


def _sweep() -> None:
    """Remove what killed tests left: their names hold the id of a process that is gone."""
    # our own number may be that of a process that went: we have made nothing yet
    gone = lambda owner: int(owner) == os.getpid() or not psutil.pid_exists(int(owner))  # noqa: E731
    for name, owner in re.findall(r"^(ft(\d+)h\d+)", _ip("netns", "list"), re.M):
        if gone(owner):
            with contextlib.suppress(RuntimeError, ProcessLookupError):  # another one sweeps too
                for pid in map(int, _ip("netns", "pids", name).split()):
                    os.kill(pid, signal.SIGKILL)
                _ip("netns", "del", name)
    for name, owner in re.findall(r"^\d+: (ft(\d+)b):", _ip("link", "show"), re.M):
        if gone(owner):
            with contextlib.suppress(RuntimeError):
                _ip("link", "del", name)


def _free_net() -> str:
    """The beginning of a /24 that nothing here has an address in."""
    used = _ip("-4", "addr", "show") + _ip("-4", "route", "show")
    # whoever looks at the same moment begins elsewhere
    first, second = divmod(os.getpid() % 9960, 40)
    nets = (f"10.{213 + second}.{(first + n) % 249 + 1}" for n in range(249))
    return next(net for net in nets if f" {net}." not in used and f"\n{net}." not in used)


def _lives(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def _ip(*words: str) -> str:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"ip {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout
