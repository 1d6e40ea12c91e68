"""A blocking `relationships` check reads another asset's table. If that asset waits for the check,
the table that the check reads is always the one of the run before.
"""

from collections.abc import Iterator

from assets_parser import dag
from assets_parser.faults import Fault
from assets_parser.model import Pipeline
from assets_parser.rules.places import warn_asset

_RULE = "blocking-relationships-check-references-downstream"
_HINT = "write 'blocking: false' for the check, or move it to the other asset"


def check(pipeline: Pipeline) -> Iterator[Fault]:
    """Warnings about checks that read tables made later."""
    checked = [
        (asset, index, column.foreign_key.table)
        for asset in pipeline.assets
        for index, column in enumerate(asset.columns)
        if column.foreign_key
        and any(one.name == "relationships" and one.blocking for one in column.checks)
    ]
    graph = dag.graph(pipeline.assets) if checked else None
    for asset, index, table in checked:
        if graph and table in dag.descendants(graph, [asset.name]) - {asset.name}:
            column = asset.columns[index]
            message = f"the check of '{column.name}' blocks '{table}', whose table it reads"
            place = f"columns.{index}.checks"
            yield warn_asset(asset, _RULE, message, field=place, line=column.line, hint=_HINT)
