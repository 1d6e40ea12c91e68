"""A definition file while it is read, and the words of its faults. Every reader writes into one."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from assets_parser.faults import DefinitionError, Fault, Severity
from assets_parser.yaml_text import QUOTED, MappingNode, Node, SequenceNode

_BUDGET = 400_000  # nodes of one file, aliases followed; a bomb of aliases ends here
_SHOWN = 40  # characters of a wrong word that a message repeats


@dataclass(slots=True)
class Source:
    """One definition file while it is read: what was found wrong, unknown keys, lines of fields."""

    file: str
    faults: list[Fault] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    lines: dict[str, int] = field(default_factory=dict)
    budget: int = _BUDGET

    def fault(
        self, node: Node | None, message: str, *, rule: str = "field", hint: str = "", line: int = 0
    ) -> None:
        """Report an error at the node, or at the line if there is no node."""
        mark = node.start_mark if node is not None else None
        column = mark.column + 1 if mark else 0
        line = mark.line + 1 if mark else line
        self.faults.append(
            Fault(rule=rule, message=message, file=self.file, line=line, column=column, hint=hint)
        )

    def warn(self, line: int, message: str, *, rule: str, hint: str = "") -> None:
        """Report a warning."""
        self.faults.append(
            Fault(
                rule=rule,
                message=message,
                file=self.file,
                line=line,
                severity=Severity.WARNING,
                hint=hint,
            )
        )

    def spend(self, node: Node, cost: int) -> None:
        """Count nodes read; a file of few bytes and many aliases is refused."""
        self.budget -= cost
        if self.budget < 0:
            self.fault(node, "too many values, each use of an alias counted", rule="yaml")
            raise DefinitionError(self.faults[-1:])


def nearest(word: str, known: Iterable[str]) -> str:
    """ "did you mean ...?", or nothing; the search is imported when something is wrong."""
    from assets_parser.suggestions import did_you_mean  # noqa: PLC0415 - only where it is needed

    return did_you_mean(word, known) if len(word) <= _SHOWN else ""


def kind_of(node: Node) -> str:
    """What a node is, for a message."""
    if isinstance(node, MappingNode):
        return "a mapping"
    if isinstance(node, SequenceNode):
        return "a list"
    return f"{'the quoted text ' if node.tag == QUOTED else ''}'{shortened(node.value)}'"


def shortened(word: str) -> str:
    """A word for a message, cut where it is too long to read."""
    return word if len(word) <= _SHOWN else word[: _SHOWN - 3] + "..."
