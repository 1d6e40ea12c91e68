"""workers.storage: names that stay inside, files that are whole or not there."""

from pathlib import Path

import pytest

from workers import storage


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", ".hidden", "a\\b", "ü" * 200, "nul\0"])
def test_any_name_becomes_one_harmless_component(tmp_path: Path, name: str) -> None:
    """Asset names are hostile input: none leaves its folder."""
    path = storage.inside(tmp_path, storage.log_name("7f3k2", name, "load", 1))
    assert path.parent == tmp_path / "logs" / "7f3k2"
    assert len(path.name.encode()) < 255


def test_different_names_stay_different() -> None:
    """Two assets never share a log, however long or strange their names."""
    names = ["a/b", "a%2Fb", "a.b", ".a", "%2Ea", "x" * 300, "x" * 301]
    assert len({storage.file_name(name) for name in names}) == len(names)


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../../x", "", "a\0b"])
def test_a_path_that_leads_out_is_refused(tmp_path: Path, path: str) -> None:
    """Paths from the catalog are checked before they are opened."""
    with pytest.raises(storage.OutsideStorageError):
        storage.inside(tmp_path, path)


def test_a_link_that_leads_out_is_refused(tmp_path: Path) -> None:
    """Also where each component looks harmless."""
    root = tmp_path / "storage"
    root.mkdir()
    (root / "way").symlink_to(tmp_path)
    with pytest.raises(storage.OutsideStorageError):
        storage.inside(root, "way/out.arrow")


def test_a_file_appears_whole(tmp_path: Path) -> None:
    """Nothing is at the final path while the writer is at work."""
    path = tmp_path / "runs" / "x.arrow"
    with storage.write_aside(path) as aside:
        aside.write_bytes(b"data")
        assert not path.exists()
    assert path.read_bytes() == b"data"
    assert storage.digest(path).startswith("sha256:3a6eb079")
    assert list(path.parent.iterdir()) == [path]


def test_a_writer_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """Half a file is removed, and what was there before stays."""
    path = tmp_path / "x.arrow"
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError), storage.write_aside(path) as aside:
        aside.write_bytes(b"half")
        raise RuntimeError
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
