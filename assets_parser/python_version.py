"""Which Python an asset wants: from its image, else from requires-python. The plan calls it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import takewhile

DEFAULT = "3.11"
SUPPORTED = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13", "3.14")

_RANGE = f"{SUPPORTED[0]} to {SUPPORTED[-1]}"
_IMAGE = re.compile(
    r"(?:docker\.io/)?(?:library/)?python:(?P<version>\d+\.\d+)(?P<rest>[.\-@].*)?", re.ASCII
)
_CLAUSE = re.compile(
    r"(?P<operator>~=|===?|!=|<=|>=|<|>|)\s*v?(?P<major>\d+)(?:\.(?P<minor>\d+|\*))?(?:\.[\w.*+-]*)?",
    re.ASCII,
)
_Version = tuple[int, int]
_COMPARE: dict[str, Callable[[_Version, _Version], bool]] = {
    "~=": lambda have, want: have[0] == want[0] and have >= want,
    "": lambda have, want: have == want,
    "==": lambda have, want: have == want,
    "===": lambda have, want: have == want,
    "!=": lambda have, want: have != want,
    "<=": lambda have, want: have <= want,
    ">=": lambda have, want: have >= want,
    "<": lambda have, want: have < want,
    ">": lambda have, want: have > want,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A Python version X.Y; `notice` says why, if the asset asked for something else."""

    version: str
    notice: str = ""


def choose(image: str = "", requires_python: str = "") -> Choice:
    """The version for an asset; without an image the lowest that requires-python allows.

    ValueError if requires-python allows none of the supported versions.
    """
    if image.strip():
        return _from_image(image.strip())
    return (
        _from_requires(requires_python.strip())
        if requires_python.strip()
        else Choice(version=DEFAULT)
    )


def _from_image(image: str) -> Choice:
    found = _IMAGE.fullmatch(image)
    if found is None or found["version"] not in SUPPORTED:
        return Choice(
            version=DEFAULT,
            notice=f"image {image} is no Python from {_RANGE}: {DEFAULT} is used",
        )
    if not found["rest"]:
        return Choice(version=found["version"])
    return Choice(
        version=found["version"],
        notice=f"only the version {found['version']} of image {image} is used",
    )


def _from_requires(wanted: str) -> Choice:
    clauses = [_CLAUSE.fullmatch(clause.strip()) for clause in wanted.split(",") if clause.strip()]
    read = list(takewhile(lambda clause: clause is not None, clauses))
    if not read or len(read) < len(clauses):
        return Choice(
            version=DEFAULT, notice=f"requires-python {wanted!r} cannot be read: {DEFAULT} is used"
        )
    for version in SUPPORTED:
        if all(clause and _holds(version, clause) for clause in read):
            return Choice(version=version)
    raise ValueError(f"requires-python {wanted!r} allows no Python from {_RANGE}")


def _holds(version: str, clause: re.Match[str]) -> bool:
    """Whether X.Y fits one clause; its patch part does not count, as no asset can ask for one."""
    major, minor = (int(part) for part in version.split("."))
    if clause["minor"] in (None, "*"):
        have, want = (major, 0), (int(clause["major"]), 0)
        if clause["operator"] in ("<", ">=", "~="):
            return _COMPARE[clause["operator"]]((major, minor), want)
        return _COMPARE[clause["operator"]](have, want)
    return _COMPARE[clause["operator"]](
        (major, minor), (int(clause["major"]), int(clause["minor"]))
    )
