"""Runs the fleet command as a user would: a process of its own, a home of its own."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

FLEET = str(Path(sys.executable).parent / "fleet")
_OURS = ("FLEET_", "BRUIN_", "NO_COLOR", "FORCE_COLOR", "GITHUB_ACTIONS", "PYTHONDONTWRITE")


@dataclass(frozen=True)
class Cli:
    """The command with one home."""

    home: Path
    cwd: Path
    environ: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, *args: str, timeout: float = 240) -> "subprocess.CompletedProcess[str]":
        """Run it to its end."""
        return subprocess.run(
            [FLEET, *args],
            cwd=self.cwd,
            env=self.env(),
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def start(self, *args: str, to: IO[str] | None = None) -> "subprocess.Popen[str]":
        """Start it; both its outputs come from one pipe, or go to a file."""
        return subprocess.Popen(
            [FLEET, *args],
            cwd=self.cwd,
            env=self.env(),
            stdout=to or subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def status(self, run: str = "last") -> dict[str, Any]:
        """What `fleet status --json` knows of a run."""
        found: dict[str, Any] = json.loads(self("status", run, "--json").stdout)
        return found

    def env(self) -> dict[str, str]:
        """The user's environment without what would change the command."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(_OURS)}
        return kept | {"FLEET_HOME": str(self.home), "FLEET_CONFIG": ""} | dict(self.environ)


def project(folder: Path, assets: Mapping[str, str]) -> Path:
    """A pipeline of scripts: by name, more of the header and the code, with `---` between them."""
    (folder / "assets").mkdir(parents=True)
    (folder / ".git").mkdir()
    (folder / "pipeline.yml").write_text(f"name: {folder.name}\n")
    for name, text in assets.items():
        head, _, code = text.rpartition("---\n")
        header = f'"""@bruin\nname: {name}\ntype: python\n{head}@bruin"""\n'
        (folder / "assets" / f"{name.replace('.', '_')}.py").write_text(header + code)
    return folder


def heard(command: "subprocess.Popen[str]", words: str) -> str:
    """What the command prints up to a line with these words; fails the test if it ends before."""
    assert command.stdout is not None
    text = ""
    while words not in (line := command.stdout.readline()):
        text += line
        assert line, f"it never said {words!r}: {text}"
    return text + line


def rest(command: "subprocess.Popen[str]") -> str:
    """What the command prints from here to its end.

    After `heard` this is the way to it: communicate() loses what was read ahead of a line.
    """
    assert command.stdout is not None
    text = command.stdout.read()
    command.wait()
    return text


def until(true: Callable[[], Any], seconds: float = 120.0) -> Any:
    """What `true` gives as soon as it gives something; fails the test after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := true():
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds:.0f} s: {true}")
