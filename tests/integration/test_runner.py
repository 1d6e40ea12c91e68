"""The main step of scripts: what the asset sees, and what its end tells."""

from pathlib import Path

import pytest

from assets_parser.spec import Requirements, RunOptions, Secret
from tests.support.attempt import Bench
from tests.support.own_projects import failure, home, place

__all__ = ["home", "place"]


def test_a_script_runs_as_python_minus_m_would_run_it(place: Bench) -> None:
    """__main__, its package, its file, its arguments, the project as working folder."""
    place.write("shop/helper.py", "WORD = 'here'")
    code = (
        "import os, sys\nfrom . import helper\nimport shop.helper as same\n"
        "print('OUT', __name__, __package__, helper is same, helper.WORD)\n"
        "print('OUT', __file__ == sys.argv[0], os.getcwd(), sys.path[0])\n"
        "if __name__ == '__main__':\n    print('OUT guard')\n"
    )
    place.run("shop/orders.py", code)
    root = place.project
    assert place.log.own == [
        "OUT __main__ shop True here",
        f"OUT True {root} {root}",
        "OUT guard",
    ]


@pytest.mark.parametrize(
    "path",
    ["v1.2/deep.py", "my-assets/2024 sales/run-me.py", "json/orders.py", "pip/x.py", "orders.py"],
)
def test_any_folder_name_works(place: Bench, path: str) -> None:
    """Dots, hyphens, blanks, digits and the names of other packages do no harm."""
    place.write(str(Path(path).with_name("near.py")), "WORD = 'near'")
    relative = "from . import near" if "/" in path else "import near"
    place.run(path, f"import json\n{relative}\nprint('OUT', near.WORD, json.dumps(1))")
    assert place.log.own == ["OUT near 1"]


def test_both_streams_arrive_line_by_line(place: Bench) -> None:
    """Bytes that are not UTF-8, endless, redrawn and unfinished lines are no trouble."""
    code = (
        "import os, sys\n"
        "print('OUT one', file=sys.stderr)\n"
        "os.write(1, b'OUT \\xff\\n')\n"
        "print('OUT ' + 'x' * 3_000_000)\n"
        "print('10%\\r50%\\rOUT 100%')\n"
        "sys.stdout.write('OUT no end')\n"
    )
    place.run("a.py", code)
    one, invalid, long, redrawn, last = place.log.own
    assert (one, invalid, redrawn, last) == ("OUT one", "OUT \ufffd", "OUT 100%", "OUT no end")
    assert len(long) < 70_000
    assert long.endswith("more characters were cut)")


@pytest.mark.parametrize("code", ["import sys; sys.exit(0)", "import sys; sys.exit()", "pass"])
def test_leaving_with_zero_is_success(place: Bench, code: str) -> None:
    """sys.exit(0) is no failure."""
    assert place.run("a.py", code).result["exit"] == 0


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("raise SystemExit(4)", "the process ended with exit code 4"),
        ("import sys; sys.exit('bad luck')", "the process ended with exit code 1: bad luck"),
        ("import os; os._exit(7)", "the process ended with exit code 7"),
        ("1/0", "ZeroDivisionError: division by zero"),
        ("print('x'", "SyntaxError: '(' was never closed"),
        ("import os; os.kill(os.getpid(), 9)", "was killed (SIGKILL); it used"),
        ("import os; os.kill(os.getpid(), 11)", "SIGSEGV"),
    ],
)
def test_every_bad_end_says_what_it_was(place: Bench, code: str, message: str) -> None:
    """Exit codes, exceptions, syntax errors and signals are told apart."""
    failed = failure(place, "a.py", code)
    assert failed.kind == "script"
    assert message in failed.message


def test_a_failure_shows_the_users_own_frames_only(place: Bench) -> None:
    """File in the project, line and source; no frame of the runner, not in the log either."""
    place.write("lib/tools.py", "import json\ndef parse(x):\n    return json.loads(x)\n")
    failed = failure(place, "shop/a.py", "from lib.tools import parse\nparse('{')\n")
    assert [(f.file, f.line, f.source) for f in failed.frames] == [
        ("shop/a.py", 2, "parse('{')"),
        ("lib/tools.py", 3, "return json.loads(x)"),
    ]
    assert failed.message.startswith("JSONDecodeError: ")
    assert not [line for line in place.log.lines if "workers/inside" in line]


def test_a_project_with_standard_names_still_learns_why_it_failed(place: Bench) -> None:
    """As under `python -m` the project's json is found; that is its mistake and said as such."""
    for name in ("json", "traceback", "types", "typing"):
        place.write(f"{name}.py", "")
    failed = failure(place, "a.py", "import json, traceback, types, typing\njson.loads('1')")
    assert failed.message == "AttributeError: module 'json' has no attribute 'loads'"
    assert [(frame.file, frame.line) for frame in failed.frames] == [("a.py", 2)]


def test_a_missing_package_is_explained(place: Bench) -> None:
    """The hint names the file where packages are listed."""
    assert "requirements.txt" in failure(place, "a.py", "import nosuchpackage").hint


def test_the_environment_is_an_allow_list(place: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the worker happens to have does not reach the asset; what it declares does."""
    monkeypatch.setenv("FLEET_BROKER", "redis://:secret@host/0")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("BRUIN_RUN_ID", "inherited")
    monkeypatch.setenv("LC_TIME", "C")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    code = "import json, os\nprint('OUT', json.dumps(dict(os.environ)))"
    place.run("a.py", code, environment={"BRUIN_ASSET": "main.orders"})
    seen = place.log.own[0]
    assert "secret" not in seen
    assert "inherited" not in seen
    assert "DONTWRITE" not in seen
    assert '"BRUIN_ASSET": "main.orders"' in seen
    assert '"LC_TIME": "C"' in seen
    assert '"PYTHONUNBUFFERED": "1"' in seen


def test_the_submitters_python_path_comes_after_the_project(place: Bench) -> None:
    """It is found, handed on to children, and cannot hide the project's own modules."""
    place.write("more/extra.py", "WORD = 'found'")
    place.write("more/own.py", "WORD = 'hidden'")
    place.write("own.py", "WORD = 'mine'")
    more = str(place.project / "more")
    options = RunOptions(start="", end="", execution="", python_path=more)
    code = "import extra, own, os\nprint('OUT', extra.WORD, own.WORD, os.environ['PYTHONPATH'])"
    place.run("a.py", code, options=options)
    assert place.log.own == [f"OUT found mine {more}"]


def test_a_declared_secret_arrives_and_is_masked(
    place: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The value is in the variable, never in the log."""
    file = place.write(
        ".bruin.yml",
        "default_environment: default\nenvironments:\n  default:\n    connections:\n"
        "      generic:\n        - {name: api, value: hunter2-hunter2}\n",
    )
    code = (
        "import os\nprint('OUT', os.environ['TOKEN'] == 'hunter2' + '-hunter2')\n"
        "print('OUT', os.environ['TOKEN'], os.environ['BRUIN_CONNECTION_TYPES'])"
    )
    place.run("a.py", code, config=file, secrets=(Secret(key="api", inject_as="TOKEN"),))
    assert place.log.own == ["OUT True", 'OUT ******** {"TOKEN":"generic"}']


def test_a_secret_whose_variable_is_unset_is_empty_text_and_said(place: Bench) -> None:
    """A project with optional tokens runs without them, as with Bruin."""
    file = place.write(
        ".bruin.yml",
        "environments:\n  default:\n    connections:\n"
        "      generic: [{name: api, value: '${SURELY_UNSET_7}'}]\n",
    )
    code = "import os\nprint('OUT', repr(os.environ['TOKEN']))"
    place.run("a.py", code, config=file, secrets=(Secret(key="api", inject_as="TOKEN"),))
    notice = "notice: TOKEN has no value from SURELY_UNSET_7: not set in the environment"
    assert notice in place.log.lines
    assert place.log.own == ["OUT ''"]


def test_an_unknown_secret_is_a_configuration_error(place: Bench) -> None:
    """The message names the connection."""
    file = place.write(".bruin.yml", "environments:\n  default:\n    connections: {}\n")
    secrets = (Secret(key="nope", inject_as="NOPE"),)
    failed = failure(place, "a.py", "pass", config=file, secrets=secrets)
    assert failed.kind == "config"
    assert "nope" in failed.message


def test_a_project_with_pyproject_runs_in_its_own_folder(place: Bench) -> None:
    """Working folder and module names start where the pyproject.toml is; its packages are there."""
    place.write(
        "pipeline/pyproject.toml",
        "[project]\nname='shop'\nversion='0'\nrequires-python='>=3.11'\ndependencies=['roman==4.2']\n",
    )
    place.write("pipeline/lib.py", "WORD = 'lib'")
    wish = Requirements(kind="pyproject", path="pipeline/pyproject.toml")
    code = (
        "import os, lib\nfrom importlib.metadata import version\n"
        "print('OUT', os.getcwd(), __package__, lib.WORD, version('roman'))"
    )
    place.run("pipeline/assets/a.py", code, working_dir="pipeline", requirements=wish)
    assert place.log.own == [f"OUT {place.project}/pipeline assets lib 4.2"]


def test_programs_of_the_environment_are_on_the_path(place: Bench) -> None:
    """As `uv run` has it: a package's own command, and python itself."""
    place.write("requirements.txt", "pyfiglet==1.0.2\n")
    wish = Requirements(kind="requirements", path="requirements.txt")
    code = (
        "import shutil, sys, os\n"
        "print('OUT', os.path.dirname(shutil.which('pyfiglet')) == os.path.dirname(sys.executable),"
        " shutil.which('python') == sys.executable, os.environ['VIRTUAL_ENV'] == sys.prefix)"
    )
    place.run("a.py", code, requirements=wish)
    assert place.log.own == ["OUT True True True"]


@pytest.mark.parametrize("method", ["spawn", "fork", "forkserver"])
def test_an_asset_may_use_processes_of_its_own(place: Bench, method: str) -> None:
    """Functions of the asset's file are found in the children, whatever way they start."""
    code = (
        "import multiprocessing as mp\n"
        "def twice(x):\n    return 2 * x\n"
        "if __name__ == '__main__':\n"
        f"    with mp.get_context('{method}').Pool(2) as pool:\n"
        "        print('OUT', pool.map(twice, [1, 2]))\n"
    )
    place.run("assets/a.py", code, timeout=240)
    assert place.log.own == ["OUT [2, 4]"]


def test_connections_are_only_read_when_declared(place: Bench, tmp_path: Path) -> None:
    """A broken .bruin.yml does not fail an asset that uses none of it."""
    broken = tmp_path / ".bruin.yml"
    broken.write_text("environments: [")
    assert place.run("a.py", "pass", config=broken).result["exit"] == 0
