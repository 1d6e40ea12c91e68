"""Names of tables and columns: as declared, as the loader writes them, as the database has them."""

import re
from collections.abc import Iterable

_NOT_A_WORD = re.compile(r"(?<!_)_*[^\w][\W_]*")
_WORD_STARTS = re.compile(r"([^_])([A-Z][a-z]+)")
_UPPER_AFTER_LOWER = re.compile(r"([a-z0-9])([A-Z])")
_LEADING_DIGITS = re.compile(r"^\d+")
_LEADING_UNDERSCORES = re.compile(r"^__+")
_REDUCED = str.maketrans("+*@|", "xxal")


def snake_case(name: str) -> str:
    """The name that the loader gives a column: `FirstName` becomes `first_name`."""
    name = name.translate(_REDUCED)
    name = _NOT_A_WORD.sub("_", name)
    name = _WORD_STARTS.sub(r"\1_\2", name)
    name = _UPPER_AFTER_LOWER.sub(r"\1_\2", name).lower()
    if _LEADING_DIGITS.match(name):
        name = f"_{name}"
    stripped = name.rstrip("_")
    name = stripped + "x" * (len(name) - len(stripped))
    return _LEADING_UNDERSCORES.sub("", name)


def alike(names: Iterable[str], *, direct: bool = False) -> dict[str, list[str]]:
    """The names that the loader would give to several columns each, with those columns.

    `direct`: names are kept as they are.
    """
    made: dict[str, list[str]] = {}
    for name in names:
        made.setdefault(name.lower() if direct else snake_case(name), []).append(name)
    return {new: found for new, found in made.items() if len(found) > 1}


def resolve(declared: str, existing: Iterable[str]) -> str | None:
    """The existing name that `declared` means: itself, in other case, as loaded."""
    names = list(existing)
    if declared in names:
        return declared
    for wanted in (declared.lower(), snake_case(declared)):
        found = [name for name in names if name.lower() == wanted]
        if found:
            return found[0]
    return None


def table_parts(name: str) -> tuple[str, ...]:
    """The parts of a dotted table name; quotes around a part keep its dots."""
    found = re.findall(r'"((?:[^"]|"")*)"|([^."]+)', name)
    return tuple(quoted.replace('""', '"') if quoted else plain for quoted, plain in found)
