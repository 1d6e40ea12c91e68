"""Single-line headers report the line of each fault."""

from pathlib import Path

from tests.support.written import load_one, places


def test_faults_of_single_line_headers_have_lines(tmp_path: Path) -> None:
    """All of them, as in blocks."""
    text = "# @bruin.name: a\n# @bruin.retries: 2.5\n# @bruin.columns.id.checks: unqiue, unique\n"
    loaded = load_one(tmp_path, "a.py", text)
    assert places(loaded.errors) == [
        ("assets/a.py", 2, "field"),
        ("assets/a.py", 3, "check-name"),
    ]
    assert loaded.errors[1].hint == "did you mean 'unique'?"


def test_the_body_is_what_the_comments_leave(tmp_path: Path) -> None:
    """With the line at which it begins."""
    loaded = load_one(tmp_path, "a.py", "# @bruin.name: a\n# note\n\nx = 1\n# y\nz = 2\n")
    asset = loaded.pipeline.assets[0]
    assert (asset.body, asset.body_line) == ("x = 1\nz = 2", 4)


def test_lists_may_be_written_in_several_lines(tmp_path: Path) -> None:
    """Secrets and clusters add up, as dependencies do; what follows a second colon is dropped."""
    lines = ["secrets: a, b:B:x", "secrets: c", "materialization.cluster_by: d"]
    lines += ["materialization.cluster_by: e, f", "enabled:  {{ var.on }} "]
    text = "".join(f"# @bruin.{line}\n" for line in lines)
    asset = load_one(tmp_path, "a.py", text).pipeline.assets[0]
    secrets = [(secret.key, secret.inject_as) for secret in asset.secrets]
    assert secrets == [("a", "a"), ("b", "B"), ("c", "c")]
    assert asset.materialization.cluster_by == ("d", "e", "f")
