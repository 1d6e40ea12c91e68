"""The asset's guardian: a tiny process that starts one asset at a time and never leaves an orphan.

Run by path as `python -I -S supervisor_main.py FD` by workers.supervisor; standard library only, so
that it starts quickly and nothing of a project can get into it. FD is one end of a socket pair:

    worker -> guardian   start {argv, env, cwd, lease, at} with the output pipe's descriptor, and
                         that of a file for standard output where it is not to be mixed with errors;
                         kill {reason, grace}; tick {at}
    guardian -> worker   started {pid} or failed {error};
                         ended {code, signal, reason, leftovers, max_rss}

Each message is its length in four bytes, then JSON. The socket is the lifeline: when it closes, or
when the newest tick is older than the lease (a worker that is paused or cut off), the whole tree is
killed. `at` is when the worker last knew that the work is still its own, by this host's clock.
"""

# pathlib would cost the guardian a third of its start
# ruff: noqa: PTH123, PTH208, S606
# mypy: disable-error-code="no-untyped-def, no-untyped-call"

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import socket
import sys
import time

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 36, 38
LINUX = sys.platform == "linux"
ORPHAN_GRACE = 1.0  # seconds between TERM and KILL for what an ended asset left behind
LOST_GRACE = 2.0  # the same when the worker died or was paused; less where the lease is short
KILL_AGAIN = 0.05  # seconds between rounds of KILL, as a fork may slip through one


def clock() -> float:
    """Seconds that go on while the host sleeps, where the system has such a clock."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if LINUX else time.monotonic()


def load_prctl():
    """prctl(2), loaded before any fork; a function that does nothing elsewhere."""
    return ctypes.CDLL(None).prctl if LINUX else lambda *_: 0


def receive(sock):
    """The next message with its descriptors, or (None, []) at the end of the lifeline."""
    header, fds = b"", []
    while len(header) < 4:
        data, more, _, _ = socket.recv_fds(sock, 4 - len(header), 2)
        for descriptor in more:  # the asset has them as its output, and under no other number
            os.set_inheritable(descriptor, False)
        fds += more
        if not data:
            return None, fds
        header += data
    rest = int.from_bytes(header, "big")
    body = bytearray()
    while rest > len(body):
        data = sock.recv(min(rest - len(body), 1 << 20))
        if not data:
            return None, fds
        body += data
    return json.loads(body), fds


def send(sock, **message):
    """Write one message; a worker that is gone is noticed by the next read."""
    body = json.dumps(message).encode()
    with contextlib.suppress(OSError):
        sock.sendall(len(body).to_bytes(4, "big") + body)


def descendants() -> list[int]:
    """Every process below this one, by parent; killed children of killed parents come here too."""
    parents: dict[int, list[int]] = {}
    for entry in os.listdir("/proc") if LINUX else ():
        if entry.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{entry}/stat", "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
                if fields[0] != b"Z":
                    parents.setdefault(int(fields[1]), []).append(int(entry))
    found, todo = [], [os.getpid()]
    while todo:
        below = parents.get(todo.pop(), [])
        found += below
        todo += below
    return found


class Guardian:
    """Starts the asset that it is told to, and ends its tree when it must."""

    def __init__(self, sock, prctl) -> None:
        self.sock, self.prctl = sock, prctl
        self.pid = 0  # of the asset's first process, which is also its process group
        self.status: tuple | None = None  # type: ignore[type-arg]  # what wait4 said of it
        self.reason = ""
        self.kill_at = 0.0  # when TERM turns into KILL; 0 while nothing is being ended
        self.ticked, self.lease = clock(), 0.0
        self.late = False  # no tick came in time
        self.leftovers = 0
        self.closing = False

    def start(self, order, fds) -> None:
        """Start the asset, or say why it cannot be."""
        self.ticked, self.lease = order["at"], order["lease"]
        self.status = None
        self.reason, self.kill_at, self.late, self.leftovers = "", 0.0, False, 0
        error = self.spawn(order, fds)
        for descriptor in fds:
            os.close(descriptor)
        if error:
            os.waitpid(self.pid, 0)
            self.pid = 0
            send(self.sock, kind="failed", error=error)
        else:
            send(self.sock, kind="started", pid=self.pid)

    def spawn(self, order, outputs) -> str:
        """Fork and exec; the text of what went wrong, or nothing. The seam for warm processes:
        an order could name one that forks the asset instead."""
        told, tell = os.pipe()
        parent = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            self.become(order, outputs, parent, tell)
        os.close(tell)
        with open(told, "rb") as pipe:
            return pipe.read().decode(errors="replace")

    def become(self, order, outputs, parent: int, tell: int) -> None:
        """In the child: own session, no survivor of the guardian, then the asset's program."""
        try:
            os.setsid()
            self.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:
                os._exit(1)
            for number in (signal.SIGPIPE, signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(outputs[-1], 1)
            os.dup2(outputs[0], 2)
            self.confine(**order["confine"])
            if os.getppid() != parent:  # it ended while no signal would have told
                os._exit(1)
            os.chdir(order["cwd"])
            os.execve(order["argv"][0], order["argv"], order["env"])
        except BaseException as error:
            os.write(tell, f"{type(error).__name__}: {error}".encode())
        finally:
            os._exit(127)

    def confine(self, limits=(), user=None) -> None:
        """In the child: its share of the host, its user, and no way to more rights."""
        for name, most in [["CORE", 0], *limits]:  # a core dump would hold what is secret
            resource.setrlimit(getattr(resource, "RLIMIT_" + name), (most, most))
        if user:
            uid, gid, groups = user
            os.setgroups(groups)
            os.setgid(gid)
            os.setuid(uid)
            os.umask(0o077)
            self.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # a change of user has cleared it
        self.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)

    def end(self, reason: str, grace: float) -> None:
        """Ask the tree to end; after `grace` seconds it is killed."""
        if not self.pid:
            return
        if not self.kill_at:
            self.reason = self.reason or reason
            self.kill_at = clock() + grace
            self.signal_tree(signal.SIGTERM)
        self.kill_at = min(self.kill_at, clock() + grace)

    def signal_tree(self, number: int) -> None:
        """Signal the asset's group, and whoever left it for a session of its own."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)
        for pid in descendants():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if os.getpgid(pid) != self.pid:
                    os.kill(pid, number)

    def reap(self) -> None:
        """Collect what ended; when the whole tree is gone, tell the worker."""
        while self.pid:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                pid, status, usage = -1, 0, None
            if pid == self.pid:
                self.status = (status, usage)
            elif pid == -1 and self.status and not self.group_lives():
                self.tell_end()
            if pid <= 0:
                break
        if self.pid and self.status and not self.kill_at:
            self.leftovers = max(1, len(descendants()))
            self.end("", ORPHAN_GRACE)

    def group_lives(self) -> bool:
        """Whether a process of the asset's group is left (where orphans do not come to us)."""
        try:
            os.killpg(self.pid, 0)
        except (ProcessLookupError, PermissionError):
            return False
        return True

    def tell_end(self) -> None:
        assert self.status is not None
        status, usage = self.status
        code = os.waitstatus_to_exitcode(status)
        size = usage.ru_maxrss * (1024 if LINUX else 1)
        self.pid = 0
        send(
            self.sock,
            kind="ended",
            code=max(code, 0),
            signal=max(-code, 0),
            reason=self.reason,
            leftovers=self.leftovers,
            max_rss=size,
        )

    def obey(self) -> None:
        """Read one message and do it."""
        try:
            order, fds = receive(self.sock)
        except OSError:
            order, fds = None, []
        if order is None:
            self.closing = True
            self.end("lost", self.lost_grace())
        elif order["kind"] == "start":
            self.start(order, fds)
        elif order["kind"] == "kill":
            self.end(order["reason"], order["grace"])
        elif order["kind"] == "tick":
            self.ticked = max(self.ticked, order["at"])

    def lost_grace(self) -> float:
        """Seconds for what has no worker any more: all is over before somebody else may begin."""
        return min(LOST_GRACE, self.lease / 6)

    def patience(self) -> float | None:
        """Seconds until something must happen by itself; None for never."""
        if not self.pid:
            return None
        due = self.ticked + self.lease
        if self.kill_at:
            due = self.kill_at if self.late else min(due, self.kill_at)
        return max(KILL_AGAIN if self.kill_at else 0.0, due - clock())

    def watch(self) -> None:
        """What time alone decides: a lost worker, a process that ignores TERM."""
        if not self.pid:
            return
        if self.kill_at and clock() >= self.kill_at:
            self.signal_tree(signal.SIGKILL)
        elif not self.late and clock() > self.ticked + self.lease:
            self.late = True  # once, or the kill would be put off
            self.end("lease", self.lost_grace())

    def serve(self) -> None:
        """Obey until the lifeline closes and nothing is left to end."""
        wake, waker = os.pipe()
        os.set_blocking(wake, False)
        os.set_blocking(waker, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(waker)
        while self.pid or not self.closing:
            sources = [wake] if self.closing else [wake, self.sock]
            ready = select.select(sources, [], [], self.patience())[0]
            if wake in ready:
                os.read(wake, 4096)
            if self.sock in ready:
                self.obey()
            self.reap()
            self.watch()


def main() -> None:
    """Serve the socket whose descriptor is the only argument."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    prctl = load_prctl()
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    sock = socket.socket(fileno=int(sys.argv[1]))
    sock.set_inheritable(False)
    Guardian(sock, prctl).serve()


if __name__ == "__main__":
    main()
