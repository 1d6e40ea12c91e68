"""Assets as people name them: by name, or by a file that is theirs. For selection and others.

A name that does not exist is answered with the nearest one.
"""

import os
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from assets_parser.faults import DefinitionError, Fault
from assets_parser.model import Asset, Pipeline
from assets_parser.suggestions import did_you_mean


class SelectionError(DefinitionError):
    """What was asked for does not exist or contradicts itself; nothing may run."""


def find(pipeline: Pipeline, wanted: str, base: str = "") -> Asset:
    """The asset of this name, in any case if only one fits, or the one this file belongs to.

    `base` is the folder from which a relative path starts, beside the project root. Raises
    SelectionError with the nearest name.
    """
    for asset in pipeline.assets:
        if asset.name == wanted:
            return asset
    paths = _paths(pipeline, wanted, base)
    for asset in pipeline.assets:
        if paths & files(asset):
            return asset
    nearly = [one for one in pipeline.assets if one.name.casefold() == wanted.casefold()]
    if len(nearly) == 1:
        return nearly[0]
    raise SelectionError([_unknown(pipeline, wanted)])


def find_all(pipeline: Pipeline, wanted: Iterable[str], base: str = "") -> list[Asset]:
    """What `find` finds for each. Raises SelectionError about all that do not exist."""
    found: list[Asset] = []
    faults: list[Fault] = []
    for one in wanted:
        try:
            found.append(find(pipeline, one, base))
        except SelectionError as error:
            faults.extend(error.faults)
    if faults:
        raise SelectionError(faults)
    return found


def files(asset: Asset) -> set[str]:
    """The asset's files relative to the project root: definition, code, and a seed's data."""
    found = {asset.path, asset.body_path or asset.path}
    data = asset.parameters.get("path")
    if asset.type.endswith(".seed") and isinstance(data, str) and "://" not in data:
        found.add(os.path.normpath(PurePosixPath(asset.path).parent / data))
    return found


def listed(what: str, known: Iterable[str]) -> str:
    """What there is, for a hint: `tags: a, b, c, d, e and 7 more`."""
    names = sorted(set(known))
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"{what}: {', '.join(names[:5])}{more}" if names else f"the pipeline has no {what}"


def refusal(message: str, hint: str = "") -> Fault:
    """A fault of the command line rather than of a file."""
    return Fault(rule="selection", message=message, hint=hint)


def _paths(pipeline: Pipeline, wanted: str, base: str) -> set[str]:
    """What `wanted` can mean as a file, each relative to the project root with forward slashes."""
    root = Path(os.path.realpath(pipeline.root))
    places = [Path(os.path.realpath(Path(start, wanted))) for start in (base or root, root)]
    return {place.relative_to(root).as_posix() for place in places if place.is_relative_to(root)}


def _unknown(pipeline: Pipeline, wanted: str) -> Fault:
    looks_like_file = "/" in wanted or os.sep in wanted
    known = [asset.path if looks_like_file else asset.name for asset in pipeline.assets]
    kind = "no asset is defined in" if looks_like_file else "no asset"
    return refusal(f"{kind} '{wanted}'", did_you_mean(wanted, known) or listed("assets", known))
