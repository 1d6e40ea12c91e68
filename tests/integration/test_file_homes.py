"""One database file on two hosts, under two paths: whose it is, and that it has one lock."""

import json
import os
import shutil
import stat
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import Engine

from assets_parser.spec import AssetSpec, RunOptions
from catalog import engine as engines
from catalog import file_homes as homes
from catalog import mounts, placing
from tests.support.plans import asset, plan, record
from tests.support.postgres import PostgresServer, postgres_server
from workers import connections, file_homes, file_marks, locks
from workers.errors import NotYet, StepFailed
from workers.settings import Settings

__all__ = ["postgres_server"]
pytestmark = pytest.mark.postgres

OPTIONS = RunOptions(start="", end="", execution="")


@pytest.fixture(scope="module")
def catalog(postgres_server: PostgresServer) -> Engine:
    """The catalog of a fleet of many hosts; each test has files of its own."""
    engine = engines.connect(postgres_server.url(postgres_server.create_database()))
    engines.upgrade(engine)
    return engine


@dataclass
class Machine:
    """A host that sees a project at a folder of its own."""

    catalog: Engine
    name: str
    folder: Path
    file: str = "data/house.duckdb"
    shared: tuple[str, ...] = ()
    fleet: str = "default"
    config: str = ""  # as the run names it; empty where the host has its own

    @property
    def path(self) -> Path:
        """The database file as this host names it."""
        return self.folder / self.file

    @property
    def connection(self) -> str:
        """The name of its connection, which no other test has."""
        return self.file.split("/", maxsplit=1)[0]

    def make(self, text: str = "x") -> None:
        """Write the file, as a load would."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(text, "utf-8")

    def locks(self, step: str = "load") -> list[str]:
        """What a claim of a step takes here."""
        self.folder.mkdir(parents=True, exist_ok=True)
        connection = f"duckdb: [{{name: {self.connection}, path: {self.file}}}]"
        text = f"environments: {{default: {{connections: {{{connection}}}}}}}\n"
        (self.folder / ".bruin.yml").write_text(text, "utf-8")
        found = connections.load(self.folder / ".bruin.yml", "", {}, root=self.folder)
        settings = Settings(
            home=self.folder,
            host=self.name,
            fleet=self.fleet,
            shared_files=self.shared,
            connections="mine.yml",
        )
        here = file_homes.place(self.catalog, settings, None, OPTIONS, found.environment)
        here = replace(here, scope=self.config)
        spec = AssetSpec(
            pipeline="p",
            name="shop.t",
            type="duckdb.sql",
            path="a.sql",
            steps=("query",),
            connection=self.connection,
        )
        files = locks.files(spec, step, found)  # type: ignore[arg-type]
        known = file_homes.identities(here, files, writes=locks.writes(step))  # type: ignore[arg-type]
        return [want.name for want in locks.wants(spec, step, found, known)]  # type: ignore[arg-type]

    @property
    def mark(self) -> dict[str, str]:
        """What lies beside the file."""
        found: dict[str, str] = json.loads(file_marks.beside(self.path).read_text("utf-8"))
        return found


@pytest.fixture
def a(catalog: Engine, tmp_path: Path) -> Machine:
    """A host whose file is there, under a connection of this test alone."""
    machine = Machine(catalog, "a", tmp_path / "a", file=f"{tmp_path.name}/house.duckdb")
    machine.make()
    return machine


def at(a: Machine, folder: str, name: str = "b", **given: object) -> Machine:
    """Another host, or the same one, that sees the project elsewhere."""
    return replace(a, name=name, folder=a.folder.parent / folder, **given)  # type: ignore[arg-type]


def test_a_file_is_locked_by_its_identity_and_keeps_it(a: Machine) -> None:
    first = a.locks()
    assert first == [f"duckdb:id:{a.mark['identity']}"]
    a.path.unlink()
    assert a.locks() == first
    a.make("made anew")
    assert a.locks("checks") == first


def test_the_host_that_wrote_first_has_it_and_another_is_sent_there(a: Machine) -> None:
    """One path on two hosts is two files, and so are two paths of one connection."""
    a.locks()
    for folder in ("a", "elsewhere"):
        with pytest.raises(NotYet, match="belongs to host a, this is b"):
            at(a, folder).locks()
    assert not (a.folder.parent / "elsewhere" / a.file).parent.exists()
    with pytest.raises(StepFailed, match="belongs to host a, this is b"):
        at(a, "a", fleet="embedded-1").locks()  # one command's own worker is the only one


def test_who_sends_a_step_learns_its_host_by_the_connections_name(a: Machine) -> None:
    a.locks()
    step = asset("shop.t", steps=("materialize", "load"), connection=a.connection)
    sent = record(a.catalog, plan([step]), config="/project/.bruin.yml")
    other = record(a.catalog, plan([step], environment="other"))
    keys = [(run, "shop.t", name) for run in (sent, other) for name in ("materialize", "load")]
    homes_of = {found.key: found.home for found in placing.steps(a.catalog, keys)}
    assert homes_of == dict.fromkeys(keys, "") | {(sent, "shop.t", "load"): "a"}


def test_who_only_looks_makes_no_home(a: Machine) -> None:
    a.path.unlink()
    assert a.locks("sensor") == [f"duckdb:{os.path.realpath(a.path)}"]
    assert not file_marks.beside(a.path).exists()
    b = at(a, "b")
    b.locks("load")
    assert b.mark["host"] == "b"


def test_a_copy_is_another_file(a: Machine) -> None:
    a.locks()
    copy = at(a, "copy", "a")
    shutil.copytree(a.folder, copy.folder)
    assert copy.locks() != a.locks()
    assert copy.mark["identity"] != a.mark["identity"]


def test_a_file_that_was_moved_is_the_same(a: Machine) -> None:
    first = a.locks()
    moved = at(a, "moved", "a")
    a.folder.rename(moved.folder)
    assert moved.locks() == first
    assert moved.mark["path"] == os.path.realpath(moved.path)


def test_two_mounts_of_one_folder_have_one_lock(a: Machine) -> None:
    """Hard links stand for mounts here: the same inode under two paths, the mark beside both."""
    a.locks()
    other = at(a, "mount", "a")
    other.path.parent.mkdir(parents=True)
    for file in (a.path, file_marks.beside(a.path)):
        os.link(file, other.path.parent / file.name)
    assert set(a.locks()) & set(other.locks()) >= {f"duckdb:id:{a.mark['identity']}"}


def test_shared_files_have_no_home_and_one_lock_on_all_hosts(a: Machine) -> None:
    shared = replace(a, shared=(str(a.folder),))
    first = shared.locks()
    assert at(shared, "a").locks() == first
    link = at(shared, "link", shared=(str(a.folder.parent),))
    link.folder.symlink_to(a.folder)
    assert link.locks() == first
    assert homes.get(a.catalog, a.mark["identity"]) == homes.Home(
        identity=a.mark["identity"], host="", path=os.path.realpath(a.path)
    )


def test_another_file_at_a_known_path_is_refused_with_the_way_out(a: Machine) -> None:
    first = a.locks()
    stranger = at(a, "stranger", "a", file=f"{a.connection}-x/house.duckdb")
    stranger.make("other")
    stranger.locks()
    for file in (stranger.path, file_marks.beside(stranger.path)):
        file.replace(a.path.parent / file.name)
    with pytest.raises(StepFailed, match="is not the file that the fleet knows there") as refused:
        a.locks()
    assert f"remove {file_marks.beside(a.path)}" in refused.value.hint
    file_marks.beside(a.path).unlink()
    assert a.locks() == first


def test_a_folder_that_cannot_be_written_is_no_obstacle(
    a: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_marks, "write", lambda *_, **__: False)  # root may write anywhere
    assert a.locks() == a.locks()
    assert not file_marks.beside(a.path).exists()
    with pytest.raises(NotYet, match="belongs to host a"):
        at(a, "b").locks()


def test_a_file_on_a_network_must_be_named_and_is_at_least_once(
    a: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(f"30 1 0:5 / {os.path.realpath(a.folder)} rw - nfs4 s:/x rw\n", "utf-8")
    monkeypatch.setattr(mounts, "TABLE", table)
    with pytest.raises(StepFailed, match=r"file system of the network \(nfs4\)") as refused:
        a.locks()
    assert "`shared_files` in fleet.toml allows a folder" in refused.value.hint
    shared = replace(a, shared=(str(a.folder),))
    shared.locks()
    settings = Settings(home=tmp_path, shared_files=shared.shared)
    connection = connections.Connection(name="c", type="duckdb", fields={"path": str(a.path)})
    said = file_homes.notice(a.catalog, settings, connection)
    assert said.startswith("at least once: house.duckdb lies on nfs4")


def test_the_mark_may_be_read_by_all_who_may_read_the_folder(a: Machine) -> None:
    a.locks()
    mode = file_marks.beside(a.path).stat().st_mode
    assert stat.S_IMODE(mode) == 0o644
