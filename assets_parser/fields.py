"""Typed fields of YAML mappings, as Go's yaml.v3 decodes them into structs: one table per struct.

A table maps a key to the function that reads its value. Every function reports what is wrong to the
Source and returns None, so that one reading finds all faults. `definition`, `columns`, `pipeline`
and `glossary` own the tables.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from assets_parser.faults import DefinitionError
from assets_parser.moments import rfc3339
from assets_parser.source import Source as Source  # noqa: PLC0414 - tables are built from both
from assets_parser.source import kind_of, nearest, shortened
from assets_parser.yaml_text import (
    PLAIN,
    QUOTED,
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
    compose,
    fits_64_bits,
    is_moment,
    is_null,
    typed,
)

_MOST_DEPTH = 200
_GUESSED = 50  # unknown keys of one file whose right spelling is looked for
_YES = frozenset({"y", "Y", "yes", "Yes", "YES", "on", "On", "ON"})
_NO = frozenset({"n", "N", "no", "No", "NO", "off", "Off", "OFF"})

Values: TypeAlias = dict[str, Any]  # the fields of one mapping that are set


Read: TypeAlias = Callable[[Source, Any, str], Any]
Table: TypeAlias = dict[str, Read]
Entry: TypeAlias = tuple[Node, Node]


def document(source: Source, text: str, table: Table) -> Values | None:
    """The fields of the text's top mapping; None if the text is empty."""
    node = compose(text, source.file)
    if node is None or is_null(node):
        return None
    values: Values | None = record(table)(source, node, "")
    return values


def record(table: Table, *, unknown: str = "field") -> Read:
    """Reads a mapping by its table; `unknown` says whether other keys are fields or only notes."""
    first = next(iter(table))

    def read(source: Source, node: Node, path: str) -> Values | None:
        found = entries(source, node, first=first)
        if found is None:
            return None
        values: Values = {}
        prefix = path + "." if path else ""
        lines = source.lines
        for name, (key, value) in found.items():
            convert = table.get(name)
            if convert is None:
                _unknown(source, name, key, table, unknown)
                continue
            place = prefix + name
            lines[place] = key.start_mark.line + 1
            if is_null(value):
                continue
            if (read_value := convert(source, value, place)) is not None:
                values[name] = read_value
        return values

    return read


def entries(source: Source, node: Node, *, first: str = "") -> dict[str, Entry] | None:
    """The pairs of a mapping by the text of their keys, merge keys applied; None if it is none."""
    if not isinstance(node, MappingNode):
        given = node.value if isinstance(node, ScalarNode) and len(node.value) <= 40 else ""
        hint = f"write {first}: {given}" if first and given else ""
        source.fault(node, f"expected fields, found {kind_of(node)}", hint=hint)
        return None
    pairs = node.value
    source.spend(node, len(pairs) + 1)
    found: dict[str, Entry] = {}
    merges: list[Node] = []
    for pair in pairs:
        key = pair[0]
        if not isinstance(key, ScalarNode):
            source.fault(key, f"a key must be text, found {kind_of(key)}")
            continue
        if is_null(key):
            continue  # `~: x` is left out, as in Bruin
        name = str(key.value)
        if name in found or (merges and name == "<<"):
            line = found[name][0].start_mark.line + 1 if name in found else 0
            at = f", first in line {line}" if line else ""
            source.fault(key, f"the key '{name}' is written twice{at}", rule="duplicate-key")
        elif name == "<<" and key.tag != QUOTED:
            merges.append(pair[1])
        else:
            found[name] = pair
    for merge in merges:
        _merge(source, merge, found, 0)
    return found


def _merge(source: Source, node: Node, found: dict[str, Entry], depth: int) -> None:
    if isinstance(node, ScalarNode) or depth > _MOST_DEPTH:
        source.fault(node, "<< takes a mapping or a list of mappings", rule="yaml")
        return
    source.spend(node, len(node.value) + 1)
    if isinstance(node, SequenceNode):
        for item in node.value:
            _merge(source, item, found, depth + 1)
        return
    for key, value in node.value:
        if not isinstance(key, ScalarNode):
            source.fault(key, f"a key must be text, found {kind_of(key)}")
        elif key.value != "<<" and not is_null(key):
            found.setdefault(key.value, (key, value))
    for key, value in node.value:
        if key.value == "<<":
            _merge(source, value, found, depth + 1)


def placed(read: Read) -> Read:
    """The same reading, with the line where the value starts."""

    def read_placed(source: Source, node: Node, path: str) -> Values | None:
        values: Values | None = read(source, node, path)
        if values is not None:
            values["line"] = node.start_mark.line + 1
        return values

    return read_placed


def sequence(item: Read, *, places: bool = False) -> Read:
    """Reads a list; null items are left out. With `places` the items' lines are kept."""

    def read(source: Source, node: Node, path: str) -> list[Any] | None:
        if not isinstance(node, SequenceNode):
            source.fault(node, f"expected a list, found {kind_of(node)}")
            return None
        source.spend(node, len(node.value) + 1)
        found = []
        for index, one in enumerate(node.value):
            if is_null(one):
                continue
            place = f"{path}.{index}"
            if places:
                source.lines[place] = one.start_mark.line + 1
            if (value := item(source, one, place)) is not None:
                found.append(value)
        return found

    return read


def text(source: Source, node: Node, path: str) -> str | None:
    """The raw text of a scalar: `1.50` stays "1.50"."""
    if isinstance(node, ScalarNode):
        if node.tag in (PLAIN, QUOTED):
            return str(node.value)
        value = scalar(source, node)
        return value if isinstance(value, str) else None if value is None else str(node.value)
    hint = "put a template in quotes" if isinstance(node, MappingNode) and node.flow_style else ""
    source.fault(node, f"expected text, found {kind_of(node)}", hint=hint)
    return None


def trimmed(source: Source, node: Node, path: str) -> str | None:
    """Text without the blanks around it."""
    found = text(source, node, path)
    return None if found is None else found.strip()


def lowered(source: Source, node: Node, path: str) -> str | None:
    """Text in lower case."""
    found = text(source, node, path)
    return None if found is None else found.lower()


def integer(source: Source, node: Node, path: str) -> int | None:
    """A whole number; `2.0` is one, `2.7` and `'3'` are not."""
    value = scalar(source, node) if isinstance(node, ScalarNode) else node
    if type(value) is int and fits_64_bits(value):
        return value
    if type(value) is float and value.is_integer() and abs(value) < 2**63:
        return int(value)
    if value is not None:
        hint = "write it without quotes" if getattr(node, "tag", "") == QUOTED else ""
        source.fault(node, f"expected a whole number, found {kind_of(node)}", hint=hint)
    return None


def number(source: Source, node: Node, path: str) -> int | float | None:
    """A number, whole or not."""
    value = scalar(source, node) if isinstance(node, ScalarNode) else node
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    source.fault(node, f"expected a number, found {kind_of(node)}")
    return None


def flag(source: Source, node: Node, path: str) -> bool | None:
    """True or false; here, and only here, yes/no/on/off/y/n count as well."""
    value = scalar(source, node) if isinstance(node, ScalarNode) else node
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value in _YES | _NO:
        return value in _YES
    source.fault(node, f"expected true or false, found {kind_of(node)}")
    return None


def free(source: Source, node: Node, path: str) -> Any:
    """Any value, as the user wrote it; dates become RFC 3339 text."""
    return _free(source, node, 0)


def free_map(source: Source, node: Node, path: str) -> Values | None:
    """A mapping of any values; its keys are raw text."""
    if isinstance(node, MappingNode):
        found = _free(source, node, 0)
        return found if isinstance(found, dict) else None
    source.fault(node, f"expected a mapping, found {kind_of(node)}")
    return None


def text_map(source: Source, node: Node, path: str) -> dict[str, str] | None:
    """A mapping of texts; a null is an empty text."""
    found = entries(source, node)
    if found is None:
        return None
    return {
        name: "" if is_null(value) else text(source, value, path) or ""
        for name, (_key, value) in found.items()
    }


def ignored(source: Source, node: Node, path: str) -> None:
    """A key that is known and has no effect here."""


texts = sequence(text)


def scalar(source: Source, node: ScalarNode) -> Any:
    """The typed value of a scalar; a tag that does not fit is a fault."""
    try:
        return typed(node)
    except ValueError as error:
        source.fault(node, str(error), rule="yaml")
        return None


def _free(source: Source, node: Node, depth: int) -> Any:
    if isinstance(node, ScalarNode):
        source.spend(node, 1 + len(node.value) // 64)
        value = scalar(source, node)
        return rfc3339(node.value) if is_moment(node) else value
    if depth > _MOST_DEPTH:
        source.fault(node, "nested too deep, or a value that contains itself", rule="yaml")
        raise DefinitionError(source.faults[-1:])
    if isinstance(node, MappingNode):
        found = entries(source, node) or {}
        return {name: _free(source, value, depth + 1) for name, (_key, value) in found.items()}
    source.spend(node, 1)
    return [_free(source, item, depth + 1) for item in node.value]


_NOTES = {
    "depends_on": "write 'depends'",
    "schedule": "a schedule belongs in pipeline.yml",
}


def _unknown(source: Source, name: str, key: Node, table: Table, kind: str) -> None:
    """An unknown key loads, as in Bruin, with a warning that names the nearest known one."""
    if kind == "field":
        source.unknown.append(name)
    line = key.start_mark.line + 1
    few = len(source.unknown) <= _GUESSED
    hint = _NOTES.get(name) or (nearest(name, table) if few else "")
    message = f"the key '{shortened(name)}' is not known here"
    owner = "pipeline" if source.file.endswith(("pipeline.yml", "pipeline.yaml")) else "asset"
    source.warn(line, message, rule=f"unknown-{owner}-fields", hint=hint)


def names(found: Sequence[str]) -> tuple[str, ...]:
    """Unknown keys as a report lists them: sorted, each once."""
    return tuple(sorted(set(found)))
