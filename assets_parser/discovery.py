"""Where a project's root, its pipelines and their definition files are. Everybody starts here."""

# paths are text here: a thousand Path objects cost more than reading the files
# ruff: noqa: PTH100, PTH112, PTH118, PTH119

import os
from collections.abc import Iterator
from pathlib import Path

from assets_parser.faults import DefinitionError, Fault

PIPELINE_FILES = ("pipeline.yml", "pipeline.yaml")
CONFIG_FILE = ".bruin.yml"
ASSET_FOLDERS = ("tasks", "assets")
SKIPPED = frozenset(
    (
        *(".git", ".github", ".vscode", ".venv", ".env", "env", "venv"),
        *("node_modules", "dist", "build", "target", "vendor", "dbt_packages"),
    )
)


def project_root(path: Path) -> Path:
    """The folder from which imports resolve: the nearest with `.git`, else with `.bruin.yml`.

    A pipeline that has neither above it is a project of its own. DefinitionError if there is none.
    """
    folder = _folder(path)
    above = (folder, *folder.parents)
    for marker in (".git", CONFIG_FILE):
        if found := next((one for one in above if (one / marker).exists()), None):
            return found
    if found := next((one for one in above if pipeline_file(one)), None):
        return found
    hint = "run `git init` in the project's folder, or name a folder that holds a pipeline.yml"
    message = f"no project at or above {path}: no .git, .bruin.yml or pipeline.yml"
    raise DefinitionError([Fault(rule="project", message=message, hint=hint)])


def pipeline_file(folder: Path) -> Path | None:
    """The folder's pipeline file, None if it has none."""
    for name in PIPELINE_FILES:
        if (file := folder / name).is_file():
            return file
    return None


def pipeline_files(root: Path) -> Iterator[Path]:
    """All pipeline files at or below a folder, in walk order."""
    for path in walk(str(root)):
        if os.path.basename(path) in PIPELINE_FILES:
            yield Path(path)


def find_pipelines(root: Path) -> list[Path]:
    """The folders at or below `root` that hold a pipeline, in walk order."""
    return list(dict.fromkeys(file.parent for file in pipeline_files(root)))


def nested(pipelines: list[Path]) -> list[Fault]:
    """The pipelines that lie inside another one, which would then own their assets twice."""
    outer = [(one, two) for one in pipelines for two in pipelines if one in two.parents]
    return [
        Fault(
            rule="nested-pipelines",
            message=f"the pipeline {two} lies inside the pipeline {one}",
            hint="move one of them into a folder of its own",
        )
        for one, two in outer
    ]


def asset_files(folder: str) -> Iterator[str]:
    """All files in the asset folders of a pipeline, in load order."""
    for name in ASSET_FOLDERS:
        yield from walk(os.path.join(folder, name))


def walk(folder: str) -> Iterator[str]:
    """All files below a folder, by name in each folder; linked folders are not entered."""
    pending = [_entries(folder)]
    while pending:
        entry = next(pending[-1], None)
        if entry is None:
            pending.pop()
        elif entry.is_dir(follow_symlinks=False):
            if entry.name not in SKIPPED:
                pending.append(_entries(entry.path))
        elif not (entry.is_symlink() and os.path.isdir(entry.path)):  # a link may lead in a circle
            yield entry.path


def _entries(folder: str) -> Iterator["os.DirEntry[str]"]:
    try:
        with os.scandir(folder) as found:
            return iter(sorted(found, key=lambda entry: entry.name))
    except (FileNotFoundError, NotADirectoryError):
        return iter(())
    except OSError as error:
        message = f"cannot look into the folder {folder}: {error.strerror}"
        raise DefinitionError([Fault(rule="file", message=message)]) from None


def _folder(path: Path) -> Path:
    absolute = Path(os.path.abspath(path))
    return absolute if absolute.is_dir() else absolute.parent
