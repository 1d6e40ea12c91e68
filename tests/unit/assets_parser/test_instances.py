"""The rule about `instance`, which names a queue."""

from pathlib import Path

from tests.support.faults import SHOP, said, sql


def test_an_instance_that_no_queue_can_be_named_after_is_an_error(tmp_path: Path) -> None:
    """Names that fleet keeps for itself too; the pipeline's default counts as the asset's own."""
    files = {"assets/b.sql": sql("instance: '@h1'"), "assets/c.sql": sql("instance: b1.large")}
    (fault,) = (text for text in said(tmp_path, files) if "asset-instance" in text)
    assert "error asset-instance instance '@h1' names no queue" in fault
    assert "kept for fleet itself" in fault
    files = {"pipeline.yml": SHOP + "default: {instance: 'very large'}\n", "assets/b.sql": sql("")}
    assert "names no queue" in "".join(said(tmp_path / "two", files))
