"""Which columns of which tables each output column of a query comes from. For lineage.

Only values count: a column that filters or joins is no source. The number of columns is bounded.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from assets_parser.sql_syntax import parsed
from assets_parser.sql_tables import statements

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.optimizer.scope import Scope

Known: TypeAlias = Callable[[str], "Sequence[str] | None"]
_MOST_COLUMNS = 20_000  # of all steps of one query together


@dataclass(frozen=True, slots=True)
class Origin:
    """A column of a table; the table is dotted, in small letters, `*` means all its columns."""

    table: str
    column: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One output column; `is_copy` if it is nothing but another column."""

    name: str
    origins: tuple[Origin, ...] = ()
    is_copy: bool = False


class _TooMany(Exception):
    """More columns than a query needs."""


def outputs(sql: str, dialect: str, table: str, known: Known) -> tuple[Output, ...]:
    """The output columns of the query in a script that makes `table`; none if there is no such.

    `known` gives the columns of a table by its dotted name in small letters, None if unknown.
    """
    query = _query(sql, dialect, table)
    if query is None:
        return ()
    from sqlglot.errors import SqlglotError  # noqa: PLC0415 - see sql_syntax
    from sqlglot.optimizer.scope import build_scope  # noqa: PLC0415

    try:
        scope, tracer = build_scope(query), _Tracer(known)
        found: list[Output] = []
        for one in scope.traverse() if scope else ():  # from the innermost on: no deep recursion
            found = tracer.outputs(one)
        return tuple(found)
    except (SqlglotError, RecursionError, _TooMany):
        return ()


def _query(sql: str, dialect: str, table: str) -> "exp.Query | None":
    """The last statement that gives rows, or that makes the table of a query."""
    from sqlglot import exp  # noqa: PLC0415

    found: exp.Query | None = None
    for statement in statements(sql, dialect):
        tree = parsed(statement, dialect)
        if isinstance(tree, exp.Create) and isinstance(tree.expression, exp.Query):
            made = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
            if isinstance(made, exp.Table) and _dotted(made) == table.casefold():
                found = tree.expression
        elif isinstance(tree, exp.Query):
            found = tree
    return found


def _dotted(table: "exp.Table") -> str:
    return ".".join(part.name for part in table.parts).casefold()


@dataclass
class _Tracer:
    """Follows columns through the scopes of one query, each scope once."""

    known: Known
    done: dict[int, list[Output]] = field(default_factory=dict)
    tables: dict[int, list[Output] | None] = field(default_factory=dict)
    left: int = _MOST_COLUMNS

    def outputs(self, scope: "Scope") -> list[Output]:
        key = id(scope.expression)
        if key not in self.done:
            self.done[key] = []  # for a query that reads itself
            self.done[key] = self._renamed(scope, list(self._made(scope)))
        return self.done[key]

    def _made(self, scope: "Scope") -> Iterator[Output]:
        from sqlglot import exp  # noqa: PLC0415

        if scope.set_operation_scopes:
            left, *others = [self.outputs(one) for one in scope.set_operation_scopes]
            for at, one in enumerate(left):
                also = [other[at].origins for other in others if at < len(other)]
                yield replace(one, origins=_joined([one.origins, *also]), is_copy=not any(also))
        elif isinstance(scope.expression, exp.Select):
            for projection in scope.expression.expressions:
                yield from self._projected(scope, projection)

    def _projected(self, scope: "Scope", projection: "exp.Expr") -> Iterator[Output]:
        from sqlglot import exp  # noqa: PLC0415

        star = projection.this if isinstance(projection, exp.Column) else projection
        if isinstance(star, exp.Star):
            only = projection.table if isinstance(projection, exp.Column) else ""
            yield from self._spent(_edited(self._star(scope, only), star, self, scope))
            return
        name = projection.alias_or_name or projection.sql()
        column, origins = projection.unalias(), self._origins(scope, projection)
        is_copy = isinstance(column, exp.Column) and all(
            one.is_copy for one in self._matching(_named(scope, column), column.name)
        )
        yield from self._spent([Output(name=name, origins=origins, is_copy=is_copy)])

    def _spent(self, found: Iterable[Output]) -> Iterator[Output]:
        for one in found:
            self.left -= 1 + len(one.origins)
            if self.left < 0:
                raise _TooMany
            yield one

    def _star(self, scope: "Scope", only: str) -> Iterator[Output]:
        using = _using(scope)
        merged: set[str] = set()
        for name, source in _sources(scope):
            if only and name.casefold() != only.casefold():
                continue
            for one in self._columns(source) or [_everything(source)]:
                key = one.name.casefold()
                if key not in merged or only:
                    yield one
                merged.update({key} & using)

    def _columns(self, source: "Scope | exp.Table") -> list[Output] | None:
        """The columns of what stands in FROM; None if nobody knows."""
        from sqlglot import exp  # noqa: PLC0415

        if not isinstance(source, exp.Table):
            found = self.outputs(source)
            return None if any(one.name == "*" for one in found) else found
        key = id(source)
        if key not in self.tables:
            self.tables[key] = self._of_table(source)
        return self.tables[key]

    def _of_table(self, source: "exp.Table") -> list[Output] | None:
        from sqlglot import exp  # noqa: PLC0415

        table = _dotted(source)
        is_plain = isinstance(source.this, exp.Identifier) and not source.args.get("pivots")
        if not is_plain or (names := self.known(table)) is None:
            return None
        made = [Output(name=n, origins=(Origin(table, n),), is_copy=True) for n in names]
        return self._aliased(source, made)

    def _origins(self, scope: "Scope", expression: "exp.Expr") -> tuple[Origin, ...]:
        """The origins of all columns in an expression; a subquery stands for its outputs."""
        from sqlglot import exp  # noqa: PLC0415

        inner = {id(one.expression): one for one in scope.subquery_scopes}
        found: list[Sequence[Origin]] = []
        for node in expression.walk(prune=lambda one: id(one) in inner):
            if id(node) in inner:
                found += [one.origins for one in self.outputs(inner[id(node)])]
            elif isinstance(node, exp.Column):
                found.append(self._resolved(scope, node, expression))
        return _joined(found)

    def _resolved(
        self, scope: "Scope", column: "exp.Column", within: "exp.Expr"
    ) -> Sequence[Origin]:
        place: Scope | None = scope
        while place is not None:
            found = self._here(place, column)
            if found is None:
                found = self._by_alias(place, column, within)
            if found is not None:
                return found
            place = place.parent
        return ()

    def _here(self, scope: "Scope", column: "exp.Column") -> Sequence[Origin] | None:
        """What the column is among the sources of this scope; None if it is none of them."""
        sources = _named(scope, column)
        if exact := self._matching(sources, column.name):
            return _joined(one.origins for one in exact)
        open_ended = [source for source in sources if self._columns(source) is None]
        if len(open_ended) == 1:
            return _of_unknown(open_ended[0], column.name.casefold(), self)
        return () if column.table and sources else None

    def _matching(self, sources: "Iterable[Scope | exp.Table]", name: str) -> list[Output]:
        """The columns of that name, where columns are known."""
        columns = [one for source in sources for one in self._columns(source) or ()]
        word = name.casefold()
        return [one for one in columns if one.name.casefold() == word]

    def _by_alias(
        self, scope: "Scope", column: "exp.Column", within: "exp.Expr"
    ) -> Sequence[Origin] | None:
        """An earlier output of the same SELECT that the column names."""
        from sqlglot import exp  # noqa: PLC0415

        if column.table or not isinstance(scope.expression, exp.Select):
            return None
        for projection in scope.expression.expressions:
            if projection is within:
                return None
            if projection.alias.casefold() == column.name.casefold() and projection.alias:
                return self._earlier(scope, projection)
        return None

    def _earlier(self, scope: "Scope", projection: "exp.Expr") -> Sequence[Origin]:
        key = id(projection)
        if key not in self.done:
            made = Output(name="", origins=self._origins(scope, projection))
            self.done[key] = list(self._spent([made]))
        return self.done[key][0].origins

    def _renamed(self, scope: "Scope", found: list[Output]) -> list[Output]:
        """With the names that `with a(x, y)` or `(...) as t(x, y)` gives."""
        return self._aliased(scope.expression.parent, found)

    def _aliased(self, node: "exp.Expr | None", found: list[Output]) -> list[Output]:
        from sqlglot import exp  # noqa: PLC0415

        alias = node.args.get("alias") if node else None
        names = alias.columns if isinstance(alias, exp.TableAlias) else []
        new = [replace(one, name=name.name) for one, name in zip(found, names, strict=False)]
        return [*new, *found[len(new) :]]


def _sources(scope: "Scope") -> "list[tuple[str, Scope | exp.Table]]":
    hidden = scope.semi_or_anti_join_tables
    found = scope.selected_sources.items()
    return [(name, source) for name, (_, source) in found if name not in hidden]


def _named(scope: "Scope", column: "exp.Column") -> "list[Scope | exp.Table]":
    """The sources that a column can belong to."""
    wanted = column.table.casefold()
    return [source for name, source in _sources(scope) if not wanted or name.casefold() == wanted]


def _everything(source: "Scope | exp.Table") -> Output:
    from sqlglot import exp  # noqa: PLC0415

    if isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier):
        return Output(name="*", origins=(Origin(_dotted(source), "*"),), is_copy=True)
    return Output(name="*")


def _of_unknown(source: "Scope | exp.Table", word: str, tracer: _Tracer) -> Sequence[Origin]:
    """The column of a table whose columns nobody knows, also through `select *`."""
    from sqlglot import exp  # noqa: PLC0415

    if isinstance(source, exp.Table):
        is_table = isinstance(source.this, exp.Identifier)
        return (Origin(_dotted(source), word),) if is_table else ()
    found = tracer.outputs(source)
    if exact := [one.origins for one in found if one.name.casefold() == word]:
        return _joined(exact)
    stars = [one.origins for one in found if one.name == "*"]
    return tuple(Origin(one.table, word) for one in _joined(stars)) if len(stars) == 1 else ()


def _using(scope: "Scope") -> set[str]:
    joins = scope.expression.args.get("joins") or ()
    return {one.name.casefold() for join in joins for one in join.args.get("using") or ()}


def _edited(
    found: Iterable[Output], star: "exp.Star", tracer: _Tracer, scope: "Scope"
) -> Iterator[Output]:
    """The columns of a star after its EXCLUDE, REPLACE and RENAME."""
    left_out = {one.name.casefold() for one in star.args.get("except_") or ()}
    new = {one.alias.casefold(): one for one in star.args.get("replace") or ()}
    names = {one.this.name.casefold(): one.alias for one in star.args.get("rename") or ()}
    for one in found:
        key = one.name.casefold()
        if key in new:
            origins = tracer._origins(scope, new[key])
            yield replace(one, origins=origins, is_copy=False)
        elif key not in left_out:
            yield replace(one, name=names.get(key, one.name))


def _joined(found: Iterable[Sequence[Origin]]) -> tuple[Origin, ...]:
    return tuple(dict.fromkeys(origin for origins in found for origin in origins))
