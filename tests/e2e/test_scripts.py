"""Scripts as people keep them: a lone file, R, a project with uv.lock."""

import shutil
from pathlib import Path

import pytest

from tests.support.cli import Cli
from tests.support.project import Project
from tests.support.wheels import wheel

pytestmark = pytest.mark.e2e

PACKAGE = "fleet_test_numeral"
INLINE = '# /// script\n# dependencies = ["no-such-package-of-ours"]\n# ///\n'


def test_a_lone_script_runs_with_the_requirements_beside_it(up: Cli, tmp_path: Path) -> None:
    """No pipeline, no header, no git; what PEP 723 lists in the file has no effect and says so."""
    wheel(tmp_path / "wheels", PACKAGE, "1.0")
    (tmp_path / "requirements.txt").write_text(f"./wheels/{PACKAGE}-1.0-py3-none-any.whl\n")
    (tmp_path / "near.py").write_text("WORD = 'near'\n")
    code = f"import sys, near, {PACKAGE} as p\nprint('OUT', p.VERSION, near.WORD)\nsys.exit(0)\n"
    (tmp_path / "x.py").write_text(INLINE + code)
    done = up("run", "x.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "OUT 1.0 near" in done.stdout + done.stderr
    assert "`# /// script` block has no effect" in done.stdout + done.stderr


def test_a_lone_script_that_fails_fails_the_command(up: Cli, tmp_path: Path) -> None:
    """With its own line of the traceback."""
    (tmp_path / "x.py").write_text("x = 1\nraise ValueError('not today')\n")
    done = up("run", "x.py")
    assert done.returncode == 1
    assert "ValueError: not today" in done.stdout + done.stderr
    assert "x.py:2" in done.stdout + done.stderr


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed")
def test_r_and_python_work_in_one_pipeline(up: Cli, project: Project) -> None:
    """Each sees what the other left; the plan speaks of no Python for R."""
    assets = project.folder / "assets"
    header = "# @bruin.name: first\n# @bruin.image: r-base:4.4\n"
    code = "dir.create('out')\nwriteLines(Sys.getenv('BRUIN_ASSET'), 'out/word.txt')\n"
    (assets / "first.r").write_text(header + code)
    project.script(
        "second", "print('OUT', open('out/word.txt').read())", header="depends: [first]\n"
    )
    plan = up("plan", "shop")
    assert "no Python" not in plan.stdout
    done = up("run", "shop")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "OUT first" in done.stdout + done.stderr
