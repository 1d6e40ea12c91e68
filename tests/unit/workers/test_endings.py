"""How an end is told."""

import pytest

from assets_parser.spec import AssetSpec
from workers.endings import failure_of
from workers.errors import Frame
from workers.supervisor import Exit
from workers.traceback_frames import Failure

SPEC = AssetSpec(
    pipeline="shop", name="a", type="python", path="a.py", steps=("script",), timeout=90
)


@pytest.mark.parametrize(
    ("ended", "kind", "said"),
    [
        (Exit(reason="timeout", signal=15), "timeout", "90 s"),
        (Exit(reason="cancelled", code=0), "cancelled", "cancelled"),
        (Exit(reason="lease", signal=9), "lost", "lost"),
        (Exit(signal=9, max_rss=2**30), "script", "1024 MiB, probably because memory ran out"),
        (Exit(signal=9, max_rss=9 * 2**20), "script", "it used 9 MiB"),
        (Exit(signal=11), "script", "SIGSEGV"),
        (Exit(code=3), "script", "exit code 3"),
    ],
)
def test_each_end_has_its_words(ended: Exit, kind: str, said: str) -> None:
    """Signals are named, limits too."""
    failed = failure_of(ended, None, SPEC, "script")
    assert failed is not None
    assert (failed.kind, said in failed.message) == (kind, True)


def test_a_good_end_is_no_failure() -> None:
    """Even if the asset caught and recorded something."""
    assert failure_of(Exit(), Failure(type="E", message=""), SPEC, "script") is None


def test_a_long_message_goes_into_the_detail() -> None:
    """The headline stays one line."""
    failed = failure_of(Exit(code=1), Failure(type="E", message="a\nb"), SPEC, "materialize")
    assert failed is not None
    assert (failed.kind, failed.message, failed.detail) == ("materialize", "E: a", "a\nb")


@pytest.mark.parametrize(
    ("kind", "message", "source", "hint"),
    [
        ("KeyError", "'TOKEN'", "token = os.environ['TOKEN']", "sees only what it declares"),
        ("KeyError", "'a'", "row['a']", ""),
        ("IOException", "IO Error: Could not set lock on file", "duckdb.connect(x)", "take turns"),
        ("ModuleNotFoundError", "No module named 'x'", "import x", "requirements.txt"),
        ("ModuleNotFoundError", "No module named 'bruin'", "import bruin", "bruin-sdk[duckdb]"),
        ("ModuleNotFoundError", "No module named 'yaml.x'", "import yaml.x", "PyYAML"),
    ],
)
def test_common_mistakes_have_a_way_out(kind: str, message: str, source: str, hint: str) -> None:
    frames = (Frame(file="a.py", line=1, function="f", source=source),)
    failed = failure_of(
        Exit(code=1), Failure(type=kind, message=message, frames=frames), SPEC, "script"
    )
    assert failed is not None
    assert hint in failed.hint
    assert bool(hint) == bool(failed.hint)
