"""What is wrong with a definition: one value per fault, gathered, never only the first."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a fault matters: an error stops a run, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong, where it is, and what to do about it.

    `file` is relative to the project root, with forward slashes; `line` and `column` count from 1,
    0 meaning that the fault has no place of its own.
    """

    rule: str
    message: str
    file: str = ""
    line: int = 0
    column: int = 0
    severity: Severity = Severity.ERROR
    hint: str = ""
    asset: str = ""

    def __str__(self) -> str:
        """`file:line:column severity rule message (hint)`, as editors and people read it."""
        numbers = [str(n) for n in (self.line, self.column) if n]
        place = ":".join([self.file or "pipeline", *numbers])
        hint = f" ({self.hint})" if self.hint else ""
        return f"{place} {self.severity} {self.rule} {self.message}{hint}"


class DefinitionError(Exception):
    """A definition cannot be read; `faults` say why, each with its place."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))
