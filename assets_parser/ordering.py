"""Order without blame: an asset whose SQL or checks read another asset's table comes after it.

Bruin happens to run all ready assets before any check, and real projects rely on it. The plan adds
these edges to its levels only; they never carry a failure and are dropped where they make a cycle.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping

from assets_parser import dag
from assets_parser.known_tables import KnownTables
from assets_parser.spec import AssetSpec
from assets_parser.sql_tables import dialect_of


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
    known = KnownTables(of.names)
    upstreams = dict(of.upstreams)
    for spec in specs:
        language = dialect_of(spec.type) or dialect
        done = (spec.name, *upstreams[spec.name])
        lineage_only = (symbolic or {}).get(spec.name, ())
        found = [
            *_read(known, _body(spec), language, (*done, *lineage_only)),
            *_read(known, _queries(spec), language, done),
            *known.named(_parents(spec)),
        ]
        for other in dict.fromkeys(found):
            if _is_new_and_safe(upstreams, spec.name, other):
                upstreams[spec.name] = (*upstreams[spec.name], other)
    return of if upstreams == of.upstreams else dag.from_edges(upstreams)


def _read(
    known: KnownTables, texts: Iterable[str], dialect: str, ignored: Collection[str]
) -> list[str]:
    return [name for text in texts for name, _ in known.read(text, dialect, ignored)]


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
