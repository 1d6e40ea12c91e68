"""Bundles from the submitter's storage to a worker's private copy, and their end."""

import os
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from catalog import bundles as noted
from catalog import engine as engines
from catalog import runs
from tests.support import catalogs, plans
from workers import bundles, storage_host, stores, working_copies
from workers.bundle_cache import BundleCache
from workers.bundles import Bundle
from workers.errors import StepFailed
from workers.settings import Settings


class Place:
    """A project, a storage that all see, a catalog, and workers with homes of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.engine: Engine = engines.connect(f"sqlite:///{folder / 'catalog.db'}")
        engines.upgrade(self.engine)
        self.project = folder / "shop"
        self.write("assets/a.py", "print(1)\n")
        self.store = stores.of(self.worker("submitter"))

    def write(self, name: str, text: str) -> None:
        """A file of the project."""
        path = self.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def worker(self, name: str, **given: Any) -> Settings:
        """Settings of a worker, or of the submitter."""
        storage = str(self.folder / "storage")
        return Settings(home=self.folder / name, storage=storage, **given)

    def bundle(self) -> Bundle:
        """The project as it is now."""
        return bundles.of_project(self.project, self.worker("submitter"))

    def ship(self) -> str:
        """Bundle and store it; its digest."""
        bundle = self.bundle()
        bundles.ship(self.engine, self.store, bundle)
        return bundle.digest

    def run(self, digest: str) -> str:
        """Record a run that has the bundle."""
        return plans.record(self.engine, plans.plan([plans.asset("a")]), bundle=digest)

    def stored(self) -> list[str]:
        """The archives on storage."""
        return [entry.name for entry in self.store.list("bundles")]

    def collected(self) -> list[str]:
        """What goes when the heart tidies, with a grace of a minute."""
        return bundles.remove(self.store, bundles.let_go(self.engine, 60), 60)

    def later(self, seconds: float) -> None:
        """Let all bundles have been asked for that much earlier."""
        said = "UPDATE bundles SET created_at = created_at - :s"
        catalogs.change(self.engine, said, s=seconds)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """An empty fleet with a project of one asset."""
    return Place(tmp_path)


def test_the_same_project_is_stored_once(place: Place) -> None:
    first = place.ship()
    archives = place.stored()
    assert len(archives) == 1
    assert place.ship() == first
    assert place.stored() == archives
    place.write("assets/a.py", "print(2)\n")
    assert place.ship() != first
    assert len(place.stored()) == 2


def test_an_archive_that_is_gone_or_cut_short_is_stored_anew(place: Place) -> None:
    digest = place.ship()
    (old,) = place.stored()
    (place.folder / "storage" / old).write_bytes(b"half")
    assert place.ship() == digest
    stored = noted.get(place.engine, digest)
    assert stored is not None
    assert stored.path != old
    with BundleCache(place.worker("w"), place.engine).using(digest) as tree:
        assert (tree / "assets/a.py").read_text() == "print(1)\n"


def test_only_what_no_run_needs_is_collected(place: Place) -> None:
    needed = place.ship()
    run_id = place.run(needed)
    place.write("assets/a.py", "print(2)\n")
    unneeded = place.ship()
    place.write("assets/a.py", "print(3)\n")
    place.later(100)
    fresh = place.ship()
    assert len(place.collected()) == 1
    known = [bool(noted.get(place.engine, digest)) for digest in (needed, unneeded, fresh)]
    assert known == [True, False, True]
    assert len(place.stored()) == 2
    runs.cancel(place.engine, run_id, "enough")
    assert len(place.collected()) == 1


def test_who_asks_again_while_it_is_collected_finds_it_whole(place: Place) -> None:
    """Between the look and the removal, at each place where the collector may be overtaken."""
    digest = place.ship()
    place.later(100)
    (removed,) = noted.remove_unused(place.engine, 60)
    place.ship()  # the collector has let go and removes only now
    place.store.delete(removed)
    stored = noted.get(place.engine, digest)
    assert stored is not None
    assert place.store.size(stored.path) == stored.bytes
    place.later(100)
    assert noted.ask(place.engine, digest) is not None  # a submit that is about to record its run
    assert noted.remove_unused(place.engine, 60) == []


def test_what_a_crash_left_is_collected_too(place: Place) -> None:
    place.ship()
    left = place.folder / "storage" / "bundles" / ".packing-x" / "bundle.tar.gz"
    left.parent.mkdir()
    left.write_bytes(b"half")
    os.utime(left, (1, 1))
    assert place.collected() == ["bundles/.packing-x/bundle.tar.gz"]
    assert len(place.stored()) == 1


def test_a_copy_is_private_and_goes_after_its_run(place: Place) -> None:
    digest, worker = place.ship(), place.worker("w")
    run_id = place.run(digest)
    folder = working_copies.path(worker, run_id)
    with working_copies.using(worker, place.engine, run_id, digest):
        (folder / "assets/a.py").write_text("changed\n")
        (folder / "made.txt").write_text("mine\n")
        assert working_copies.sweep(worker, place.engine) == []
    with working_copies.using(worker, place.engine, run_id, digest):
        assert (folder / "made.txt").exists(), "the next asset of the run works in the same copy"
        runs.cancel(place.engine, run_id, "enough")
        assert working_copies.sweep(worker, place.engine) == [], "a step still works in it"
    assert working_copies.sweep(worker, place.engine) == [run_id]
    assert not folder.exists()
    with BundleCache(worker, place.engine).using(digest) as tree:
        assert (tree / "assets/a.py").read_text() == "print(1)\n"
    assert (worker.home / "bundles").stat().st_mode & 0o077 == 0, "others may not write there"


def test_each_run_has_the_files_that_it_was_submitted_with(place: Place) -> None:
    """Also where the worker was started before a change."""
    worker = place.worker("w")
    before = place.ship()
    place.write("assets/a.py", "print(2)\n")
    after = place.ship()
    texts = {}
    for digest in (after, before):
        run_id = place.run(digest)
        with working_copies.using(worker, place.engine, run_id, digest):
            file = working_copies.path(worker, run_id) / "assets/a.py"
            texts[digest] = file.read_text()
    assert texts == {before: "print(1)\n", after: "print(2)\n"}


def test_what_was_changed_in_the_cache_is_fetched_anew(place: Place) -> None:
    digest, cache = place.ship(), BundleCache(place.worker("w"), place.engine)
    with cache.using(digest) as tree:
        (tree / "assets/a.py").write_text("planted\n")
    with cache.using(digest) as tree:
        assert (tree / "assets/a.py").read_text() == "print(1)\n"


def test_another_archive_than_the_one_that_was_stored_is_refused(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both guards: the archive's digest, and that of what comes out of it."""
    monkeypatch.setattr(stores, "PATIENCE", 0.0)
    digest = place.ship()
    place.write("assets/a.py", "planted()\n")
    planted = noted.get(place.engine, place.ship())
    stored = noted.get(place.engine, digest)
    assert planted is not None
    assert stored is not None
    archive = (place.folder / "storage" / planted.path).read_bytes()
    (place.folder / "storage" / stored.path).write_bytes(archive)
    cache = BundleCache(place.worker("w"), place.engine)
    with pytest.raises(StepFailed, match="were recorded"), cache.using(digest):
        pass
    said = "UPDATE bundles SET archive = :a, bytes = :b, content_bytes = 99 WHERE digest = :d"
    catalogs.change(place.engine, said, a=planted.archive, b=planted.bytes, d=digest)
    with pytest.raises(StepFailed, match="not those that were bundled"), cache.using(digest):
        pass
    assert not (place.folder / "w" / "bundles" / digest).exists()


def test_the_least_recently_used_go_first_and_none_in_use(place: Place) -> None:
    cache = BundleCache(place.worker("w", bundle_cache_bytes=250_000), place.engine)
    digests = []
    for number in range(3):
        place.write("assets/data.bin", str(number) * 100_000)
        digests.append(place.ship())
    here = place.folder / "w" / "bundles"
    with cache.using(digests[0]):
        for digest in digests[1:]:
            with cache.using(digest):
                pass
        found = [(here / digest).exists() for digest in digests]
        assert found == [True, False, True], "the oldest is in use, the next oldest goes"


def test_a_storage_that_is_not_the_fleets_is_refused(place: Place) -> None:
    """A share that is not mounted is an empty folder; nothing may be stored there."""
    given = {"catalog": str(place.engine.url)}
    assert storage_host.refusal(place.engine, place.worker("one", **given)) == ""
    assert storage_host.refusal(place.engine, place.worker("two", **given)) == ""
    (place.folder / "storage").rename(place.folder / "elsewhere")
    said = storage_host.refusal(place.engine, place.worker("two", **given))
    assert "is not the storage that this fleet uses" in said
    forgotten = Settings(home=place.folder / "three", **given)
    assert str(place.folder / "three" / "storage") in storage_host.refusal(place.engine, forgotten)
    assert storage_host.refusal(place.engine, Settings(home=place.folder / "four")) == ""
