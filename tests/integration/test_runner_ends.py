"""How scripts are ended: by a time limit, a cancel, a lost worker or guardian; nothing survives."""

import contextlib
import os
import sys
import threading
from dataclasses import replace
from pathlib import Path

import psutil

from tests.support.attempt import Bench
from tests.support.cli import until
from tests.support.own_projects import failure, home, place
from workers.supervisor import Supervisor, mine

__all__ = ["home", "place"]


def gone(pid: int) -> bool:
    """Whether the process ends soon; a zombie that nobody collects has ended."""
    try:
        process = psutil.Process(pid)
        with contextlib.suppress(psutil.TimeoutExpired):
            process.wait(100)
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_time_limit_ends_the_whole_tree(place: Bench) -> None:
    """Also a grandchild that went into a session of its own and ignores TERM."""
    code = (
        "import subprocess, sys, time\n"
        "p = subprocess.Popen([sys.executable, '-c', 'import signal,time;"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN);time.sleep(600)'], start_new_session=True)\n"
        "print('OUT', p.pid)\ntime.sleep(600)\n"
    )
    limits = iter((1.5, 6.0, 24.0, 96.0))  # the first that lets it begin at all
    while not place.log.own:
        limit = next(limits)
        failed = failure(place, "a.py", code, timeout=limit)
        assert failed.kind == "timeout"
        assert f"{limit:g} s" in failed.message
    assert gone(int(place.log.own[0].split()[1]))


def test_a_cancel_ends_it(place: Bench) -> None:
    """The asset gets TERM first, so it may tidy up."""
    code = (
        "import signal, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: (print('OUT tidy'), sys.exit(0)))\n"
        "print('OUT ready')\ntime.sleep(600)\n"
    )

    def cancel() -> None:
        until(lambda: place.log.own)
        place.stop.reason = "cancelled"

    place.settings = replace(place.settings, stop_grace=100.0)
    threading.Thread(target=cancel, daemon=True).start()
    failed = failure(place, "a.py", code)
    assert failed.kind == "cancelled"
    assert place.log.own == ["OUT ready", "OUT tidy"]


def test_what_a_script_leaves_running_is_ended(place: Bench) -> None:
    """A background process does not outlive its asset, and the log says so."""
    code = "import subprocess\nprint('OUT', subprocess.Popen(['sleep', '600']).pid)"
    place.run("a.py", code)
    assert gone(int(place.log.own[0].split()[1]))
    assert any("left running" in line for line in place.log.lines)


def test_no_process_survives_a_worker_that_is_killed(place: Bench, tmp_path: Path) -> None:
    """kill -9 of the worker closes the lifeline: the guardian ends the asset's tree and itself."""
    pids = tmp_path / "pids"
    child = os.fork()
    if child == 0:
        sleeper = "import os,time;print(os.getpid(), os.getppid(), flush=True);time.sleep(600)"
        try:
            Supervisor().run(
                [sys.executable, "-c", sleeper], {}, "/", on_line=lambda s: _write(pids, s)
            )
        finally:
            os._exit(0)
    until(pids.exists)
    asset, guardian = map(int, pids.read_text().split())
    os.kill(child, 9)
    os.waitpid(child, 0)
    assert gone(asset)
    assert gone(guardian)


def _write(path: Path, text: str) -> None:
    aside = path.with_suffix(".new")
    aside.write_text(text)
    aside.replace(path)


def test_a_killed_guardian_takes_the_asset_along(place: Bench) -> None:
    """The step fails as lost, and the next one gets a new guardian."""

    def shoot() -> None:
        until(lambda: place.log.own)
        psutil.Process(int(place.log.own[0].split()[2])).kill()

    threading.Thread(target=shoot, daemon=True).start()
    code = "import os, time\nprint('OUT', os.getpid(), os.getppid())\ntime.sleep(600)"
    assert failure(place, "a.py", code).kind == "lost"
    assert gone(int(place.log.own[0].split()[1]))
    assert place.run("b.py", "pass").result["exit"] == 0


def test_a_silent_worker_loses_the_asset() -> None:
    """Without a tick for the lease (a paused worker) the guardian ends the asset by itself."""
    supervisor = Silent()
    ended = supervisor.run(["/bin/sleep", "600"], {}, "/", on_line=print, lease=0.5)
    supervisor.close()
    assert ended.reason == "lease"


class Silent(Supervisor):
    """A worker that is paused: it never ticks."""

    def _ticking(self, every: float) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()


def test_each_thread_has_one_supervisor() -> None:
    """It is the same at the second call."""
    assert mine() is mine()
