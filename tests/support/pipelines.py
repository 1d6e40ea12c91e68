"""Pipelines made of model values, for tests that need no files."""

from typing import Any

from assets_parser.model import Asset, Dependency, Pipeline
from assets_parser.spec import RunOptions


def asset(name: str, *depends: str, **fields: Any) -> Asset:
    """A Python asset that depends on these names; a leading ~ makes the dependency symbolic."""
    edges = tuple(
        Dependency(value=one.lstrip("~"), mode="symbolic" if one.startswith("~") else "full")
        for one in depends
    )
    path = f"assets/{name.replace('.', '/')}.py"
    return Asset(
        **({"type": "python", "path": path, "body_path": path} | fields), name=name, depends=edges
    )


def pipeline(*assets: Asset, root: str = "/nowhere", **fields: Any) -> Pipeline:
    """A pipeline of these assets."""
    return Pipeline(**({"name": "shop", "path": "pipeline.yml"} | fields), root=root, assets=assets)


def options(**fields: Any) -> RunOptions:
    """Options of a run over the first of March 2024."""
    usual = {
        "start": "2024-03-01T00:00:00+00:00",
        "end": "2024-03-01T23:00:00+00:00",
        "execution": "2024-03-02T01:02:03+00:00",
        "bruin_run_id": "2024_03_02_01_02_03",
    }
    return RunOptions(**(usual | fields))
