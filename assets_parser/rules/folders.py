"""A pipeline without a folder for assets has none. Files that only look like assets are warned
about where they are read, in definition and pipeline.
"""

from collections.abc import Iterator
from pathlib import Path

from assets_parser.discovery import ASSET_FOLDERS, PIPELINE_FILES
from assets_parser.faults import Fault, Severity
from assets_parser.model import Pipeline
from assets_parser.rules.places import at_pipeline


def check(pipeline: Pipeline) -> Iterator[Fault]:
    """A warning if the pipeline has no asset folder; a lone script needs none."""
    file = Path(pipeline.root) / pipeline.path
    if file.name in PIPELINE_FILES and not any((file.parent / n).is_dir() for n in ASSET_FOLDERS):
        yield at_pipeline(
            pipeline,
            "assets-directory-exist",
            "the pipeline has no folder 'assets'",
            hint="put the assets into a folder of that name beside the pipeline file",
            severity=Severity.WARNING,
        )
