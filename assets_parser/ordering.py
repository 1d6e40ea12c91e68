"""Order without blame: an asset whose SQL or checks read another asset's table comes after it.

Bruin happens to run all ready assets before any check, and real projects rely on it. The plan adds
these edges to its levels only; they never carry a failure and are dropped where they make a cycle.
Assets whose checks read each other stand beside each other: their checks wait, not they.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from assets_parser import dag
from assets_parser.known_tables import KnownTables
from assets_parser.spec import AssetSpec
from assets_parser.sql_tables import dialect_of


@dataclass(frozen=True, slots=True)
class Order:
    """The graph to take levels from; `beside` maps an asset to those whose tables its checks read
    without coming after them."""

    graph: dag.Graph
    beside: Mapping[str, tuple[str, ...]]


def with_tables_read(
    of: dag.Graph,
    specs: Iterable[AssetSpec],
    *,
    symbolic: Mapping[str, Collection[str]] | None = None,
    dialect: str = "",
) -> Order:
    """The graph with an edge from each asset to those whose tables its SQL and its checks read.

    `symbolic` are the dependencies that an asset's own SQL never waits for; `dialect` is that of
    the checks of assets which are not SQL.
    """
    known = KnownTables(of.names)
    upstreams, checked = dict(of.upstreams), dict[str, list[str]]()
    for spec in specs:
        language = dialect_of(spec.type) or dialect
        done = (spec.name, *upstreams[spec.name])
        lineage_only = (symbolic or {}).get(spec.name, ())
        for other in _read(known, _body(spec), language, (*done, *lineage_only)):
            if _is_new_and_safe(upstreams, spec.name, other):
                upstreams[spec.name] = (*upstreams[spec.name], other)
        asked = [*_read(known, _queries(spec), language, done), *known.named(_parents(spec))]
        checked[spec.name] = list(dict.fromkeys(asked))
    return _with_checks(of, upstreams, checked)


def _with_checks(of: dag.Graph, upstreams: dag.Edges, checked: Mapping[str, list[str]]) -> Order:
    """The order once the checks' tables are known too: after them, or beside them in a circle."""
    wanted = {
        name: [other for other in others if _is_new_and_safe(upstreams, name, other)]
        for name, others in checked.items()
    }
    both = {name: (*others, *wanted.get(name, ())) for name, others in upstreams.items()}
    ordered, beside = dict(upstreams), dict[str, tuple[str, ...]]()
    for name, others in wanted.items():
        circular = [other for other in others if name in dag.reach(both, [other])]
        beside |= {name: tuple(circular)} if circular else {}
        ordered[name] = (*ordered[name], *(one for one in others if one not in circular))
    return Order(of if ordered == of.upstreams else dag.from_edges(ordered), beside)


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
