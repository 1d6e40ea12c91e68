"""Which files git says changed since the default branch: what `--modified` runs. Used by options.

Committed changes, as in Bruin, and those that are not committed yet: whoever has just edited an
asset means it.
"""

import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from dispatcher.problems import FleetError

_SECONDS = 60
# what a repository's own configuration could run is switched off
_GIT = ("git", "-c", "core.fsmonitor=false", "-c", "core.quotePath=false", "--no-optional-locks")
_DIFF = ("diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", "--no-textconv")
_USUAL = ("main", "master")


def since_default_branch(root: Path) -> frozenset[str]:
    """The changed files below `root`, relative to it. FleetError if git cannot tell."""
    base = _fork(root)
    names = [*_listed(root, (*_DIFF, "--relative", base, "--", "."))]
    names += _listed(root, ("ls-files", "--others", "--exclude-standard", "-z", "--", "."))
    return frozenset(names)


def _fork(root: Path) -> str:
    """The commit where this branch left the default branch."""
    branch = next(_branches(root), "")
    if not branch:
        known = " or ".join(_USUAL)
        message = f"--modified compares with the default branch, and there is no {known} here"
        raise FleetError(message, hint="fetch it, or say: git remote set-head origin --auto")
    if fork := _answer(root, ("merge-base", branch, "HEAD")):
        return fork
    message = f"--modified: this branch has no commit in common with {branch}"
    raise FleetError(message, hint="a shallow clone lacks it: git fetch --unshallow")


def _branches(root: Path) -> Iterator[str]:
    """What may be the default branch, the likeliest first; the remote's, if there is a remote."""
    if _answer(root, ("rev-parse", "--git-dir")) is None:
        raise FleetError(f"--modified needs a git repository, and {root} is in none")
    if head := _answer(root, ("symbolic-ref", "--quiet", "refs/remotes/origin/HEAD")):
        yield head
    for place in ("refs/remotes/origin", "refs/heads"):
        for name in _USUAL:
            if _answer(root, ("rev-parse", "--verify", "--quiet", f"{place}/{name}^{{commit}}")):
                yield f"{place}/{name}"


def _listed(root: Path, arguments: Sequence[str]) -> list[str]:
    found = _run(root, arguments)
    if found.returncode:
        raise FleetError(f"--modified: git says {found.stderr.decode(errors='replace').strip()}")
    return [name.decode(errors="replace") for name in found.stdout.split(b"\0") if name]


def _answer(root: Path, arguments: Sequence[str]) -> str | None:
    """What git prints; None if it says no."""
    found = _run(root, arguments)
    return None if found.returncode else found.stdout.decode(errors="replace").strip()


def _run(root: Path, arguments: Sequence[str]) -> "subprocess.CompletedProcess[bytes]":
    argv = [*_GIT, "-C", str(root), *arguments]
    try:
        return subprocess.run(argv, capture_output=True, timeout=_SECONDS, check=False)
    except FileNotFoundError:
        raise FleetError("--modified needs git, which is not installed") from None
    except subprocess.TimeoutExpired:
        raise FleetError(f"--modified: git took longer than {_SECONDS} s") from None
