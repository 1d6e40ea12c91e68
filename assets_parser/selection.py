"""Which assets a run takes, in the order in which Bruin filters.

The dispatcher makes a Selection from its flags; plan asks `select`. Each filter is one entry of
`_FILTERS`: it names who stays, and why the others do not. A new flag is a new entry. Finding assets
by what people call them is in naming.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from assets_parser import dag, naming, selectors, single_check
from assets_parser.faults import Fault
from assets_parser.model import Asset, Pipeline
from assets_parser.naming import SelectionError, find, refusal
from assets_parser.single_check import SingleCheck
from assets_parser.spec import Skipped
from assets_parser.suggestions import did_you_mean

__all__ = ["Selected", "Selection", "SelectionError", "find", "select"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What the person asked for; empty means everything.

    `assets` are exact names or definition files: absolute, or relative to `base` (the folder in
    which the command was given) or to the project root. `modified` holds the files that changed,
    relative to the root; None if it does not matter.
    """

    assets: tuple[str, ...] = ()
    base: str = ""
    downstream: bool = False
    tags: tuple[str, ...] = ()
    exclude_tags: tuple[str, ...] = ()
    selector: str = ""
    modified: frozenset[str] | None = None
    single_check: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selected:
    """The assets that run, in load order, and why each of the others does not.

    `check` is the only check to run, if the person asked for one; `notices` are for the person.
    """

    assets: tuple[Asset, ...]
    skipped: tuple[Skipped, ...] = ()
    check: SingleCheck | None = None
    notices: tuple[str, ...] = ()


def select(pipeline: Pipeline, selection: Selection | None = None) -> Selected:
    """The assets of the pipeline that this selection runs. Raises SelectionError."""
    wanted = selection or Selection()
    if problems := [*_contradictions(wanted), *_unknown_tags(pipeline, wanted)]:
        raise SelectionError(problems)
    reasons: dict[str, str] = {}
    for keep_of in _OF_CHECK if wanted.single_check else _FILTERS:
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
        check=_check(pipeline, wanted),
        notices=_notices(pipeline, wanted),
    )


# A filter looks at the whole selection once and returns a function: the reason why an asset does
# not run, or nothing if it may.
_Keep = Callable[[Asset], str]


def _by_change(pipeline: Pipeline, selection: Selection) -> _Keep:
    changed = selection.modified
    if changed is None:
        return lambda _: ""
    names = {asset.name for asset in pipeline.assets if naming.files(asset) & changed}
    names = _with_downstream(pipeline, selection, names)
    return lambda asset: "" if asset.name in names else "not modified"


def _by_asset(pipeline: Pipeline, selection: Selection) -> _Keep:
    if not selection.assets:
        return lambda _: ""
    found = naming.find_all(pipeline, selection.assets, selection.base)
    names = _with_downstream(pipeline, selection, {asset.name for asset in found})
    return lambda asset: "" if asset.name in names else "not selected"


def _by_selector(pipeline: Pipeline, selection: Selection) -> _Keep:
    if not selection.selector:
        return lambda _: ""
    names = _matched(pipeline, selection).names
    if not names:
        known = [asset.name for asset in pipeline.assets]
        message = f"the selector '{selection.selector}' matches no asset"
        raise SelectionError([refusal(message, naming.listed("assets", known))])
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


def _by_check(pipeline: Pipeline, selection: Selection) -> _Keep:
    check = _check(pipeline, selection)
    return lambda asset: "" if check is None or asset.name == check.asset else "not selected"


def _by_enabled(_pipeline: Pipeline, _selection: Selection) -> _Keep:
    return lambda asset: "is disabled (enabled: false)" if asset.enabled is False else ""


_FILTERS: tuple[Callable[[Pipeline, Selection], _Keep], ...] = (
    _by_change,
    _by_asset,
    _by_selector,
    _by_tag,
    _by_excluded_tag,
    _by_enabled,
)
_OF_CHECK = (_by_asset, _by_check, _by_enabled)  # tags do not keep it from being asked


def _with_downstream(pipeline: Pipeline, selection: Selection, names: set[str]) -> set[str]:
    if not selection.downstream:
        return names
    return names | dag.descendants(dag.graph(pipeline.assets, symbolic=True), names)


def _check(pipeline: Pipeline, selection: Selection) -> SingleCheck | None:
    if not selection.single_check:
        return None
    return single_check.find(pipeline, selection.single_check, selection.assets, selection.base)


def _matched(pipeline: Pipeline, selection: Selection) -> selectors.Matched:
    try:
        return selectors.match(pipeline, selection.selector)
    except selectors.SelectorError as error:
        raise SelectionError([refusal(f"--selector: {error}", error.hint)]) from None


def _notices(pipeline: Pipeline, selection: Selection) -> tuple[str, ...]:
    """Bruin is silent about words of a selector that nothing fits; they are often misspelt."""
    if not selection.selector:
        return ()
    missed = _matched(pipeline, selection).missed
    return tuple(f"nothing fits '{word}' of the selector" for word in missed)


def _contradictions(selection: Selection) -> Iterable[Fault]:
    if selection.selector:
        yield from _beside_selector(selection)
        return
    named = bool(selection.assets)
    if selection.downstream and not named and selection.modified is None:
        yield refusal("--downstream needs an asset", "name the asset to start from, or its file")
    if selection.tags and named:
        yield refusal("--tag cannot be used together with named assets", "leave one of them out")
    if selection.single_check and len(selection.assets) > 1:
        yield refusal("--single-check asks one check", "name its asset alone, or the pipeline")
    if selection.exclude_tags and named and not selection.downstream:
        yield refusal("--exclude-tag with named assets needs --downstream", "add --downstream")


def _beside_selector(selection: Selection) -> Iterable[Fault]:
    others = {
        "--tag": (selection.tags, "write tag:NAME in the selector"),
        "--downstream": (selection.downstream, "write NAME+ in the selector"),
        "named assets": (selection.assets, "write their names in the selector"),
        "--modified": (selection.modified is not None, "leave one of them out"),
        "--single-check": (selection.single_check, "leave one of them out"),
    }
    for name, (given, hint) in others.items():
        if given:
            yield refusal(f"--selector cannot be used together with {name}", hint)


def _unknown_tags(pipeline: Pipeline, selection: Selection) -> Iterable[Fault]:
    known = [tag for asset in pipeline.assets for tag in asset.tags]
    for tag in (*selection.tags, *selection.exclude_tags):
        if tag not in known:
            hint = did_you_mean(tag, known) or naming.listed("tags", known)
            yield refusal(f"no asset has the tag '{tag}'", hint)
