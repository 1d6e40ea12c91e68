"""What is left of a run that could not be given to a fleet."""

import socket
import subprocess
import sys
from pathlib import Path

from catalog import runs
from catalog.engine import connect


def test_a_run_that_the_broker_did_not_take_is_cancelled(tmp_path: Path) -> None:
    """Whoever submits it again must not find it running twice."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "pipeline.yml").write_text("name: p\n")
    (tmp_path / "assets" / "a.py").write_text('"""@bruin\nname: a\ntype: python\n@bruin"""\n')
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    fleet = str(Path(sys.executable).with_name("fleet"))
    url, home = f"redis://127.0.0.1:{port}/0", str(tmp_path / "home")
    done = subprocess.run(
        [fleet, "submit", str(tmp_path), "--broker", url, "--home", home],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert f"the broker at 127.0.0.1:{port} does not answer" in done.stderr
    assert "nothing of it has run" in done.stderr
    (run,) = runs.recent(connect(f"sqlite:///{home}/catalog.db"))
    assert str(run.state) == "cancelled"
    assert run.reason == "the broker did not take it"
