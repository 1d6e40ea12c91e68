"""dispatcher.preparing: what it prints of faults that do not stop a run."""

import io
from pathlib import Path

from dispatcher import preparing, target
from dispatcher.look import Look
from dispatcher.run_flags import RunFlags
from dispatcher.terminal import Terminal
from tests.support.faults import SHOP, sql
from tests.support.written import write


def _printed(shop: Path, *, quiet: bool) -> str:
    err = io.StringIO()
    terminal = Terminal(out=io.StringIO(), err=err, environ={})
    look = Look(terminal=terminal, quiet=quiet)
    preparing.prepare(target.find([str(shop)]), RunFlags(), look)
    return err.getvalue()


def test_a_quiet_run_says_nothing_of_warnings(tmp_path: Path) -> None:
    write(tmp_path, {".git/HEAD": "", "pipeline.yml": SHOP, "assets/b.sql": sql("ownr: me")})
    assert "the key 'ownr' is not known here" in _printed(tmp_path, quiet=False)
    assert _printed(tmp_path, quiet=True) == ""
