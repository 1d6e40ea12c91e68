"""What the shell may offer: run ids from the catalog, names of assets. It never fails."""

import contextlib

import click
from click.shell_completion import CompletionItem


def run_ids(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The newest runs, with their pipelines."""
    found: list[CompletionItem] = []
    with contextlib.suppress(Exception):  # completion must never print an error into the prompt
        from catalog import runs
        from dispatcher import fleets

        engine = fleets.catalog(fleets.load_settings({}))
        for view in runs.recent(engine, 50):
            if view.id.startswith(incomplete):
                found.append(CompletionItem(view.id, help=f"{view.pipeline}, {view.state}"))
    return found


def workers(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The workers that have not left."""
    found: list[CompletionItem] = []
    with contextlib.suppress(Exception):
        from catalog import workers as known
        from dispatcher import fleets

        for view in known.all_workers(fleets.catalog(fleets.load_settings({}))):
            if view.info.name.startswith(incomplete) and not view.left_at:
                found.append(CompletionItem(view.info.name, help=view.info.host))
    return found


def assets(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of the assets in the pipelines that were named so far, and files."""
    found = [CompletionItem(incomplete, type="file")]
    with contextlib.suppress(Exception):
        from assets_parser.pipeline import load
        from dispatcher import target

        aim = target.find([word for word in ctx.params.get(param.name or "") or () if word])
        names = (asset.name for asset in load(aim.pipeline).pipeline.assets)
        found += [CompletionItem(name) for name in names if name.startswith(incomplete)]
    return found


def run_assets(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Names of the assets of the run that was named before."""
    found: list[CompletionItem] = []
    with contextlib.suppress(Exception):
        from catalog import runs
        from dispatcher import fleets

        engine = fleets.catalog(fleets.load_settings({}))
        for view in runs.asset_runs(engine, ctx.params["run"]):
            if view.asset.startswith(incomplete):
                found.append(CompletionItem(view.asset, help=str(view.state)))
    return found
