"""A pipeline with all its assets, loaded in Bruin's order. Every command starts with `load`."""

# paths are text here: a thousand Path objects cost more than reading the files
# ruff: noqa: PTH100, PTH118

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from assets_parser import defaults, definition, discovery, drafts, glossary, names
from assets_parser.definition import Draft
from assets_parser.faults import DefinitionError, Fault, Severity
from assets_parser.fields import Values, document
from assets_parser.fields import names as key_names
from assets_parser.files import printable, read_text
from assets_parser.model import Asset, Pipeline
from assets_parser.pipeline_fields import PIPELINE, check_variants
from assets_parser.source import Source

_SAME = (
    "name",
    "id",
    "schedule",
    "start_date",
    "default_connections",
    "variables",
    "variants",
    "retries",
    "max_active_steps",
    "catchup",
    "meta",
    "owner",
    "metadata_push",
    "agent",
    "commit",
    "snapshot",
)
_TUPLES = ("notifications", "tags", "domains", "fixtures")


_EMPTY: Values = {"concurrency": 0}  # an empty file has no default, as in Bruin; a rule refuses it


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A pipeline as far as it could be read, and all that is wrong with it."""

    pipeline: Pipeline
    faults: tuple[Fault, ...] = ()
    unread: int = 0  # assets whose errors keep them out of the pipeline

    @property
    def errors(self) -> tuple[Fault, ...]:
        """The faults that stop a run."""
        return tuple(fault for fault in self.faults if fault.severity is Severity.ERROR)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Absolute paths of the project's root and the pipeline's folder."""

    root: str
    folder: str


def load(path: Path, *, root: Path | None = None) -> Loaded:
    """The pipeline of a folder or pipeline file, with the faults of all its files.

    With errors the pipeline is partial. DefinitionError only if there is no pipeline at all.
    """
    file = _pipeline_file(Path(path))
    file, top = _together(file, Path(os.path.abspath(root)) if root else None)
    place = _Place(root=top, folder=str(file.parent))
    source = Source(os.path.relpath(file, top).replace(os.sep, "/"))
    values = _read_pipeline(source, str(file))
    words, faults = glossary.load(top)
    default = values.get("default", {})
    found: list[Fault] = []
    assets = [
        asset
        for asset_path in discovery.asset_files(place.folder)
        if (asset := _asset(asset_path, place, default, words, found)) is not None
    ]
    unread = len({fault.file for fault in found if fault.severity is Severity.ERROR})
    faults.extend(found)
    macros = _macros(place, faults)
    pipeline = _freeze(values, source, top, macros, assets)
    return Loaded(pipeline=pipeline, faults=(*source.faults, *faults), unread=unread)


def _together(file: Path, root: Path | None) -> tuple[Path, str]:
    """The file and its project's root, both with or both without links in their paths."""
    if root is None:
        return file, str(discovery.project_root(file))
    if file.is_relative_to(root):
        return file, str(root)
    return file.resolve(), str(root.resolve())


def _pipeline_file(path: Path) -> Path:
    path = Path(os.path.abspath(path))
    if path.is_dir():
        if (file := discovery.pipeline_file(path)) is not None:
            return file
        message, hint = f"no pipeline.yml in {path}", "name the folder that holds a pipeline.yml"
        raise DefinitionError([Fault(rule="pipeline", message=message, hint=hint)])
    if path.name in discovery.PIPELINE_FILES and path.is_file():
        return path
    raise DefinitionError([Fault(rule="pipeline", message=f"{path} is not a pipeline.yml")])


def _read_pipeline(source: Source, path: str) -> Values:
    values: Values = {}
    try:
        content = read_text(source, path).removeprefix("\ufeff")
        found = document(source, content, PIPELINE)
        values = dict(_EMPTY) if found is None else found
    except DefinitionError as error:
        source.faults.extend(fault for fault in error.faults if fault not in source.faults)
    check_variants(source, values)
    return values


def _asset(
    path: str, place: "_Place", default: Values, words: glossary.Glossary, faults: list[Fault]
) -> Asset | None:
    draft = definition.read(path, place.root)
    if draft is None:
        return None
    name = draft.values.get("name") or names.infer(path, place.folder)
    glossary.extend(draft.values, words)
    defaults.apply(draft.values, default, name)
    draft.faults.extend(glossary.fill(draft.values, words, draft.path))
    broken = any(fault.severity is Severity.ERROR for fault in draft.faults)
    faults.extend(replace(fault, asset=name) if draft.defined else fault for fault in draft.faults)
    if broken or not draft.defined:
        return None
    return _complete(draft, name)


def _complete(draft: Draft, name: str) -> Asset:
    """The connection as a secret, the delay of retries and the name, in this order."""
    values = draft.values
    _connection_as_secret(values)
    delay = retries_delay(values.get("rerun_cooldown"))
    if delay is not None:
        values["retries_delay"] = delay
    values["name"] = name
    return drafts.build(draft.path, values, lines=draft.lines, unknown=draft.unknown)


def _connection_as_secret(values: Values) -> None:
    connection = values.get("connection")
    secrets = values.get("secrets", [])
    if connection and all(item.get("key") != connection for item in secrets):
        values["secrets"] = [*secrets, {"key": connection, "injected": True}]


def retries_delay(cooldown: int | None) -> int | None:
    """Seconds between retries that a cooldown asks for; -1 means at once, 0 means not set."""
    if cooldown is None or cooldown == 0 or cooldown < -1:
        return None
    return max(cooldown, 0)


def _freeze(
    values: Values, source: Source, root: str, macros: dict[str, str], assets: list[Asset]
) -> Pipeline:
    known: dict[str, Any] = {name: values[name] for name in _SAME if name in values}
    known.update((name, tuple(values[name])) for name in _TUPLES if name in values)
    known["name"] = values.get("name") or values.get("id", "")
    default = values.get("default", {})
    return Pipeline(
        root=root,
        path=source.file,
        assets=tuple(assets),
        concurrency=values.get("concurrency", 1),
        retries_delay=retries_delay(default.get("rerun_cooldown")),
        macros=tuple(macros.values()),
        macro_files=tuple(macros),
        default_hook_types=tuple(default.get("hooks", {}).get("applicable_type", ())),
        default_timeout=default.get("timeout", 0.0),
        unknown_fields=key_names(source.unknown),
        lines=source.lines,
        **known,
    )


def _macros(place: "_Place", faults: list[Fault]) -> dict[str, str]:
    """The texts of the SQL files under `macros`, by path."""
    texts = {}
    for path in discovery.walk(os.path.join(place.folder, "macros")):
        if path.endswith(".sql"):
            source = Source(os.path.relpath(path, place.root).replace(os.sep, "/"))
            try:
                texts[source.file] = printable(read_text(source, path))
            except DefinitionError as error:
                faults.extend(error.faults)
            faults.extend(source.faults)
    return texts
