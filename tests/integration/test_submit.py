"""What is left of a run that could not be given to a fleet."""

import socket
from pathlib import Path

from catalog import runs
from catalog.engine import connect
from tests.support.cli import Cli


def test_a_run_that_the_broker_did_not_take_is_cancelled(tmp_path: Path) -> None:
    """Whoever submits it again must not find it running twice."""
    (tmp_path / "assets").mkdir()
    (tmp_path / "pipeline.yml").write_text("name: p\n")
    (tmp_path / "assets" / "a.py").write_text('"""@bruin\nname: a\ntype: python\n@bruin"""\n')
    home = tmp_path / "home"
    with socket.socket() as nobody:  # who has the port does not listen there, nor may another
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        fleet = Cli(home, tmp_path)
        done = fleet("submit", str(tmp_path), "--broker", f"redis://127.0.0.1:{port}/0")
    assert (done.returncode, done.stdout) == (1, "")
    assert f"the broker at 127.0.0.1:{port} does not answer" in done.stderr
    assert "nothing of it has run" in done.stderr
    (run,) = runs.recent(connect(f"sqlite:///{home}/catalog.db"))
    assert str(run.state) == "cancelled"
    assert run.reason == "the broker did not take it"
