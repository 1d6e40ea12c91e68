"""glossary.yml beside the project root: shared meanings of columns.

`pipeline` applies it around the defaults: `extend` before them, `fill` after them.
"""

# paths are text here: a thousand Path objects cost more than reading the files
# ruff: noqa: PTH110, PTH118

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from assets_parser.faults import DefinitionError, Fault, Severity
from assets_parser.fields import (
    Table,
    Values,
    document,
    entries,
    record,
    sequence,
    text,
    texts,
)
from assets_parser.files import read_text
from assets_parser.source import Source, nearest
from assets_parser.yaml_text import Node, is_null

FILES = ("glossary.yml", "glossary.yaml")

Attributes: TypeAlias = Mapping[str, Values]


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """A domain of the glossary: the one above it, and where it is written."""

    parent: str = ""
    file: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Glossary:
    """Entities by name, each with its attributes by name, and the domains by name."""

    entities: Mapping[str, Attributes] = field(default_factory=dict)
    domains: Mapping[str, Domain] = field(default_factory=dict)


def load(root: str) -> tuple[Glossary, list[Fault]]:
    """The glossary of a project, empty if it has none, and what is wrong in its files."""
    entities: dict[str, Attributes] = {}
    domains: dict[str, Domain] = {}
    faults: list[Fault] = []
    for name in FILES:
        path = os.path.join(root, name)
        if not os.path.exists(path):
            continue
        source = Source(name)
        try:
            values = document(source, read_text(source, path).removeprefix("\ufeff"), _GLOSSARY)
        except DefinitionError as error:
            faults.extend(error.faults)
            continue
        faults.extend(fault for fault in source.faults if fault.severity is Severity.ERROR)
        entities.update((values or {}).get("entities", {}))  # the later file's entity counts
        for domain, parent in (values or {}).get("domains", {}).items():
            line = source.lines.get(f"domains.{domain}", 0)
            domains.setdefault(domain, Domain(parent=parent, file=name, line=line))
    return Glossary(entities=entities, domains=domains), faults


def extend(draft: Values, glossary: Glossary) -> None:
    """Add the columns of the entities that the draft extends, and name those without a name."""
    columns = draft.get("columns", [])
    own = {column.get("extends") for column in columns}
    for entity in draft.get("extends", ()):
        for name in sorted(glossary.entities.get(entity, {})):
            if (reference := f"{entity}.{name}") not in own:
                columns.append({"extends": reference})
    if columns:
        draft["columns"] = columns
    for column in columns:
        if not column.get("name") and (attribute := _attribute(glossary, column)):
            column["name"] = attribute["name"]


def fill(draft: Values, glossary: Glossary, file: str) -> list[Fault]:
    """Fill the draft's columns from the attributes that they extend, and say which do not exist.

    What the asset or the defaults say already stays.
    """
    faults = []
    for column in draft.get("columns", ()) if glossary.entities else ():
        if attribute := _attribute(glossary, column):
            given = ((key, value) for key, value in attribute.items() if not column.get(key))
            column.update(dict(given))
        elif column.get("extends"):
            faults.append(_missing(glossary, column["extends"], file, column.get("line", 0)))
    return faults


def _attribute(glossary: Glossary, column: Values) -> Values | None:
    entity, _dot, name = column.get("extends", "").partition(".")
    return glossary.entities.get(entity, {}).get(name)


def _missing(glossary: Glossary, extends: str, file: str, line: int) -> Fault:
    known = [f"{entity}.{name}" for entity, names in glossary.entities.items() for name in names]
    return Fault(
        rule="valid-entity-references",
        message=f"the glossary has no attribute '{extends}'",
        file=file,
        line=line,
        hint=nearest(extends, known),
    )


_ATTRIBUTE = record({"name": text, "type": text, "description": text}, unknown="note")


def _attributes(source: Source, node: Node, path: str) -> dict[str, Values]:
    found: dict[str, Values] = {}
    for name, (_key, value) in (entries(source, node) or {}).items():
        read = {} if is_null(value) else _ATTRIBUTE(source, value, f"{path}.{name}") or {}
        found[name] = {**read, "name": read.get("name") or name}
    return found


_ENTITY = record(
    {"name": text, "description": text, "domains": texts, "attributes": _attributes},
    unknown="note",
)


def _entities(source: Source, node: Node, path: str) -> dict[str, Attributes]:
    found = entries(source, node) or {}
    read = {
        name: {} if is_null(value) else _ENTITY(source, value, f"{path}.{name}") or {}
        for name, (_key, value) in found.items()
    }
    return {
        values.get("name") or name: values.get("attributes", {}) for name, values in read.items()
    }


_DOMAIN = record(
    {
        "name": text,
        "description": text,
        "parent_domain": text,
        "owners": texts,
        "tags": texts,
        "contact": sequence(record({"type": text, "address": text}, unknown="note")),
    },
    unknown="note",
)


def _domains(source: Source, node: Node, path: str) -> dict[str, str]:
    """The name of the domain above each domain, empty for the top ones."""
    found: dict[str, str] = {}
    for name, (key, value) in (entries(source, node) or {}).items():
        source.lines[f"{path}.{name}"] = key.start_mark.line + 1
        read = {} if is_null(value) else _DOMAIN(source, value, f"{path}.{name}") or {}
        found[name] = read.get("parent_domain", "")
    return found


_GLOSSARY: Table = {"entities": _entities, "domains": _domains}
