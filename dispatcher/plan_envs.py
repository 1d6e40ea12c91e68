"""Which environments a plan needs, and which of them are on this host already. For `fleet plan`."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from assets_parser.spec import AssetSpec, Plan
from dispatcher.terminal import printable
from workers import requirements
from workers.errors import StepFailed
from workers.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Engine

NOTHING = "no packages"


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One environment, as people know it. `ready` is None where workers elsewhere build it."""

    words: str
    spec: AssetSpec  # one of the assets that need it
    pyarrow: bool
    ready: bool | None = None


def packages(plan: Plan, spec: AssetSpec) -> str:
    """`pandas 2.3.1 +4` for a requirements.txt, the path of a pyproject.toml."""
    wish = spec.requirements
    if wish is None:
        return NOTHING
    if wish.kind == "pyproject":
        return printable(_short(plan, wish.path))
    try:
        wanted = requirements.named(Path(plan.root, wish.path))
    except StepFailed:  # the run will say what is wrong with it
        return printable(f"{_short(plan, wish.path)} (cannot be read)")
    if not wanted:
        return NOTHING
    more = f" +{len(wanted) - 1}" if len(wanted) > 1 else ""
    return printable(wanted[0].replace("==", " ").partition(";")[0].strip()) + more


def of(plan: Plan, settings: Settings) -> list[Need]:
    """The environments of a plan, each once. `settings` say where the workers are."""
    found: dict[tuple[object, ...], Need] = {}
    for spec in plan.assets:
        pyarrow = "materialize" in spec.steps
        if pyarrow or ("script" in spec.steps and spec.type != "r"):
            shown = packages(plan, spec)
            shown = "pyarrow" if pyarrow and shown == NOTHING else shown
            key = (spec.python, _wanted(plan, spec), pyarrow)
            words = f"python {spec.python}, {shown}"
            found.setdefault(key, Need(words=words, spec=spec, pyarrow=pyarrow))
    needs = sorted(_told_apart(found.values()), key=lambda need: need.words)
    return needs if settings.broker else _looked_up(Path(plan.root), needs, settings)


def _wanted(plan: Plan, spec: AssetSpec) -> object:
    """What two assets that share an environment have in common, though their files are two."""
    wish = spec.requirements
    if wish is None or wish.kind == "pyproject":
        return wish
    file = Path(plan.root, wish.path)
    try:
        return requirements.of_file(file).digest if requirements.named(file) else None
    except StepFailed:  # the run will say what is wrong with it
        return wish


def _told_apart(needs: Collection[Need]) -> Iterator[Need]:
    """The same packages, once for scripts and once with what materialize() needs beside them."""
    plain = {need.words for need in needs if not need.pyarrow}
    for need in needs:
        both = need.pyarrow and need.words in plain
        yield replace(need, words=f"{need.words}, pyarrow") if both else need


def _looked_up(root: Path, needs: list[Need], settings: Settings) -> list[Need]:
    from workers.envs import EnvStore, request_for

    store = EnvStore(settings, _catalog(settings))
    looked = []
    for need in needs:
        try:
            ready = store.ready(request_for(root, need.spec, pyarrow=need.pyarrow))
        except StepFailed:  # what cannot be read cannot be ready
            ready = False
        looked.append(replace(need, ready=ready))
    return looked


def _catalog(settings: Settings) -> "Engine | None":
    """The catalog, which remembers exact versions; None where there is no run yet."""
    if settings.catalog or not (settings.home / "catalog.db").exists():
        return None
    from dispatcher import fleets

    return fleets.catalog(settings)


def _short(plan: Plan, path: str) -> str:
    """The path relative to the pipeline's folder if it is inside, else to the root."""
    folder, file = PurePosixPath(plan.path).parent, PurePosixPath(path)
    return str(file.relative_to(folder)) if file.is_relative_to(folder) else path
