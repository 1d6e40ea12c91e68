"""Order without blame: an asset whose checks read another asset's table comes after it.

Bruin happens to run all ready assets before any check, and real projects rely on it. The plan adds
these edges to its levels only; they never carry a failure and are dropped where they make a cycle.
"""

import re
from collections.abc import Iterable, Iterator

from assets_parser import dag
from assets_parser.spec import AssetSpec

_NAME = re.compile(r"[\w$-]+(?:\.[\w$-]+)*")
_QUOTES = str.maketrans("", "", '"`[]')


def with_checked_tables(of: dag.Graph, specs: Iterable[AssetSpec]) -> dag.Graph:
    """The graph with an edge from each asset to those whose tables its checks read."""
    known = {name.casefold(): name for name in of.names}
    upstreams = dict(of.upstreams)
    for spec in specs:
        for table in dict.fromkeys(_tables(spec)):
            other = known.get(table.casefold())
            if other and _is_new_and_safe(upstreams, spec.name, other):
                upstreams[spec.name] = (*upstreams[spec.name], other)
    return of if upstreams == of.upstreams else dag.from_edges(upstreams)


def _tables(spec: AssetSpec) -> Iterator[str]:
    """Every word of the check queries that could be a table; only known names count later."""
    if "checks" not in spec.steps:
        return
    for check in spec.custom_checks:
        yield from _NAME.findall(check.query.translate(_QUOTES))
    for column in spec.columns:
        if column.foreign_key and any(check.name == "relationships" for check in column.checks):
            yield column.foreign_key.table


def _is_new_and_safe(upstreams: dag.Edges, name: str, other: str) -> bool:
    if other == name or other in upstreams[name]:
        return False
    return name not in dag.reach(upstreams, [other])
