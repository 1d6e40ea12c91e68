"""Processes of hosts: a worker's tree, and what belongs to nobody who lives."""

import signal
import subprocess
from collections.abc import Mapping, MutableMapping, Sequence
from pathlib import Path

import psutil

from tests.support.hosts import Host


class Tree:
    """A worker's main process, its pool's children, and all below."""

    def __init__(self, main: psutil.Process) -> None:
        self.main = main

    @staticmethod
    def of(worker: "subprocess.Popen[bytes]") -> "Tree":
        """The tree of a worker that we started and have not waited for."""
        return Tree(psutil.Process(worker.pid))

    def all(self) -> set[int]:
        """Process ids of all."""
        try:
            return {self.main.pid, *(p.pid for p in self.main.children(recursive=True))}
        except psutil.NoSuchProcess:
            return set()

    def pool(self) -> list[int]:
        """Process ids of the pool's children: forks of the main process."""
        try:
            line = self.main.cmdline()
            return [child.pid for child in self.main.children() if _line(child) == line]
        except psutil.NoSuchProcess:
            return []


def strays(hosts: Sequence[Host], workers: "Mapping[str, subprocess.Popen[bytes]]") -> list[str]:
    """What lives on a host and belongs to no living worker, or to an asset though all ended."""
    living = [(host, pid) for host in hosts for pid in host.pids()]
    alive = [worker for worker in workers.values() if worker.poll() is None]
    known = {pid for worker in alive for pid in Tree.of(worker).all()}
    left = [(host, pid) for host, pid in living if pid not in known or _is_asset(pid)]
    shown = [(host, pid, _shown(pid)) for host, pid in left]
    return [f"{host.name}: {pid} {line}" for host, pid, line in shown if psutil.pid_exists(pid)]


def end_all(hosts: Sequence[Host], workers: "MutableMapping[str, subprocess.Popen[bytes]]") -> None:
    """End what runs on the hosts at once, also what was stopped."""
    for host in hosts:
        host.signal(signal.SIGCONT)
        host.end()
    workers.clear()


def _line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


def _is_asset(pid: int) -> bool:
    """Whether it has an asset's environment: only assets are told of a run."""
    try:
        return b"BRUIN_RUN_ID=" in Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False


def _shown(pid: int) -> str:
    try:
        return " ".join(_line(psutil.Process(pid)))[:100]
    except psutil.NoSuchProcess:
        return ""
