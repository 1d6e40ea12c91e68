"""One asset's job, read from a file and done. Called by launch.py, or in a process forked from a
warm one: everything a job needs is in its file.

The file is marshalled (version 2, which every Python 3 reads), and what only some assets need is
imported late: json, re, typing and traceback would add a third to the start of a small script.

Keys: mode (script or materialize), file, roots (folders for sys.path, the first one being where
module names start), python_path (the submitter's PYTHONPATH), failure (where to say how it ended),
and for materialize: output (an empty folder), result (where to say what came), batch_rows.
"""

from __future__ import annotations

import faulthandler
import marshal
import os
import sys

from . import modules

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def run(path: str) -> None:
    """Do the job; ends as the asset's code ends, by SystemExit or exit code 1 on an exception."""
    with open(path, "rb") as file:
        job = marshal.load(file)  # noqa: S302 - the worker wrote it
    faulthandler.enable()
    sys.argv[:] = [job["file"]]
    before = list(sys.path)
    try:
        if job["mode"] == "materialize":
            _materialize(job)
        else:
            _open_project(job)
            modules.run_as_main(job["file"], job["roots"][0])
    except BaseException as error:
        _fail(error, job["failure"], before)


def _materialize(job: dict[str, Any]) -> None:
    from . import materialize  # needs pyarrow, before the project is on the path

    _open_project(job)
    module = modules.load(job["file"], job["roots"][0])
    materialize.run(module, job)


def _open_project(job: dict[str, Any]) -> None:
    """Let the project's folders be found first, then the submitter's, then what is installed."""
    extra = [entry for entry in job["python_path"].split(os.pathsep) if entry]
    if extra:
        os.environ["PYTHONPATH"] = job["python_path"]
    wanted = [*job["roots"], *extra]
    sys.path[:] = list(dict.fromkeys(wanted)) + [p for p in sys.path if p not in wanted]


def _fail(error: BaseException, path: str, before: list[str]) -> None:
    """Write down what happened and let Python end as it would without us."""
    if isinstance(error, SystemExit) and error.code in (None, 0, False):
        raise error
    hidden = modules.hide_impostors()
    during, sys.path[:] = sys.path[:], before
    from . import report

    sys.path[:] = during
    sys.modules.update(hidden)
    if isinstance(error, SystemExit):
        report.write(error, path)
        raise error
    report.write(error, path)
    report.show(error)
    sys.exit(1)
