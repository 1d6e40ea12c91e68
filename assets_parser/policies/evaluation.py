"""Evaluates the tree of a policy's expression on an asset or a pipeline, within a budget.

As in expr-lang, values of different kinds are not equal or unequal: comparing them is an error.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from assets_parser.policies import patterns
from assets_parser.policies.functions import FUNCTIONS, MOST_MADE, called, kind
from assets_parser.policies.grammar import PREDICATES, Node
from assets_parser.policies.tokens import ExpressionError
from assets_parser.policies.work import Work
from assets_parser.suggestions import did_you_mean

_MOST_RANGE = 10_000


class Struct(dict[str, Any]):
    """A mapping whose keys are known: another key is an error, not nothing."""

    what = "value"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Names and what they stand for, the item of a predicate, and the budget."""

    names: Mapping[str, Any]
    work: Work
    item: Any = None
    index: int = -1  # of the item; -1 outside of a predicate

    def holds(self, node: Node) -> bool:
        """Whether the expression is true; ExpressionError if it is neither true nor false."""
        return _truth(self.value(node), "the expression")

    def value(self, node: Node) -> Any:
        """What the node stands for."""
        self.work.spend(1)
        return _READ[node.kind](self, node)

    def values(self, nodes: Sequence[Node]) -> list[Any]:
        """What the nodes stand for."""
        return [self.value(node) for node in nodes]

    def each(self, items: Any, predicate: Node) -> Iterator[tuple[Any, Any]]:
        """Each item with what the predicate says of it."""
        if isinstance(items, Mapping) or not isinstance(items, list | tuple):
            raise ExpressionError(f"a list is needed there, not {kind(items)}")
        for index, item in enumerate(items):
            yield item, replace(self, item=item, index=index).value(predicate)


def _truth(value: Any, what: str) -> bool:
    if not isinstance(value, bool):
        raise ExpressionError(f"{what} must be true or false, it is {kind(value)}")
    return value


def _name(of: Evaluation, node: Node) -> Any:
    if node.value not in of.names:
        hint = did_you_mean(node.value, (*of.names, *FUNCTIONS, *PREDICATES))
        known = hint or f"there are {', '.join(of.names)}"
        raise ExpressionError(f"'{node.value}' is not known: {known}")
    return of.names[node.value]


def _item(of: Evaluation, node: Node) -> Any:
    if of.index < 0:
        raise ExpressionError("'#' and '.Name' have a meaning only in all(), any() and their like")
    return of.index if node.value == "index" else of.item


def _member(of: Evaluation, node: Node) -> Any:
    owner = of.value(node.parts[0])
    if owner is None and node.soft:
        return None
    found = _found(owner, node.value)
    if callable(found):
        raise ExpressionError(f"'{node.value}' is a function: write {node.value}()")
    return found


def _found(owner: Any, name: str) -> Any:
    if isinstance(owner, Struct) and name not in owner:
        hint = did_you_mean(name, owner) or f"there are {', '.join(list(owner)[:12])}"
        raise ExpressionError(f"{owner.what} has no '{name}': {hint}")
    if not isinstance(owner, Mapping):
        raise ExpressionError(f"{kind(owner)} has no '{name}'")
    return owner.get(name)


def _method(of: Evaluation, node: Node) -> Any:
    owner = of.value(node.parts[0])
    if owner is None and node.soft:
        return None
    found = _found(owner, node.value)
    if not callable(found):
        raise ExpressionError(f"'{node.value}' is no function")
    return found()


def _index(of: Evaluation, node: Node) -> Any:
    owner, key = of.values(node.parts)
    if owner is None and node.soft:
        return None
    if isinstance(owner, Struct):
        return _found(owner, key)
    if isinstance(owner, Mapping):
        return owner.get(key) if isinstance(key, str) else None
    if not isinstance(owner, str | list | tuple) or type(key) is not int:
        raise ExpressionError(f"{kind(owner)} cannot be indexed with {kind(key)}")
    if not -len(owner) <= key < len(owner):
        raise ExpressionError(f"there is no item {key} among {len(owner)}")
    return owner[key]


def _slice(of: Evaluation, node: Node) -> Any:
    owner, start, end = of.values(node.parts)
    ends = all(one is None or type(one) is int for one in (start, end))
    if not isinstance(owner, str | list | tuple) or not ends:
        raise ExpressionError(f"{kind(owner)} cannot be cut like that")
    return owner[start:end]


def _call(of: Evaluation, node: Node) -> Any:
    if node.value in PREDICATES:
        return _predicate(of, node)
    return called(node.value, of.values(node.parts), of.work)


def _predicate(of: Evaluation, node: Node) -> Any:
    if len(node.parts) != 2:
        raise ExpressionError(f"'{node.value}' needs a list and a condition")
    found = of.each(of.value(node.parts[0]), node.parts[1])
    if node.value == "map":
        return [value for _item, value in found]
    what = f"the condition of '{node.value}'"
    return _JUDGED[node.value]((item, _truth(value, what)) for item, value in found)


_JUDGED: Mapping[str, Callable[[Iterator[tuple[Any, bool]]], Any]] = {
    "all": lambda found: all(true for _, true in found),
    "any": lambda found: any(true for _, true in found),
    "none": lambda found: not any(true for _, true in found),
    "one": lambda found: sum(true for _, true in found) == 1,
    "count": lambda found: sum(true for _, true in found),
    "filter": lambda found: [item for item, true in found if true],
    "find": lambda found: next((item for item, true in found if true), None),
    "findIndex": lambda found: next((n for n, (_, true) in enumerate(found) if true), -1),
    "findLast": lambda found: next((i for i, true in reversed(list(found)) if true), None),
    "findLastIndex": lambda found: max((n for n, (_, t) in enumerate(found) if t), default=-1),
}


def _unary(of: Evaluation, node: Node) -> Any:
    value = of.value(node.parts[0])
    if node.value == "not":
        return not _truth(value, "what 'not' stands before")
    if type(value) not in (int, float):
        raise ExpressionError(f"'{node.value}' needs a number, not {kind(value)}")
    return -value if node.value == "-" else value


def _binary(of: Evaluation, node: Node) -> Any:
    sign, (left, right) = node.value, node.parts
    if sign in ("and", "or"):
        first = _truth(of.value(left), f"the left side of '{sign}'")
        if first == (sign == "or"):
            return first
        return _truth(of.value(right), f"the right side of '{sign}'")
    if sign == "??":
        found = of.value(left)
        return of.value(right) if found is None else found
    return _computed(sign, of.value(left), of.value(right), of.work)


def _computed(sign: str, left: Any, right: Any, work: Work) -> Any:
    wrong = ExpressionError(f"'{sign}' cannot compare or join {kind(left)} and {kind(right)}")
    if sign in ("==", "!="):
        return _equal(left, right, wrong) == (sign == "==")
    if sign == "in":
        return _within(left, right, wrong, work)
    if sign in _ON_TEXTS:
        if not (isinstance(left, str) and isinstance(right, str)):
            raise wrong
        return _ON_TEXTS[sign](left, right, work)
    numbers = all(type(one) in (int, float) for one in (left, right))
    texts = isinstance(left, str) and isinstance(right, str)
    if not (numbers or (texts and sign in ("+", "<", ">", "<=", ">="))):
        raise wrong
    try:
        return _ON_BOTH[sign](left, right)
    except (ArithmeticError, ValueError):
        raise ExpressionError(f"{left} {sign} {right} cannot be computed") from None


def _equal(left: Any, right: Any, wrong: ExpressionError) -> bool:
    if left is not None and right is not None and kind(left) != kind(right):
        raise wrong
    return bool(left == right)


def _within(left: Any, right: Any, wrong: ExpressionError, work: Work) -> bool:
    if not isinstance(right, list | tuple | Mapping):
        raise wrong
    work.spend(len(right))
    return any(left == one and kind(left) == kind(one) for one in right)


def _matches(text: str, pattern: str, work: Work) -> bool:
    try:
        return patterns.compiled(pattern).search(text, work)
    except ValueError as error:
        raise ExpressionError(f"the pattern '{pattern[:60]}' cannot be used: {error}") from None


def _range(left: Any, right: Any) -> list[int]:
    if type(left) is not int or type(right) is not int or right - left > _MOST_RANGE:
        raise ValueError
    return list(range(left, right + 1))


def _sum(left: Any, right: Any) -> Any:
    if isinstance(left, str) and len(left) + len(right) > MOST_MADE:
        raise ExpressionError("'+' would make too long a text")
    return left + right


def _power(left: Any, right: Any) -> float:
    return float(left) ** float(right) if left >= 0 else float(left) ** int(right)


_ON_TEXTS: Mapping[str, Callable[[str, str, Work], bool]] = {
    "contains": lambda left, right, work: right in left,
    "startsWith": lambda left, right, work: left.startswith(right),
    "endsWith": lambda left, right, work: left.endswith(right),
    "matches": _matches,
}
_ON_BOTH: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": _sum,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": lambda left, right: left / right,
    "%": lambda left, right: left - right * int(left / right),
    "**": _power,
    "..": _range,
    "<": lambda left, right: left < right,
    ">": lambda left, right: left > right,
    "<=": lambda left, right: left <= right,
    ">=": lambda left, right: left >= right,
}


def _choice(of: Evaluation, node: Node) -> Any:
    condition, yes, no = node.parts
    return of.value(yes if _truth(of.value(condition), "what stands before '?'") else no)


def _let(of: Evaluation, node: Node) -> Any:
    value, rest = node.parts
    return replace(of, names={**of.names, node.value: of.value(value)}).value(rest)


_READ: Mapping[str, Callable[[Evaluation, Node], Any]] = {
    "constant": lambda of, node: node.value,
    "name": _name,
    "item": _item,
    "member": _member,
    "method": _method,
    "index": _index,
    "slice": _slice,
    "call": _call,
    "unary": _unary,
    "binary": _binary,
    "choice": _choice,
    "list": lambda of, node: of.values(node.parts),
    "let": _let,
}
