"""A SQLite catalog serves one host at a time; one on a network's file system serves none."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from catalog import facts, mounts, one_host, workers
from catalog.engine import connect
from catalog.workers import WorkerInfo
from tests.support.catalogs import begin, change, take
from tests.support.plans import asset, plan, record

A = one_host.identity("", "boot-a")
B = one_host.identity("", "boot-b")


def on_sqlite(engine: Engine) -> bool:
    """Whether the rule is for this catalog."""
    return engine.dialect.name == "sqlite"


def test_the_first_host_has_it_and_may_come_again(engine: Engine) -> None:
    assert one_host.hold(engine, A, 20.0)
    assert one_host.hold(engine, A, 20.0)


def test_another_host_is_refused_while_a_worker_of_the_first_lives(engine: Engine) -> None:
    one_host.hold(engine, A, 20.0)
    workers.register(engine, WorkerInfo(name="w", fleet="default", host="a", pid=1))
    assert one_host.hold(engine, B, 20.0) is not on_sqlite(engine)
    if on_sqlite(engine):
        assert one_host.holder(engine) == "boot boot-a"
    workers.leave(engine, "w")
    assert one_host.hold(engine, B, 20.0)


def test_a_worker_that_is_silent_for_a_lease_is_gone(engine: Engine) -> None:
    one_host.hold(engine, A, 20.0)
    workers.register(engine, WorkerInfo(name="w", fleet="default", host="a", pid=1))
    change(engine, "UPDATE workers SET beat_at = beat_at - 30")
    assert one_host.hold(engine, B, 20.0)
    assert one_host.hold(engine, A, 20.0)


def test_a_step_that_is_renewed_keeps_others_out(engine: Engine) -> None:
    one_host.hold(engine, A, 20.0)
    run_id = record(engine, plan([asset("a", steps=("script",))]))
    begin(engine, run_id)
    take(engine, run_id, "a")
    assert one_host.hold(engine, B, 20.0) is not on_sqlite(engine)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (("", "1"), ("", "1"), True),
        (("x", "1"), ("", "1"), True),  # a flag of one command is no other machine
        (("x", "1"), ("x", "2"), True),  # started again, under its name
        (("x", "1"), ("y", "1"), False),
        (("", "1"), ("", "2"), False),
        (("x", "1"), ("", "2"), False),
    ],
)
def test_a_host_is_known_by_its_name_or_its_boot(
    tmp_path: Path, one: tuple[str, str], other: tuple[str, str], same: bool
) -> None:
    assert one_host._same(one_host.identity(*one), one_host.identity(*other)) is same


def test_who_takes_over_is_written_down(engine: Engine) -> None:
    if not on_sqlite(engine):
        return
    one_host.hold(engine, A, 20.0)
    one_host.hold(engine, B, 20.0)
    assert facts.get(engine, "host") == B


MOUNTS = """\
22 28 0:21 / /sys rw,nosuid shared:7 - sysfs sysfs rw
28 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
40 28 0:50 / /srv/shared\\040disk rw,relatime shared:9 - nfs4 server:/export rw,vers=4.2
41 40 254:2 / /srv/shared\\040disk/fast rw - xfs /dev/vdb rw
"""


def test_the_innermost_mount_says_where_a_path_lies() -> None:
    places = {
        "/home/x.db": "ext4",
        "/srv/shared disk/x.db": "nfs4",
        "/srv/shared disk/fast/x.db": "xfs",
        "/srv/shared diskette/x.db": "ext4",
        "/": "ext4",
    }
    assert {path: mounts.type_of(path, MOUNTS) for path in places} == places


def test_a_sqlite_catalog_on_a_network_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(f"30 1 0:5 / {tmp_path} rw - nfs4 server:/x rw\n", "utf-8")
    monkeypatch.setattr(mounts, "TABLE", table)
    with pytest.raises(ValueError, match=r"file system of the network \(nfs4\)"):
        connect(f"sqlite:///{tmp_path}/home/catalog.db")
    assert not (tmp_path / "home").exists()
