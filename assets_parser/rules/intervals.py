"""The interval modifiers of an asset leave an interval: its start is not after its end."""

import dataclasses
from collections.abc import Iterator

from assets_parser import variables
from assets_parser.environment import AssetContext
from assets_parser.faults import Fault
from assets_parser.interval import default_interval
from assets_parser.model import Pipeline
from assets_parser.rendering import Rendering


def check(pipeline: Pipeline) -> Iterator[Fault]:
    """Faults of the modifiers on the default interval, yesterday. Variables have their defaults."""
    moved = [asset for asset in pipeline.assets if asset.interval_modifiers]
    if not moved:
        return
    interval, values = default_interval(), variables.values(pipeline)
    context = AssetContext(pipeline=pipeline.name, asset="", run_id="validate", interval=interval)
    for asset in moved:
        rendering = Rendering(asset, dataclasses.replace(context, asset=asset.name), values)
        rendering.interval()
        yield from rendering.faults
