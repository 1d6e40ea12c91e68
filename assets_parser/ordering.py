"""Order without blame: an asset whose SQL or checks read another asset's table comes after it.

Bruin happens to run all ready assets before any check, and real projects rely on it. The plan adds
these edges to its levels only; they never carry a failure and are dropped where they make a cycle.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from assets_parser import dag
from assets_parser.spec import AssetSpec
from assets_parser.sql_tables import dialect_of, tables_read

_WORD = re.compile(r"\w+")


def with_tables_read(
    of: dag.Graph,
    specs: Iterable[AssetSpec],
    *,
    symbolic: Mapping[str, Collection[str]] | None = None,
    dialect: str = "",
) -> dag.Graph:
    """The graph with an edge from each asset to those whose tables its SQL and its checks read.

    `symbolic` are the dependencies that an asset's own SQL never waits for; `dialect` is that of
    the checks of assets which are not SQL.
    """
    readers = _Readers(of.names)
    upstreams = dict(of.upstreams)
    for spec in specs:
        language = dialect_of(spec.type) or dialect
        ignored = (symbolic or {}).get(spec.name, ())
        of_body = (one for one in readers.read(_body(spec), language) if one not in ignored)
        of_checks = (*readers.read(_queries(spec), language), *readers.named(_parents(spec)))
        for other in dict.fromkeys((*of_body, *of_checks)):
            if _is_new_and_safe(upstreams, spec.name, other):
                upstreams[spec.name] = (*upstreams[spec.name], other)
    return of if upstreams == of.upstreams else dag.from_edges(upstreams)


class _Readers:
    """Which of the known assets a text reads; the text is parsed only if it may read one."""

    def __init__(self, names: Iterable[str]) -> None:
        self.known = {name.casefold(): name for name in names}
        self.words = {name: frozenset(_WORD.findall(name)) for name in self.known}

    def read(self, texts: Iterable[str], dialect: str) -> Iterator[str]:
        for text in texts:
            words = set(_WORD.findall(text.casefold()))
            may = {name for name, parts in self.words.items() if parts <= words}
            if may:
                found = {table.casefold() for table in tables_read(text, dialect)}
                yield from (name for key, name in self.known.items() if key in may & found)

    def named(self, tables: Iterable[str]) -> Iterator[str]:
        found = (self.known.get(table.casefold()) for table in tables)
        return (name for name in found if name)


def _body(spec: AssetSpec) -> Iterator[str]:
    if "query" in spec.steps:
        yield from (*spec.hooks.pre, spec.query, *spec.hooks.post)


def _queries(spec: AssetSpec) -> Iterator[str]:
    if "checks" in spec.steps:
        yield from (check.query for check in spec.custom_checks)


def _parents(spec: AssetSpec) -> Iterator[str]:
    """The tables that the column checks look into."""
    for column in spec.columns if "checks" in spec.steps else ():
        if column.foreign_key and any(check.name == "relationships" for check in column.checks):
            yield column.foreign_key.table


def _is_new_and_safe(upstreams: dag.Edges, name: str, other: str) -> bool:
    if other == name or other in upstreams[name]:
        return False
    return name not in dag.reach(upstreams, [other])
