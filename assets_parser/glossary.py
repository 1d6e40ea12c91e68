"""glossary.yml beside the project root: shared meanings of columns. `pipeline` applies it first."""

# paths are text here: a thousand Path objects cost more than reading the files
# ruff: noqa: PTH110, PTH118

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from assets_parser.faults import DefinitionError, Fault, Severity
from assets_parser.fields import Table, Values, document, entries, record, text
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
        for entity, attributes in (values or {}).get("entities", {}).items():
            entities.setdefault(entity, attributes)
        for domain, parent in (values or {}).get("domains", {}).items():
            line = source.lines.get(f"domains.{domain}", 0)
            domains.setdefault(domain, Domain(parent=parent, file=name, line=line))
    return Glossary(entities=entities, domains=domains), faults


def apply(draft: Values, glossary: Glossary, file: str, lines: Mapping[str, int]) -> list[Fault]:
    """Fill the draft's columns from the attributes that they extend, and say which do not exist."""
    if not glossary.entities:
        return []
    _append_entities(draft, glossary)
    faults = []
    for column in draft.get("columns", ()):
        if extends := column.get("extends"):
            entity, _dot, name = extends.partition(".")
            attribute = glossary.entities.get(entity, {}).get(name)
            if attribute is None:
                faults.append(_missing(glossary, extends, file, column.get("line", 0)))
            else:
                _fill(column, attribute, name)
    return faults


def _append_entities(draft: Values, glossary: Glossary) -> None:
    columns = draft.get("columns", [])
    taken = {column.get("extends") for column in columns}
    for entity in draft.get("extends", ()):
        for name in sorted(glossary.entities.get(entity, {})):
            reference = f"{entity}.{name}"
            if reference not in taken:
                taken.add(reference)
                columns.append({"extends": reference})
    if columns:
        draft["columns"] = columns


def _fill(column: Values, attribute: Values, name: str) -> None:
    given = {**attribute, "name": attribute.get("name") or name}
    column.update((key, value) for key, value in given.items() if value and not column.get(key))


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
    found = entries(source, node) or {}
    return {
        name: {} if is_null(value) else _ATTRIBUTE(source, value, f"{path}.{name}") or {}
        for name, (_key, value) in found.items()
    }


_ENTITY = record({"attributes": _attributes}, unknown="note")


def _entities(source: Source, node: Node, path: str) -> dict[str, Attributes]:
    found = entries(source, node) or {}
    read = {
        name: {} if is_null(value) else _ENTITY(source, value, f"{path}.{name}") or {}
        for name, (_key, value) in found.items()
    }
    return {name: values.get("attributes", {}) for name, values in read.items()}


_DOMAIN = record({"parent_domain": text}, unknown="note")


def _domains(source: Source, node: Node, path: str) -> dict[str, str]:
    """The name of the domain above each domain, empty for the top ones."""
    found: dict[str, str] = {}
    for name, (key, value) in (entries(source, node) or {}).items():
        source.lines[f"{path}.{name}"] = key.start_mark.line + 1
        read = {} if is_null(value) else _DOMAIN(source, value, f"{path}.{name}") or {}
        found[name] = read.get("parent_domain", "")
    return found


_GLOSSARY: Table = {"entities": _entities, "domains": _domains}
