"""The grammar of policy expressions: a large part of expr-lang, read into a tree of nodes.

What it cannot read is an ExpressionError, never a guess.
"""

from dataclasses import dataclass
from typing import Any

from assets_parser.policies.tokens import ExpressionError, Token, tokens

_MOST_DEPTH = 60
_TERNARY = -1  # binds least
_BINARY = {
    "|": 0,
    **dict.fromkeys(("||", "or"), 10),
    **dict.fromkeys(("&&", "and"), 15),
    **dict.fromkeys(("==", "!=", "<", ">", "<=", ">="), 20),
    **dict.fromkeys(("in", "matches", "contains", "startsWith", "endsWith"), 20),
    "..": 25,
    **dict.fromkeys(("+", "-"), 30),
    **dict.fromkeys(("*", "/", "%"), 60),
    **dict.fromkeys(("**", "^"), 100),
    "??": 500,
}
_UNARY = {"not": 50, "!": 50, "-": 90, "+": 90}
_NEGATABLE = ("in", "matches", "contains", "startsWith", "endsWith")
_SAME = {"||": "or", "&&": "and", "!": "not", "^": "**"}
_CONSTANTS: dict[str, Any] = {"true": True, "false": False, "nil": None, "null": None}
PREDICATES = frozenset(
    "all any none one filter map count find findIndex findLast findLastIndex".split()  # noqa: SIM905
)


@dataclass(frozen=True, slots=True)
class Node:
    """One part of an expression: what it is, its word or value, and the parts that it is made of.

    `kind` is one of constant, name, item, member, index, slice, call, method, unary, binary,
    choice, list, let. `soft` is `?.`: nothing comes of nothing.
    """

    kind: str
    value: Any = None
    parts: tuple["Node", ...] = ()
    soft: bool = False


def parse(text: str) -> Node:
    """The tree of an expression; ExpressionError says what cannot be read."""
    reader = _Reader(tokens(text))
    node = reader.whole()
    if reader.now.kind != "end":
        raise ExpressionError(f"'{reader.now.text}' is not expected there")
    return node


class _Reader:
    """Reads words from left to right, by precedence."""

    def __init__(self, words: list[Token]) -> None:
        self._words, self._at, self._depth = words, 0, 0

    @property
    def now(self) -> Token:
        """The word that comes next."""
        return self._words[self._at]

    def whole(self) -> Node:
        """`let x = 1; ...`, or an expression."""
        if not self._take("let"):
            return self._expression()
        name = self._name()
        self._need("=")
        value = self._expression()
        self._need(";")
        return Node("let", name, (value, self._deeper(self.whole)))

    def _expression(self, least: int = _TERNARY) -> Node:
        return self._deeper(lambda: self._binary(least))

    def _deeper(self, read: Any) -> Node:
        self._depth += 1
        if self._depth > _MOST_DEPTH:
            raise ExpressionError("it is nested too deep")
        node: Node = read()
        self._depth -= 1
        return node

    def _binary(self, least: int) -> Node:
        left = self._unary()
        while True:
            negated = self.now.is_word("not") and self._words[self._at + 1].is_word(*_NEGATABLE)
            word = self._words[self._at + negated]
            binding = _BINARY.get(word.text, -2) if word.kind in ("sign", "name") else -2
            if binding < max(least, 0):
                break
            self._at += 1 + negated
            left = self._joined(word.text, left, binding)
            left = Node("unary", "not", (left,)) if negated else left
        return self._choice(left) if least == _TERNARY and self._take("?") else left

    def _joined(self, sign: str, left: Node, binding: int) -> Node:
        if sign == "|":
            return self._call(self._name(), (left,))
        right = self._expression(binding if sign in ("**", "^") else binding + 1)
        return Node("binary", _SAME.get(sign, sign), (left, right))

    def _choice(self, condition: Node) -> Node:
        yes = self._expression()
        self._need(":")
        return Node("choice", None, (condition, yes, self._expression()))

    def _unary(self) -> Node:
        word = self.now
        if word.is_word(*_UNARY):
            self._at += 1
            operand = self._expression(_UNARY[word.text])
            return Node("unary", _SAME.get(word.text, word.text), (operand,))
        return self._chain(self._primary())

    def _primary(self) -> Node:
        word = self.now
        self._at += 1
        if word.kind == "number":
            return Node("constant", _number(word.text))
        if word.kind == "text":
            return Node("constant", word.text)
        if word.kind == "name":
            return self._named(word.text)
        return self._signed(word)

    def _signed(self, word: Token) -> Node:
        if word.text == "(":
            inner = self._expression()
            self._need(")")
            return inner
        if word.text == "[":
            return Node("list", None, self._listed("]"))
        if word.text == "#":
            index = self.now.is_word("index") and self._words[self._at - 1].at + 1 == self.now.at
            self._at += index
            return Node("item", "index" if index else "")
        if word.text == ".":
            return Node("member", self._name(), (Node("item", ""),))
        if word.text == "{":
            raise ExpressionError("maps cannot be read")
        raise ExpressionError(
            f"'{word.text}' is not expected there" if word.text else "it ends early"
        )

    def _named(self, name: str) -> Node:
        if name in _CONSTANTS:
            return Node("constant", _CONSTANTS[name])
        return self._call(name, ()) if self.now.is_word("(") else Node("name", name)

    def _call(self, name: str, first: tuple[Node, ...]) -> Node:
        self._need("(")
        if name not in PREDICATES:
            return Node("call", name, (*first, *self._listed(")")))
        given = first or (self._expression(),)
        predicate = self._predicate() if self._take(",") or (first and not self._ends()) else None
        self._need(")")
        return Node("call", name, (*given, predicate) if predicate else given)

    def _ends(self) -> bool:
        return self.now.is_word(")")

    def _predicate(self) -> Node:
        if not self._take("{"):
            return self._expression()
        inner = self._expression()
        self._need("}")
        return inner

    def _listed(self, end: str) -> tuple[Node, ...]:
        found: list[Node] = []
        while not self._take(end):
            found.append(self._expression())
            if not self.now.is_word(end):
                self._need(",")
        return tuple(found)

    def _chain(self, node: Node) -> Node:
        """What follows a value: `.Name`, `?.Name`, `[0]`, `[1:2]`."""
        while True:
            if self.now.is_word(".", "?."):
                soft = self.now.text == "?."
                self._at += 1
                node = self._member(node, soft=soft)
            elif self._take("["):
                node = self._subscript(node)
            else:
                return node

    def _member(self, node: Node, *, soft: bool) -> Node:
        if soft and self._take("["):
            found = self._subscript(node)
            return Node(found.kind, found.value, found.parts, soft=True)
        name = self._name()
        if self._take("("):
            self._need(")")
            return Node("method", name, (node,), soft=soft)
        return Node("member", name, (node,), soft=soft)

    def _subscript(self, node: Node) -> Node:
        nothing = Node("constant", None)
        start = nothing if self.now.is_word(":") else self._expression()
        if not self._take(":"):
            self._need("]")
            return Node("index", None, (node, start))
        end = nothing if self.now.is_word("]") else self._expression()
        self._need("]")
        return Node("slice", None, (node, start, end))

    def _name(self) -> str:
        word = self.now
        if word.kind != "name":
            raise ExpressionError(f"a name is missing before '{word.text}'")
        self._at += 1
        return word.text

    def _take(self, text: str) -> bool:
        found = self.now.is_word(text)
        self._at += found
        return found

    def _need(self, text: str) -> None:
        if not self._take(text):
            raise ExpressionError(f"'{text}' is missing before '{self.now.text or 'its end'}'")


def _number(text: str) -> int | float:
    plain = text.replace("_", "")
    if plain[:2] in ("0x", "0X"):
        return int(plain, 16)
    return int(plain) if plain.isdecimal() else float(plain)
