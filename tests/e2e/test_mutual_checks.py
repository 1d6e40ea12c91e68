"""Checks that read each other's tables, as real projects have them, pass in the first run."""

import pytest

from tests.support.cli import Cli
from tests.support.project import Project

pytestmark = pytest.mark.e2e

_ASSET = """\
/* @bruin
name: mart.{name}
type: duckdb.sql
materialization: {{type: table}}
custom_checks:
  - name: as many
    query: select (select count(*) from mart.{other}) - (select count(*) from mart.{name})
@bruin */
select * from range({rows})
"""


@pytest.mark.parametrize("flags", [(), ("--workers", "1")])
def test_checks_wait_for_each_others_tables(
    up: Cli, project: Project, flags: tuple[str, ...]
) -> None:
    for name, other in (("a", "b"), ("b", "c"), ("c", "a")):
        text = _ASSET.format(name=name, other=other, rows=3)
        (project.folder / "assets" / f"{name}.sql").write_text(text)
    done = Cli(up.home, project.folder, up.environ)("run", ".", *flags)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 succeeded · 3 of 3 checks passed" in done.stdout.splitlines()[-1]


def test_a_table_that_is_never_made_fails_the_check_that_reads_it(
    up: Cli, project: Project
) -> None:
    for name, other, rows in (("a", "b", "3"), ("b", "a", "'no number'")):
        text = _ASSET.format(name=name, other=other, rows=rows)
        (project.folder / "assets" / f"{name}.sql").write_text(text)
    done = Cli(up.home, project.folder, up.environ)("run", ".")
    assert done.returncode == 1
    assert "2 failed" in done.stdout.splitlines()[-1]
