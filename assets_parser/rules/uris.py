"""Dependencies on other pipelines' assets, by uri: each uri belongs to one asset that is there."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from assets_parser.faults import Fault
from assets_parser.model import Asset, Pipeline
from assets_parser.rules.places import warn_asset
from assets_parser.suggestions import did_you_mean

_RULE = "cross-pipeline-uri-dependencies"


def check(pipelines: Sequence[Pipeline]) -> Iterator[tuple[Pipeline, Fault]]:
    """Warnings about uris that are empty, shared or unknown, with the pipeline of each.

    Only these pipelines are known: one that is checked alone may depend on others.
    """
    owners: dict[str, list[Asset]] = defaultdict(list)
    for pipeline in pipelines:
        for asset in pipeline.assets:
            if asset.uri:
                owners[asset.uri].append(asset)
    for pipeline in pipelines:
        for asset in pipeline.assets:
            if len(owners.get(asset.uri, ())) > 1 and owners[asset.uri][0] is asset:
                yield pipeline, _shared(asset, owners[asset.uri][1:])
            for index, one in enumerate(asset.depends):
                if one.type == "uri" and one.value not in owners:
                    yield pipeline, _unknown(asset, index, owners)


def _shared(asset: Asset, others: Sequence[Asset]) -> Fault:
    names = ", ".join(other.name for other in others)
    message = f"'{asset.uri}' is also the uri of {names}"
    return warn_asset(asset, _RULE, message, field="uri", hint="each asset needs one of its own")


def _unknown(asset: Asset, index: int, owners: dict[str, list[Asset]]) -> Fault:
    uri = asset.depends[index].value
    message = f"no asset has the uri '{uri}'" if uri else "the uri of a dependency is empty"
    place, line = f"depends.{index}", asset.depends[index].line
    return warn_asset(
        asset, _RULE, message, field=place, line=line, hint=did_you_mean(uri, owners) if uri else ""
    )
