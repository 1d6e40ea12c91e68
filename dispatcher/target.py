"""What the arguments of a command name: one pipeline, and maybe some of its assets."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from assets_parser.discovery import ASSET_FOLDERS
from dispatcher.problems import FleetError

PIPELINE_FILES = ("pipeline.yml", "pipeline.yaml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A pipeline's folder (or a lone .py file) and the assets that were named, as given."""

    pipeline: Path
    assets: tuple[str, ...] = ()
    base: Path
    standalone: bool = False


def find(arguments: Sequence[str], base: Path | None = None) -> Target:
    """The target that the arguments name; without any, the pipeline of the current folder.

    An argument is a pipeline's folder or file, an asset's file, or an asset's name. FleetError
    says which one is none of these.
    """
    here = base or Path.cwd()
    folders, assets, names = _sorted(arguments, here)
    if not folders and len(assets) == 1 and not names and _is_standalone(here / assets[0]):
        return Target(pipeline=(here / assets[0]).resolve(), base=here, standalone=True)
    pipelines = {*folders, *(_above(here / file, file) for file in assets)}
    if not pipelines:
        pipelines = {_of_current_folder(here, names)}
    if len(pipelines) > 1:
        both = " and ".join(sorted(str(path) for path in pipelines))
        raise FleetError(f"the arguments belong to different pipelines: {both}")
    return Target(pipeline=pipelines.pop(), assets=(*assets, *names), base=here)


def pipeline_file(folder: Path) -> Path | None:
    """The pipeline file in this folder, if it has one."""
    return next((folder / name for name in PIPELINE_FILES if (folder / name).is_file()), None)


def _sorted(arguments: Iterable[str], here: Path) -> tuple[list[Path], list[str], list[str]]:
    """Pipelines' folders, assets' files, and names."""
    folders: list[Path] = []
    assets: list[str] = []
    names: list[str] = []
    for argument in filter(None, arguments):  # an empty one is none, as for Bruin
        path = here / argument
        if path.is_dir():
            folders.append(_folder(path, argument, folders))
        elif path.name in PIPELINE_FILES and path.is_file():
            folders.append(path.parent.resolve())
        elif path.is_file():
            assets.append(argument)
        else:
            names.append(_name(argument))
    return folders, assets, names


def _folder(path: Path, argument: str, named: Sequence[Path]) -> Path:
    """The pipeline that a folder names; its `assets/` after it adds nothing, as for Bruin."""
    if pipeline_file(path):
        return path.resolve()
    above = path.resolve().parent
    if path.name in ASSET_FOLDERS and above in named:
        return above
    raise FleetError(f"{argument} holds no pipeline.yml", hint=_around(path) or _below(path))


def _name(argument: str) -> str:
    if "/" in argument or argument.endswith((".py", ".sql", ".yml", ".yaml")):
        raise FleetError(f"there is no file or folder {argument}")
    return argument


def _above(file: Path, argument: str) -> Path:
    for folder in file.resolve().parents:
        if pipeline_file(folder):
            return folder
    raise FleetError(
        f"{argument} is in no pipeline",
        hint="no folder above it has a pipeline.yml; only a .py file can do without",
    )


def _is_standalone(file: Path) -> bool:
    return file.suffix == ".py" and not any(map(pipeline_file, file.resolve().parents))


def _of_current_folder(here: Path, names: Sequence[str]) -> Path:
    for folder in (here, *here.parents):
        if pipeline_file(folder):
            return folder.resolve()
        if (folder / ".git").exists():
            break
    if names:
        message = f"{names[0]} is no file or folder, and the current folder is in no pipeline"
        raise FleetError(message, hint=_below(here))
    raise FleetError("the current folder is in no pipeline", hint=_below(here))


def _around(folder: Path) -> str:
    """The pipeline that a folder within one belongs to, for a hint."""
    for above in folder.resolve().parents:
        if pipeline_file(above):
            return f"it belongs to the pipeline in {_near(above)}: name that, or an asset"
    return ""


def _below(folder: Path) -> str:
    """Which pipelines are near, for a hint; looks three folders deep only."""
    depths = ("*/", "*/*/", "*/*/*/")
    patterns = [f"{stars}{name}" for stars in depths for name in PIPELINE_FILES]
    found = sorted({_near(p.parent) for pattern in patterns for p in folder.glob(pattern)})
    if found:
        return f"pipelines near: {', '.join(found[:5])}"
    return "fleet init FOLDER writes a small one"


def _near(path: Path) -> str:
    here = Path.cwd()
    if here != path and here.is_relative_to(path):
        return "/".join([".."] * len(here.relative_to(path).parts))
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
