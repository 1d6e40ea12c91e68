"""Gives the project to workers on other hosts, as a bundle on storage. For run, submit and plan.

In place instead where the workers share our FLEET_HOME: the fleet of `fleet up`, an embedded one,
and one whose catalog is a file in that folder; --bundle and --in-place say otherwise.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assets_parser.spec import AssetSpec, Plan
from dispatcher.problems import FleetError
from dispatcher.run_flags import RunFlags
from dispatcher.terminal import printable
from dispatcher.words import size, some
from workers.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from workers.bundles import Bundle

_INCLUDE = "name it in include under [bundle] of fleet.toml"


def wanted(flags: RunFlags, settings: Settings, *, shared: bool) -> bool:
    """Whether a run gets a bundle. `shared` says that the fleet is on this host."""
    if flags.bundle is not None:
        return flags.bundle
    return not shared and bool(settings.catalog)


def make(root: str, settings: Settings) -> "Bundle":
    """The project's files as they are now; FleetError if they make no bundle."""
    from workers import bundles
    from workers.project_files import BundleRefused

    try:
        return bundles.of_project(Path(root), settings)
    except BundleRefused as error:
        raise FleetError(str(error), hint=error.hint) from error


def ship(engine: "Engine", settings: Settings, bundle: "Bundle") -> None:
    """See to it that storage has it; FleetError if that cannot be."""
    from workers import bundles, storage_host, stores
    from workers.project_files import BundleRefused

    if refusal := storage_host.refusal(engine, settings):
        raise FleetError(refusal)
    try:
        bundles.ship(engine, stores.of(settings), bundle)
    except BundleRefused as error:
        raise FleetError(str(error), hint=error.hint) from error
    except stores.StorageError as error:
        hint = "workers get the project through it: fleet doctor looks at it"
        raise FleetError(f"the project cannot be stored: {error}", hint=hint) from error


def words(plan: Plan, bundle: "Bundle") -> Iterator[str]:
    """For `fleet plan`: how large it is, and what it lacks."""
    listing = bundle.listing
    yield f"bundle   {some(len(listing.items), 'file')}, {size(listing.bytes)}"
    for note in lacking(plan, bundle):
        yield f"note  {printable(note)}"


def lacking(plan: Plan, bundle: "Bundle") -> list[str]:
    """What assets name and workers elsewhere would not find, in words; each once."""
    notes = (note for spec in plan.assets for note in _lacking(spec, Path(plan.root), bundle))
    return list(dict.fromkeys(notes))


def _lacking(spec: AssetSpec, root: Path, bundle: "Bundle") -> Iterator[str]:
    named = [spec.path, spec.body_path, spec.requirements.path if spec.requirements else ""]
    for path in dict.fromkeys(filter(None, named)):
        if path not in bundle and (root / path).exists():
            yield f"{spec.name}: {path} is left out of the bundle: {_INCLUDE}"
    for text in _texts(spec.parameters):
        for folder in dict.fromkeys([os.path.dirname(spec.path), ""]):  # noqa: PTH120 - a text
            path = os.path.normpath(os.path.join(folder, text.lstrip("/")))  # noqa: PTH118
            if _is_file(root / path) and path not in bundle:
                yield f"{spec.name}: {_why(path)}"
                break


def _why(path: str) -> str:
    if path.startswith("../"):
        return f"{path} lies outside the project, where workers elsewhere do not look"
    return f"{path} is ignored by git, or may hold a secret, so the bundle lacks it: {_INCLUDE}"


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if value.strip() and "://" not in value and "\n" not in value:
            yield value.strip()
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # no text that could be a path
        return False
