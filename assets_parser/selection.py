"""Which assets a run takes: names or files, downstream, tags, in the order in which Bruin filters.

The dispatcher makes a Selection from its flags; plan asks `select`. Each filter is one entry of
`_FILTERS`: it names who stays, and why the others do not. A new flag is a new entry.
"""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from assets_parser import dag
from assets_parser.faults import DefinitionError, Fault
from assets_parser.model import Asset, Pipeline
from assets_parser.spec import Skipped
from assets_parser.suggestions import did_you_mean


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What the person asked for; empty means everything.

    `assets` are exact names or definition files: absolute, or relative to `base` (the folder in
    which the command was given) or to the project root.
    """

    assets: tuple[str, ...] = ()
    base: str = ""
    downstream: bool = False
    tags: tuple[str, ...] = ()
    exclude_tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """The assets that run, in load order, and why each of the others does not."""

    assets: tuple[Asset, ...]
    skipped: tuple[Skipped, ...] = ()


class SelectionError(DefinitionError):
    """What was asked for does not exist or contradicts itself; nothing may run."""


def select(pipeline: Pipeline, selection: Selection | None = None) -> Selected:
    """The assets of the pipeline that this selection runs. Raises SelectionError."""
    wanted = selection or Selection()
    if problems := [*_contradictions(wanted), *_unknown_tags(pipeline, wanted)]:
        raise SelectionError(problems)
    reasons: dict[str, str] = {}
    for keep_of in _FILTERS:
        keep = keep_of(pipeline, wanted)
        for asset in pipeline.assets:
            if reason := keep(asset):
                reasons.setdefault(asset.name, reason)
    return Selected(
        assets=tuple(asset for asset in pipeline.assets if asset.name not in reasons),
        skipped=tuple(
            Skipped(asset=asset.name, reason=reasons[asset.name])
            for asset in pipeline.assets
            if asset.name in reasons
        ),
    )


def find(pipeline: Pipeline, wanted: str, base: str = "") -> Asset:
    """The asset of this exact name or in this file. Raises SelectionError with the nearest name."""
    for asset in pipeline.assets:
        if asset.name == wanted:
            return asset
    paths = _paths(pipeline, wanted, base)
    for asset in pipeline.assets:
        if asset.path in paths or (asset.body_path and asset.body_path in paths):
            return asset
    raise SelectionError([_unknown_asset(pipeline, wanted)])


# A filter looks at the whole selection once and returns a function: the reason why an asset does
# not run, or nothing if it may.
_Keep = Callable[[Asset], str]


def _by_asset(pipeline: Pipeline, selection: Selection) -> _Keep:
    if not selection.assets:
        return lambda _: ""
    names = {asset.name for asset in _named(pipeline, selection)}
    if selection.downstream:
        names |= dag.descendants(dag.graph(pipeline.assets, symbolic=True), names)
    return lambda asset: "" if asset.name in names else "not selected"


def _by_tag(_: Pipeline, selection: Selection) -> _Keep:
    tags = selection.tags
    words = " or ".join(f"'{tag}'" for tag in tags)
    return lambda asset: "" if not tags or set(tags) & set(asset.tags) else f"has no tag {words}"


def _by_excluded_tag(_: Pipeline, selection: Selection) -> _Keep:
    excluded = selection.exclude_tags

    def keep(asset: Asset) -> str:
        tag = next((tag for tag in asset.tags if tag in excluded), "")
        return f"has the excluded tag '{tag}'" if tag else ""

    return keep


def _by_enabled(_pipeline: Pipeline, _selection: Selection) -> _Keep:
    return lambda asset: "is disabled (enabled: false)" if asset.enabled is False else ""


_FILTERS: tuple[Callable[[Pipeline, Selection], _Keep], ...] = (
    _by_asset,
    _by_tag,
    _by_excluded_tag,
    _by_enabled,
)


def _named(pipeline: Pipeline, selection: Selection) -> list[Asset]:
    found: list[Asset] = []
    faults: list[Fault] = []
    for wanted in selection.assets:
        try:
            found.append(find(pipeline, wanted, selection.base))
        except SelectionError as error:
            faults.extend(error.faults)
    if faults:
        raise SelectionError(faults)
    return found


def _paths(pipeline: Pipeline, wanted: str, base: str) -> set[str]:
    """What `wanted` can mean as a file, each relative to the project root with forward slashes."""
    root = Path(os.path.realpath(pipeline.root))
    places = [Path(os.path.realpath(Path(start, wanted))) for start in (base or root, root)]
    return {place.relative_to(root).as_posix() for place in places if place.is_relative_to(root)}


def _contradictions(selection: Selection) -> Iterable[Fault]:
    if selection.downstream and not selection.assets:
        yield _fault("--downstream needs an asset", "name the asset to start from, or its file")
    if selection.tags and selection.assets:
        yield _fault("--tag cannot be used together with named assets", "leave one of them out")
    if selection.exclude_tags and selection.assets and not selection.downstream:
        yield _fault("--exclude-tag with named assets needs --downstream", "add --downstream")


def _unknown_tags(pipeline: Pipeline, selection: Selection) -> Iterable[Fault]:
    known = [tag for asset in pipeline.assets for tag in asset.tags]
    for tag in (*selection.tags, *selection.exclude_tags):
        if tag not in known:
            hint = did_you_mean(tag, known) or _listed("tags", known)
            yield _fault(f"no asset has the tag '{tag}'", hint)


def _unknown_asset(pipeline: Pipeline, wanted: str) -> Fault:
    looks_like_file = "/" in wanted or os.sep in wanted
    known = [asset.path if looks_like_file else asset.name for asset in pipeline.assets]
    kind = "no asset is defined in" if looks_like_file else "no asset"
    return _fault(f"{kind} '{wanted}'", did_you_mean(wanted, known) or _listed("assets", known))


def _listed(what: str, known: Iterable[str]) -> str:
    names = sorted(set(known))
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"{what}: {', '.join(names[:5])}{more}" if names else f"the pipeline has no {what}"


def _fault(message: str, hint: str) -> Fault:
    return Fault(rule="selection", message=message, hint=hint)
