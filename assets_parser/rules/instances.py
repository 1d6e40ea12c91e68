"""The rule about `instance`: it names the queue whose workers take an asset."""

from collections.abc import Iterator

from assets_parser import queue_names
from assets_parser.faults import Fault
from assets_parser.model import Pipeline
from assets_parser.rules.places import at_asset

_RULE = "asset-instance"


def check(pipeline: Pipeline) -> Iterator[Fault]:
    """Faults of instances that no queue can be named after."""
    for asset in pipeline.assets:
        if asset.instance and (why := queue_names.fault(asset.instance)):
            message = f"instance '{asset.instance}' names no queue: {why}"
            yield at_asset(asset, _RULE, message, field="instance", hint="such as b1.large")
