"""What tests wish to have installed, and what an environment has."""

import subprocess
import sys
from pathlib import Path

from workers import requirements
from workers.envs import Env, EnvRequest

PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"


def wish(project: Path, text: str, **given: object) -> EnvRequest:
    """A request for what a requirements.txt says."""
    (project / "requirements.txt").write_text(text)
    needs = requirements.of_file(project / "requirements.txt")
    return EnvRequest(python=PYTHON, needs=needs, **given)  # type: ignore[arg-type]


def version(env: Env, package: str) -> str:
    """The version of a package in an environment, "none" if it is not there."""
    code = (
        "from importlib import metadata\n"
        f"try: print(metadata.version({package!r}))\n"
        "except metadata.PackageNotFoundError: print('none')"
    )
    return subprocess.check_output([env.python, "-I", "-c", code], text=True).strip()
