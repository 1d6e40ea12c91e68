"""Rules about names: assets have one, it is unique, and its characters are safe everywhere."""

import re
from collections.abc import Iterator

from assets_parser.faults import Fault
from assets_parser.model import Pipeline
from assets_parser.rules.places import at_asset, at_pipeline

_SAFE = re.compile(r"[\w.-]+", re.ASCII)
_ALLOWED = "use letters, digits, '_', '-' and '.' only"


def check(pipeline: Pipeline) -> Iterator[Fault]:
    """Faults of the names of the pipeline and of its assets."""
    yield from _pipeline_name(pipeline)
    first: dict[str, str] = {}
    for asset in pipeline.assets:
        if not asset.name:
            hint = "give it a name, or a file name that can be one"
            yield at_asset(asset, "task-name-valid", "the asset has no name", hint=hint)
        elif not _SAFE.fullmatch(asset.name):
            message = f"'{asset.name}' is not a valid name"
            yield at_asset(asset, "task-name-valid", message, field="name", hint=_ALLOWED)
        if asset.name and first.setdefault(asset.name, asset.path) != asset.path:
            message = f"'{asset.name}' is the name of two assets"
            hint = f"the other one is {first[asset.name]}"
            yield at_asset(asset, "task-name-unique", message, field="name", hint=hint)


def _pipeline_name(pipeline: Pipeline) -> Iterator[Fault]:
    if not pipeline.name:
        hint = "add a line such as: name: shop"
        yield at_pipeline(pipeline, "valid-pipeline-name", "the pipeline has no name", hint=hint)
    elif not _SAFE.fullmatch(pipeline.name):
        message = f"'{pipeline.name}' is not a valid name for a pipeline"
        yield at_pipeline(pipeline, "valid-pipeline-name", message, field="name", hint=_ALLOWED)
