"""Rules about `depends`: each names an asset of the pipeline, and nobody waits for himself."""

from collections.abc import Iterable, Iterator

from assets_parser import dag
from assets_parser.faults import Fault
from assets_parser.model import Asset, Dependency, Pipeline
from assets_parser.rules.places import at_asset
from assets_parser.suggestions import did_you_mean


def check(pipeline: Pipeline) -> Iterator[Fault]:
    """Faults of unknown dependencies and of cycles."""
    names = {asset.name for asset in pipeline.assets}
    for asset in pipeline.assets:
        for index, dependency in enumerate(asset.depends):
            if not dependency.value.strip() or (
                dependency.type == "asset" and dependency.value not in names
            ):
                yield _unknown(asset, index, dependency, names)
    yield from circular(pipeline)


def circular(pipeline: Pipeline) -> Iterator[Fault]:
    """One fault per cycle, asset by asset; symbolic dependencies count, as in Bruin."""
    assets = {asset.name: asset for asset in reversed(pipeline.assets)}
    for cycle in dag.cycles(dag.graph(pipeline.assets, symbolic=True)):
        first, needed = assets[cycle[0]], cycle[1]
        index = next(i for i, one in enumerate(first.depends) if one.value == needed)
        yield at_asset(
            first,
            "acyclic-pipeline",
            f"'{first.name}' depends on itself"
            if needed == first.name
            else f"'{needed}' closes a cycle: {' -> '.join(cycle)}",
            field=f"depends.{index}",
            line=first.depends[index].line,
            hint="take one of these dependencies out",
        )


def _unknown(asset: Asset, index: int, dependency: Dependency, names: Iterable[str]) -> Fault:
    value = dependency.value
    message = (
        f"'{value}' is not an asset of this pipeline" if value.strip() else "a dependency is empty"
    )
    return at_asset(
        asset,
        "dependency-exists",
        message,
        field=f"depends.{index}",
        line=dependency.line,
        hint=did_you_mean(value, names) or "to name something outside of it, write: uri: ...",
    )
