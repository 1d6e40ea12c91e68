"""The rule that a project keeps to its policy.yml.

A fault's rule is `policy:<ruleset>:<rule>`, as in Bruin.
"""

from collections.abc import Iterator
from pathlib import Path

from assets_parser.faults import Fault
from assets_parser.model import Pipeline

FILES = ("policy.yaml", "policy.yml")  # the first one counts


def check(pipeline: Pipeline) -> Iterator[Fault]:
    """Faults of the policy and of what does not keep to it; nothing where there is none."""
    if any((Path(pipeline.root) / name).is_file() for name in FILES):
        from assets_parser.policies import application  # noqa: PLC0415 - few projects have one

        yield from application.faults(pipeline)
