"""Where a SQL text names tables: by syntax where it can be parsed, word by word where not.

For sql_tables (what is read) and prefix (what gets another schema).
"""

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from assets_parser.sql_lexer import pieces

if TYPE_CHECKING:
    from sqlglot import exp

Use: TypeAlias = Literal["read", "written", "created", "column", "word"]
_LONGEST_CHAIN = 8  # parts of a dotted name that can be of interest
_OPENING = ('"', "`", "[")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A place that names a table: dotted, without quotes; `column` names a column by its table.

    `start` is where it stands, `schema_at` where the text of its second-last part starts inside
    of any quotes, -1 if it has one part only. A `word` only looks like a name.
    """

    name: str
    use: Use
    start: int
    schema_at: int = -1


@functools.lru_cache(maxsize=1024)
def references(statement: str, dialect: str = "") -> tuple[Reference, ...]:
    """All places of one statement that name a table, names of its own `with` left out."""
    from assets_parser.sql_syntax import parsed  # noqa: PLC0415 - see there

    tree = parsed(statement, dialect)
    if tree is None:
        return words(statement, dialect)
    return tuple(sorted(_found(tree, statement), key=lambda one: one.start))


def words(sql: str, dialect: str = "") -> tuple[Reference, ...]:
    """Every dotted name of the text, and the beginnings of longer ones."""
    return tuple(one for chain in _chains(sql, dialect) for one in _beginnings(chain))


def _chains(sql: str, dialect: str) -> Iterator[list[tuple[str, int]]]:
    """Names joined by dots, part by part with the place of its text."""
    chain: list[tuple[str, int]] = []
    after_dot = False
    for piece in pieces(sql, dialect):
        text = sql[piece.start : piece.end]
        if piece.kind in ("word", "quoted"):
            if not after_dot and chain:
                yield chain
                chain = []
            quoted = piece.kind == "quoted"
            chain.append((_unquoted(text) if quoted else text, piece.start + quoted))
            after_dot = False
        elif text == "." and chain:
            after_dot = True
        elif piece.kind not in ("space", "comment") and chain:
            yield chain
            chain, after_dot = [], False
    if chain:
        yield chain


def _beginnings(chain: list[tuple[str, int]]) -> Iterator[Reference]:
    for count in range(min(len(chain), _LONGEST_CHAIN), 0, -1):
        if count == 1 and len(chain) > 1:
            return
        parts = chain[:count]
        schema_at = parts[-2][1] if count > 1 else -1
        name = ".".join(part for part, _ in parts)
        yield Reference(name=name, use="word", start=chain[0][1], schema_at=schema_at)


def _unquoted(text: str) -> str:
    closing = text[-1]
    return text[1:-1].replace(closing * 2, closing)


def _found(tree: "exp.Expr", statement: str) -> Iterator[Reference]:
    from sqlglot import exp  # noqa: PLC0415

    own: dict[int, Mapping[str, int]] = {}
    for node in tree.find_all(exp.Table, exp.Column):
        parts = _identifiers(node)
        if isinstance(node, exp.Table):
            if parts and not (len(parts) == 1 and _is_own(node, own)):
                yield _reference(parts, _use(node), statement)
        elif len(parts) > 2:
            yield _reference(parts[:-1], "column", statement)


def _identifiers(node: "exp.Expr") -> "list[exp.Identifier]":
    """The parts of a name; none for a function that stands where a table could."""
    from sqlglot import exp  # noqa: PLC0415

    found = [node.args.get(key) for key in ("catalog", "db", "table", "this")]
    if not isinstance(found[-1], exp.Identifier):
        return []
    return [part for part in found if isinstance(part, exp.Identifier)]


def _reference(parts: "list[exp.Identifier]", use: Use, statement: str) -> Reference:
    made = Reference(
        name=".".join(part.name for part in parts), use=use, start=parts[0].meta.get("start", 0)
    )
    if len(parts) < 2:
        return made
    schema = parts[-2]
    at = schema.meta.get("start", -1)
    at += statement[at : at + 1] in _OPENING
    plain = schema.name.partition('"')[0]  # a quote is written twice
    is_there = at >= 0 and statement.startswith(plain, at)
    return replace(made, schema_at=at) if is_there else made


def _use(table: "exp.Expr") -> Use:
    from sqlglot import exp  # noqa: PLC0415

    node = table.parent if isinstance(table.parent, exp.Schema) else table
    parent = node.parent if node else None
    if node is None or node.arg_key not in ("this", "expressions"):
        return "read"
    if isinstance(parent, exp.Create):
        return "created"
    targets = (exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.Drop, exp.Alter)
    if isinstance(parent, (*targets, exp.TruncateTable)):
        return "written"
    return "read"


def _is_own(table: "exp.Expr", own: dict[int, Mapping[str, int]]) -> bool:
    """Whether the name is one that a `with` around it defines."""
    from sqlglot import exp  # noqa: PLC0415

    name = table.name.casefold()
    inside, node = table, table.parent
    while node is not None:
        with_ = node.args.get("with_")
        if isinstance(with_, exp.With) and with_ is not inside:
            if name in _names(with_, own):
                return True
        elif isinstance(node, exp.With) and isinstance(inside, exp.CTE):
            at = _names(node, own).get(name)
            before = inside.index or 0
            if at is not None and (at < before or (at == before and node.recursive)):
                return True
        inside, node = node, node.parent
    return False


def _names(with_: "exp.With", own: dict[int, Mapping[str, int]]) -> Mapping[str, int]:
    """The names of a `with` and their places in it, kept: there may be very many."""
    if id(with_) not in own:
        found = [cte.alias.casefold() for cte in with_.expressions]
        own[id(with_)] = {name: at for at, name in reversed(list(enumerate(found)))}
    return own[id(with_)]
