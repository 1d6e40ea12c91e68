"""Storage in an S3-compatible store: one interface, and a run of workers that share no folder."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dispatcher import live_logs, log_files
from dispatcher.fleets import Fleet
from tests.support.broker import Valkey
from tests.support.cli import Cli, until
from tests.support.object_store import ObjectStore, object_store
from tests.support.project import Project, home
from workers import livelog, storage, stores
from workers.remote_store import Remote
from workers.settings import Settings
from workers.stores import Changed, Gone, Recorded, StorageError, Store

__all__ = ["object_store"]


def at(object_store: ObjectStore, folder: Path) -> Store:
    """The storage as a host with this home sees it."""
    given = {"home": folder, "storage": object_store.url, "storage_options": object_store.options}
    return stores.of(Settings.load({"FLEET_CONFIG": ""}, given))


def remote(store: Store) -> Remote:
    """It is one by URL."""
    assert isinstance(store, Remote)
    return store


def test_what_one_host_stores_another_fetches_and_verifies(
    tmp_path: Path, object_store: ObjectStore
) -> None:
    one, two = (at(object_store, tmp_path / name) for name in ("one", "two"))
    made = tmp_path / "made"
    made.write_bytes(b"x" * 10_000)
    facts = {"bytes": 10_000, "digest": storage.digest(made)}
    path = one.publish(made, "runs/a/x.arrow")
    assert not made.exists()
    assert two.size("runs/a/x.arrow") == 10_000
    recorded = Recorded(name="runs/a/x.arrow", **facts)
    found = two.fetch(recorded)
    assert found.read_bytes() == path.read_bytes()
    found.write_bytes(b"planted")
    assert two.fetch(recorded).stat().st_size == 10_000, "the copy was not trusted"
    object_store.client.put_object(Bucket=object_store.bucket, Key="fleet/bad", Body=b"y" * 10_000)
    with pytest.raises(Changed):
        two.fetch(Recorded(name="bad", **facts))
    assert not (two.folder / "bad").exists()
    with pytest.raises(Gone, match="there is no nothing"):
        two.fetch(Recorded(name="nothing", **facts))
    two.delete("runs/a/x.arrow")
    assert [entry.name for entry in one.list("runs")] == []
    assert [one.create("mark"), two.create("mark")] == [True, False]


def test_a_first_object_that_comes_during_a_listing_is_no_folder(
    tmp_path: Path, object_store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty listing asks a second question, which that object answers already."""
    store = at(object_store, tmp_path)
    files, _ = remote(store)._root
    listed = files._lsdir

    async def with_a_late_one(*args: Any, **options: Any) -> Any:
        found = await listed(*args, **options)
        object_store.client.put_object(
            Bucket=object_store.bucket, Key="fleet/logs/7f3k2/a.script.1.log", Body=b"one"
        )
        return found

    monkeypatch.setattr(files, "_lsdir", with_a_late_one)
    assert list(store.list("logs/7f3k2")) == []
    assert [entry.name for entry in store.list("logs/7f3k2")] == ["logs/7f3k2/a.script.1.log"]


def test_a_store_that_is_away_is_named_without_its_password(tmp_path: Path) -> None:
    options = ("endpoint_url=http://127.0.0.1:9", "key=k", "secret=hunter2")
    given = {"home": tmp_path, "storage": "s3://someone:hunter2@bucket", "storage_options": options}
    store = stores.of(Settings.load({"FLEET_CONFIG": ""}, given))
    with pytest.raises(StorageError, match="storage s3://bucket: ") as caught:
        store.size("x")
    assert "hunter2" not in str(caught.value) + repr(store.words)


def test_a_line_is_shown_before_its_log_is_stored(
    tmp_path: Path, object_store: ObjectStore, valkey: Valkey
) -> None:
    """On another host, and once only; what a step wrote before it waited stays."""
    shared = {"storage": object_store.url, "storage_options": object_store.options}
    worker, reader = (
        Settings.load(
            {"FLEET_CONFIG": ""}, {"home": tmp_path / name, "broker": valkey.url} | shared
        )
        for name in ("worker", "reader")
    )
    stored = log_files.of_run(reader, "7f3k2", ["a"])
    logs = live_logs.of_run(Fleet(reader, "", shared=False), stored, "7f3k2")
    redis, where = livelog.client(worker), ("a", "sensor", 1)
    seen: list[str] = []
    for look in ("one", "two"):
        with livelog.open_log(worker, redis, "7f3k2", where, str) as log:
            log.line(look)
            if look == "one":
                until(lambda: seen.extend(line.text for line in logs.read()) or seen)
                assert object_store.names() == []
    until(lambda: seen.extend(line.text for line in logs.read()) or "two" in seen)
    assert seen == ["one", "two"]
    assert object_store.text("logs/7f3k2/a.sensor.1.log") == "one\ntwo\n"
    assert not list((tmp_path / "worker").rglob("*.log"))


@pytest.fixture
def hosts(tmp_path: Path, valkey: Valkey, object_store: ObjectStore) -> Iterator[list[Cli]]:
    """A submitter and two workers, each with a home and connections of its own."""
    connections = tmp_path / "there" / ".bruin.yml"
    connections.parent.mkdir()
    environ = {
        "FLEET_BROKER": valkey.url,
        "FLEET_CATALOG": f"sqlite:///{tmp_path / 'catalog.db'}",
        "FLEET_STORAGE": object_store.url,
        "FLEET_STORAGE_OPTIONS": ",".join(object_store.options),
        "FLEET_RECONCILE_EVERY": "1",
    }
    there = {"FLEET_CONNECTIONS": str(connections), "FLEET_SLOTS": "1"}
    submitter = Cli(home(tmp_path / "home0"), tmp_path, environ)
    workers = [
        Cli(home(tmp_path / f"home{n}"), tmp_path / "there", {**environ, **there}) for n in (1, 2)
    ]
    with (tmp_path / "workers.txt").open("w") as said:
        running = [cli.start("worker", to=said) for cli in workers]
    try:
        yield [submitter, *workers]
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(timeout=120)
        print((tmp_path / "workers.txt").read_text())


# two scripts that wait for each other: one for each worker, which has one slot
_MEET = """\
import os, pathlib, time
print('in', os.getcwd(), os.listdir('.'))
pathlib.Path({mine!r}).touch()
while not os.path.exists({other!r}):
    time.sleep(0.05)
"""


def test_a_run_of_workers_that_share_no_folder(
    tmp_path: Path, hosts: list[Cli], object_store: ObjectStore
) -> None:
    """Bundle, materialize, load and checks; logs from every host; nothing is left behind."""
    submitter, *workers = hosts
    project = Project(tmp_path / "shop")
    (project.folder / "helpers.py").write_text("ROWS = [{'id': 1}, {'id': 2}]\n")
    (project.folder / ".env").write_text("TOKEN=planted\n")
    checks = "columns:\n  - {name: id, type: integer, checks: [{name: unique}, {name: not_null}]}\n"
    code = "import helpers\ndef materialize():\n    return helpers.ROWS\n"
    head = f"connection: db\nmaterialization: {{type: table}}\n{checks}"
    project.script("main.rows", code, header=head)
    for name, other in (("left", "right"), ("right", "left")):
        wait = _MEET.format(mine=str(tmp_path / name), other=str(tmp_path / other))
        project.script(name, wait, header="depends: [main.rows]\n")
    shutil.copy(project.folder / ".bruin.yml", tmp_path / "there" / ".bruin.yml")
    (project.folder / ".bruin.yml").unlink()  # the workers have their own
    submitted = submitter("submit", "shop")
    assert submitted.returncode == 0, submitted.stderr
    run = submitted.stdout.strip()
    followed = submitter("logs", run, "-f", timeout=240).stdout.splitlines()
    assert submitter.status(run)["state"] == "succeeded", followed
    project.folder = tmp_path / "there"
    assert project.rows("select id from main.rows order by 1") == [(1,), (2,)]
    logs = submitter("logs", run).stdout
    assert sorted(followed) == sorted(logs.splitlines()), "live or stored, each line once"
    for cli in workers:
        assert f"in {cli.home / 'work' / run}" in logs, "each worker took a part"
    assert ".env" not in logs
    stored = object_store.names()
    assert f"logs/{run}/left.script.1.log" in stored
    assert len([name for name in stored if name.startswith("bundles/")]) == 1
    assert not [name for name in stored if name.startswith("runs/")], "the data was loaded"
    assert not (project.folder / "work").exists()
    for cli in workers:
        until(lambda home=cli.home: not (home / "work" / run).exists())
        until(lambda home=cli.home: not list((home / "cache").rglob("*.arrow")))
    lines = submitter("logs", run, "left", "--json").stdout.splitlines()
    assert json.loads(lines[0])["asset"] == "left"
