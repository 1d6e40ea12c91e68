"""dispatcher.log_files: lines of a run as workers write them."""

from collections.abc import Iterator
from pathlib import Path

from dispatcher import log_files
from workers import storage
from workers.settings import Settings
from workers.stores import Entry, Gone


def at(storage: Path) -> Settings:
    """Settings of a fleet with this storage."""
    return Settings(home=storage, storage=str(storage))


def log(folder: Path, asset: str, step: str, text: str, number: int = 1) -> Path:
    """Append to the log of one step, as a worker does."""
    path = folder / storage.log_name("7f3k2", asset, step, number)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(text)
    return path


def test_lines_come_once_and_only_when_they_are_whole(tmp_path: Path) -> None:
    files = log_files.of_run(at(tmp_path), "7f3k2", ["raw.a"])
    assert list(files.read()) == []
    log(tmp_path, "raw.a", "script", "one\ntw")
    assert [line.text for line in files.read()] == ["one"]
    log(tmp_path, "raw.a", "script", "o\n")
    assert [line.text for line in files.read()] == ["two"]


def test_odd_names_and_later_steps_find_their_asset(tmp_path: Path) -> None:
    name = "raw.a/b é.script"
    files = log_files.of_run(at(tmp_path), "7f3k2", [name])
    log(tmp_path, name, "materialize", "m\n")
    log(tmp_path, name, "load", "l\n", number=2)
    assert {(line.asset, line.step) for line in files.read()} == {
        (name, "materialize"),
        (name, "load"),
    }


def test_what_is_no_log_of_this_run_is_left_alone(tmp_path: Path) -> None:
    log(tmp_path, "other", "script", "x\n")
    (tmp_path / "logs" / "7f3k2" / "raw.a.script.1.log.part").write_text("x\n")
    assert list(log_files.of_run(at(tmp_path), "7f3k2", ["raw.a"]).read()) == []


def test_a_long_log_is_read_to_its_end_at_once(tmp_path: Path) -> None:
    """After an asset is over nobody comes back for the rest."""
    files = log_files.of_run(at(tmp_path), "7f3k2", ["raw.a"])
    log(tmp_path, "raw.a", "script", f"{'x' * 99}\n" * 50_000)
    assert sum(1 for _ in files.read()) == 50_000


def test_a_closed_asset_is_not_read_again(tmp_path: Path) -> None:
    files = log_files.of_run(at(tmp_path), "7f3k2", ["raw.a"])
    log(tmp_path, "raw.a", "script", "one\n")
    files.close("raw.a")
    assert list(files.read()) == []


def test_a_log_that_is_removed_while_it_is_read_is_no_error(tmp_path: Path) -> None:
    """As by `fleet clean`."""
    files = log_files.of_run(at(tmp_path), "7f3k2", ["raw.a"])
    one, two = (log(tmp_path, "raw.a", "script", "x\n", number=n) for n in (1, 2))
    lines = files.read()
    assert next(lines).number == 1
    one.unlink()
    two.unlink()
    assert list(lines) == []


class Late:
    """A store of which only listing and reading matter, and whose file may go."""

    def __init__(self) -> None:
        self.stored: dict[str, bytes] = {}

    def list(self, folder: str) -> Iterator[Entry]:
        for name, data in self.stored.items():
            yield Entry(name=name, bytes=len(data), changed=0.0)

    def read(self, name: str, offset: int, most: int) -> bytes:
        if name not in self.stored:
            raise Gone("s3://x", f"there is no {name}")
        return self.stored[name][offset : offset + most]


def test_what_was_stored_a_moment_ago_is_there_for_who_asks_anew(tmp_path: Path) -> None:
    """A step's log is stored right before its end is noted, after which nobody comes back."""
    store = Late()
    files = log_files.LogFiles(log_files._InStore(store, "logs/7f3k2"), {"a": "a"})  # type: ignore[arg-type]
    assert list(files.read()) == []
    store.stored["logs/7f3k2/a.script.1.log"] = b"one\n"
    assert list(files.read()) == []
    assert [line.text for line in files.read(fresh=True)] == ["one"]
    store.stored["logs/7f3k2/a.script.2.log"] = b"two\n"
    files.source.sizes(fresh=True)
    store.stored.clear()
    assert list(files.read()) == []
