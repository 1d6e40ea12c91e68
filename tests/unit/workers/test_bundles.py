"""workers.bundles, workers.unpacking: the same content is the same bundle; none gets out."""

import gzip
import io
import os
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from workers import bundles, listing, project_files, unpacking
from workers.bundles import Bundle
from workers.project_files import BundleRefused
from workers.settings import Settings
from workers.unpacking import BadArchive


def settings(tmp_path: Path, **given: object) -> Settings:
    """Settings with a home outside of the project."""
    return Settings(home=tmp_path / "home", **given)  # type: ignore[arg-type]


def write(root: Path, *names: str, text: str = "x\n") -> Path:
    """A project with these files."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def git(root: Path, *args: str) -> None:
    """Ask git in the project."""
    who = ["-c", "user.name=x", "-c", "user.email=x@example.com"]
    subprocess.run(["git", "-C", str(root), *who, *args], check=True, capture_output=True)


def names(root: Path, tmp_path: Path, **given: object) -> list[str]:
    """What a bundle of the project holds."""
    made = bundles.of_project(root, settings(tmp_path, **given))
    return [item.path for item in made.listing.items]


def packed(bundle: Bundle) -> bytes:
    """Its archive."""
    file = io.BytesIO()
    bundles.pack(bundle, file)
    return file.getvalue()


SECRETS = (".bruin.yml", "deep/.bruin.yml", ".env", ".env.prod", "fleet.toml", "id_rsa", "a.key")


def test_it_holds_what_git_tracks_or_does_not_ignore_and_no_secrets(tmp_path: Path) -> None:
    root = write(tmp_path / "p", "tracked.sql", "new.py", "gone.py", "seed.csv", *SECRETS)
    (root / ".gitignore").write_text("*.csv\n.venv/\n")
    write(root, ".venv/lib.py", "a b/ünï.py", "ca.pem")
    (root / "private.pem").write_text("-----BEGIN PRIVATE KEY-----\n")
    git(root, "init")
    git(root, "add", "-f", "tracked.sql", "gone.py", ".env", ".bruin.yml", ".gitignore")
    (root / "gone.py").unlink()
    expected = [".gitignore", "a b/ünï.py", "ca.pem", "new.py", "tracked.sql"]
    assert names(root, tmp_path) == expected
    asked = ("*.csv", "id_rsa", ".env", ".bruin.yml")
    more = names(root, tmp_path, bundle_include=asked)
    assert more == sorted([*expected, "seed.csv", "id_rsa"])


def test_clones_in_the_project_are_part_of_it(tmp_path: Path) -> None:
    root = write(tmp_path / "p", "a.py", "inner/b.py", "inner/skip.csv")
    (root / "inner" / ".gitignore").write_text("*.csv\n")
    git(root, "init")
    git(root / "inner", "init")
    assert names(root, tmp_path) == ["a.py", "inner/.gitignore", "inner/b.py"]


def test_without_git_the_usual_is_left_out_and_the_fleets_own_home(tmp_path: Path) -> None:
    root = write(tmp_path / "p", "a.py", "__pycache__/a.pyc", ".venv/x", "node_modules/y", ".env")
    write(root, ".fleet/catalog.db")
    (root / ".git").mkdir()  # marks a root, and is no repository
    place = Settings(home=root / ".fleet")
    assert [item.path for item in bundles.of_project(root, place).listing.items] == ["a.py"]


def test_the_same_content_is_the_same_bundle_and_archive(tmp_path: Path) -> None:
    """Whoever makes it, in whatever folder, at whatever time; content, mode and name count."""
    one, two = (write(tmp_path / name, "b.py", "a.py") for name in ("one", "two"))
    os.utime(two / "a.py", (1, 1))
    (two / "b.py").chmod(0o600)
    made = [bundles.of_project(root, settings(tmp_path)) for root in (one, two)]
    assert made[0].digest == made[1].digest
    assert packed(made[0]) == packed(made[1])
    (two / "a.py").chmod(0o700)
    assert bundles.of_project(two, settings(tmp_path)).digest != made[0].digest
    (two / "a.py").chmod(0o600)
    (two / "a.py").write_text("y\n")
    assert bundles.of_project(two, settings(tmp_path)).digest != made[0].digest


def test_what_is_unpacked_has_the_digest_of_what_was_packed(tmp_path: Path) -> None:
    root = write(tmp_path / "p", "bin/run.sh", "a.py", "deep/er/x" * 30)
    (root / "bin/run.sh").chmod(0o755)
    (root / "deep" / "link").symlink_to(root / "a.py")  # absolute, and still in the project
    (root / "folder").symlink_to("bin")
    made = bundles.of_project(root, settings(tmp_path))
    out = _unpacked(tmp_path, packed(made), files=5, content_bytes=made.listing.bytes)
    assert listing.of_folder(out).digest == made.digest
    assert (out / "deep" / "link").readlink() == Path("../a.py")
    assert os.access(out / "folder" / "run.sh", os.X_OK)


def test_too_large_names_the_biggest_files(tmp_path: Path) -> None:
    root = write(tmp_path / "p", "a.py")
    for number in range(8):
        (root / f"data{number}.bin").write_bytes(b"x" * (number + 1) * 10_000)
    with pytest.raises(BundleRefused, match=r"0.4 MB of files, a bundle may have 0.1 MB") as caught:
        bundles.of_project(root, settings(tmp_path, bundle_max_bytes=100_000))
    assert "data7.bin (0.1 MB), data6.bin" in str(caught.value)
    assert "data2.bin" not in str(caught.value)
    assert "bundle_max_bytes" in caught.value.hint


@pytest.mark.parametrize("through", ["absolute", "relative", "folder"])
def test_a_link_that_leads_out_is_refused_with_its_name(tmp_path: Path, through: str) -> None:
    root = write(tmp_path / "p", "a.py")
    outside = write(tmp_path / "elsewhere", "seed.csv")
    targets = {"absolute": outside / "seed.csv", "relative": "../elsewhere/seed.csv"}
    (root / "seed.csv").symlink_to(targets.get(through, outside))
    with pytest.raises(BundleRefused, match=r"seed.csv is a link that leads out") as caught:
        bundles.of_project(root, settings(tmp_path))
    assert "copy what it leads to" in caught.value.hint


@pytest.mark.parametrize("pattern", ["../x", "/etc/passwd"])
def test_nothing_outside_can_be_included(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(BundleRefused, match="no path in the project"):
        project_files.find(write(tmp_path / "p", "a.py"), (pattern,))


@pytest.mark.parametrize("text", ["other\n", "x", "longer than it was\n", None])
def test_a_file_that_changes_meanwhile_is_told(tmp_path: Path, text: str | None) -> None:
    root = write(tmp_path / "p", "a.py", text="12345\n")
    made = bundles.of_project(root, settings(tmp_path))
    if text is None:
        (root / "a.py").unlink()
    else:
        (root / "a.py").write_text(text)
    with pytest.raises(BundleRefused, match=r"a.py changed while"):
        packed(made)


Members = Callable[[tarfile.TarFile], None]


def _entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", data: bytes = b"") -> Members:
    def add(archive: tarfile.TarFile) -> None:
        info = tarfile.TarInfo(name)
        info.type, info.linkname, info.size = kind, link, len(data)
        archive.addfile(info, io.BytesIO(data))

    return add


def _chain(archive: tarfile.TarFile) -> None:
    """Links that each look harmless: d/up is the root, so d/up/../x is beside it."""
    for name, goal in (("d/e/up", "../.."), ("way", "d/e/up/../x")):
        _entry(name, tarfile.SYMTYPE, goal)(archive)


def _behind(archive: tarfile.TarFile) -> None:
    """The second link is at the root really, so that the third one is made beside it."""
    links = (("d/e/up", "../.."), ("d/e/up/way", "../../../y"), ("d/e/up/way/x/z", "a"))
    for name, goal in links:
        _entry(name, tarfile.SYMTYPE, goal)(archive)


def _through(archive: tarfile.TarFile) -> None:
    _entry("way", tarfile.SYMTYPE, "..")(archive)
    _entry("way/x", data=b"out")(archive)


def _inner_link(archive: tarfile.TarFile) -> None:
    _entry("sub/a", data=b"in")(archive)
    _entry("way", tarfile.SYMTYPE, "sub")(archive)
    _entry("way/a", data=b"over")(archive)


def _twice(archive: tarfile.TarFile) -> None:
    for text in (b"one", b"two"):
        _entry("a", data=text)(archive)


HOSTILE: dict[str, tuple[Members, str]] = {
    "parent": (_entry("../x", data=b"out"), "no path inside"),
    "inner parent": (_entry("a/../../x", data=b"out"), "no path inside"),
    "absolute": (_entry("/tmp/x", data=b"out"), "no path inside"),
    "odd name": (_entry("a//b"), "no path inside"),
    "link out": (_entry("x", tarfile.SYMTYPE, "../../etc/passwd"), "leads out"),
    "absolute link": (_entry("x", tarfile.SYMTYPE, "/etc/passwd"), "leads out"),
    "links that lead out together": (_chain, "leads out"),
    "behind links": (_behind, "behind a link"),
    "through a link": (_through, "leads out"),
    "over a link inside": (_inner_link, "is in it twice"),
    "hard link": (_entry("x", tarfile.LNKTYPE, "/etc/passwd"), "neither a plain file"),
    "device": (_entry("x", tarfile.CHRTYPE), "neither a plain file"),
    "pipe": (_entry("x", tarfile.FIFOTYPE), "neither a plain file"),
    "folder": (_entry("x", tarfile.DIRTYPE), "neither a plain file"),
    "sparse": (_entry("x", tarfile.GNUTYPE_SPARSE), "neither a plain file"),
    "huge": (_entry("x", data=b"\0" * 5_000_000), "larger than 1000 bytes"),
    "many": (lambda archive: [_entry(f"f{n}")(archive) for n in range(9)] and None, "more than 4"),
    "twice": (_twice, "is in it twice"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_archive_is_refused_and_reaches_nothing(tmp_path: Path, case: str) -> None:
    add, said = HOSTILE[case]
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as archive:
        add(archive)
    with pytest.raises(BadArchive, match=said):
        _unpacked(tmp_path, raw.getvalue())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archive", "in"]


def test_a_bomb_of_headers_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    """A megabyte that becomes a gigabyte: what is read is bounded, too."""
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 2**30
    raw = io.BytesIO()
    with gzip.open(raw, "wb", 1) as stream:
        stream.write(info.tobuf())
        for _ in range(64):
            stream.write(b"\0" * 2**20)
    with pytest.raises(BadArchive, match="larger than it says"):
        _unpacked(tmp_path, raw.getvalue())


@pytest.mark.parametrize("damage", [b"no archive at all", b"\x1f\x8b\x08\0 half"])
def test_what_is_no_archive_is_refused(tmp_path: Path, damage: bytes) -> None:
    with pytest.raises(BadArchive):
        _unpacked(tmp_path, damage)


def test_an_archive_that_was_cut_short_is_refused(tmp_path: Path) -> None:
    root = write(tmp_path / "p", "a.py", text=os.urandom(20_000).hex())
    whole = packed(bundles.of_project(root, settings(tmp_path)))
    with pytest.raises(BadArchive):
        _unpacked(tmp_path, whole[: len(whole) // 2], content_bytes=50_000)


def _unpacked(tmp_path: Path, archive: bytes, *, files: int = 4, content_bytes: int = 1000) -> Path:
    file, folder = tmp_path / "archive", tmp_path / "in"
    file.write_bytes(archive)
    folder.mkdir()
    unpacking.unpack(file, folder, files=files, content_bytes=content_bytes)
    return folder
