"""Reads the text of a .bruin.yml into a Config. Only assets_parser.config calls it.

Faults name keys, never values: values are secrets.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assets_parser import connection_types as types
from assets_parser.config import Config, Environment, RawConnection
from assets_parser.faults import DefinitionError, Fault
from assets_parser.fields import Entry, entries, flag
from assets_parser.source import Source
from assets_parser.suggestions import did_you_mean
from assets_parser.yaml_text import (
    PLAIN,
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
    compose,
    is_null,
    typed,
    typed_text,
)

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_QUOTED = re.compile(r"(alias|anchor|tag).*", re.DOTALL)
_DEEPEST = 50
_YES_NO = {"y": True, "yes": True, "on": True, "n": False, "no": False, "off": False}
_Fits = Callable[[Any], bool]
_KINDS: tuple[tuple[frozenset[str], str, _Fits], ...] = (
    (types.INTEGERS, "a whole number", lambda value: type(value) is int),
    (types.NUMBERS, "a number", lambda value: type(value) in (int, float)),
    (types.BOOLEANS, "true or false", lambda value: type(value) is bool),
)


def read(text: str, file: str, folder: Path, environ: Mapping[str, str]) -> Config:
    """The Config that the text describes; DefinitionError with all faults."""
    return _Reader(file=file, folder=folder, environ=environ).config(text)


@dataclass(slots=True)
class _Values:
    """Expands `${NAME}` and remembers which names the values of one connection used."""

    environ: Mapping[str, str]
    used: dict[str, bool] = field(default_factory=dict)

    def expand(self, text: str) -> str:
        return _VARIABLE.sub(self._one, text)

    def _one(self, found: re.Match[str]) -> str:
        value = self.environ.get(found[1])
        self.used[found[1]] = value is not None
        return found[0] if value is None else value

    @property
    def missing(self) -> tuple[str, ...]:
        return tuple(name for name, is_set in self.used.items() if not is_set)


@dataclass(slots=True, kw_only=True)
class _Reader:
    file: str
    folder: Path
    environ: Mapping[str, str]
    source: Source = field(init=False)

    def __post_init__(self) -> None:
        self.source = Source(file=self.file)

    def config(self, text: str) -> Config:
        top = self._mapping(self._compose(text), "the file")
        default = self._word(top.get("default_environment")) or "default"
        found = self._mapping(_value(top, "environments"), "environments")
        environments = {name: self._environment(name, pair) for name, pair in found.items()}
        if default not in environments:
            near = did_you_mean(default, environments)
            node = top["default_environment"][1] if "default_environment" in top else None
            self.source.fault(node, f"there is no environment '{default}'", hint=near)
        errors = [fault for fault in self.source.faults if fault.severity == "error"]
        if errors:
            raise DefinitionError(errors)
        return Config(
            file=self.file,
            folder=self.folder,
            default_environment=default,
            environments=environments,
            warnings=tuple(self.source.faults),
        )

    def _compose(self, text: str) -> Node | None:
        try:
            node = compose(text, self.file)
        except DefinitionError as error:
            raise DefinitionError([_without_values(fault) for fault in error.faults]) from None
        if node is None or is_null(node):
            fault = Fault(rule="config-file", message="the file is empty", file=self.file)
            raise DefinitionError([fault])
        return node

    def _environment(self, name: str, pair: Entry) -> Environment:
        found = self._mapping(pair[1], f"environment '{name}'")
        if "connections" not in found or is_null(found["connections"][1]):
            hint = "write connections: {} if it has none"
            self.source.fault(pair[0], f"environment '{name}' has no connections", hint=hint)
        prefix = self._word(found.get("schema_prefix"))
        rules = self._mapping(_value(found, "config"), "config")
        restricted = _value(rules, "full_refresh_restricted")
        is_restricted = restricted is not None and flag(self.source, restricted, "")
        return Environment(
            name=name,
            connections=self._connections(_value(found, "connections")),
            schema_prefix=prefix if prefix.endswith("_") or not prefix else prefix + "_",
            full_refresh_restricted=bool(is_restricted),
            file=self.file,
        )

    def _connections(self, node: Node | None) -> dict[str, RawConnection]:
        found = self._mapping(node, "connections")
        named: dict[str, RawConnection] = {}
        for kind, (key, value) in sorted(found.items(), key=lambda item: _rank(item[0])):
            if kind not in types.KNOWN:
                self._warn(key, f"'{kind}' is no connection type", did_you_mean(kind, types.KNOWN))
            for connection in self._of_type(kind, value):
                if connection.name in named:
                    other = named[connection.name]
                    message = f"connection '{connection.name}' hides the one of line {other.line}"
                    self._warn(key, message, "give each connection a name of its own")
                named[connection.name] = connection
        return named

    def _of_type(self, kind: str, node: Node) -> Iterator[RawConnection]:
        if is_null(node):
            return
        if not isinstance(node, SequenceNode):
            hint = "start each with '- name:'"
            self.source.fault(node, f"{kind} takes a list of connections", hint=hint)
            return
        self.source.spend(node, len(node.value) + 1)
        for item in node.value:
            if not is_null(item):
                yield from self._connection(kind, item)

    def _connection(self, kind: str, node: Node) -> Iterator[RawConnection]:
        found = self._mapping(node, f"a connection of type {kind}")
        values = _Values(self.environ)
        read = {key: self._field(key, pair[1], values) for key, pair in found.items()}
        name = read.pop("name", None)
        if not isinstance(name, str) or not name:
            self._warn(node, f"a connection of type {kind} has no name", "add name:")
            return
        limit = read.pop("max_concurrent_assets", None)
        yield RawConnection(
            name=name,
            type=kind,
            values=self._complete(kind, {k: v for k, v in read.items() if v is not None}),
            max_concurrent_assets=limit if isinstance(limit, int) and limit > 0 else None,
            variables=tuple(values.used),
            missing=values.missing,
            file=self.file,
            line=node.start_mark.line + 1,
        )

    def _complete(self, kind: str, values: dict[str, Any]) -> dict[str, Any]:
        for key in types.PATHS.get(kind, ()):
            if isinstance(path := values.get(key), str) and _is_relative(path):
                values[key] = os.path.normpath(self.folder / path)
        if kind in types.PORTS and not values.get("port"):
            values["port"] = types.PORTS[kind]
        return values

    def _field(self, key: str, node: Node, values: _Values) -> Any:
        if not isinstance(node, ScalarNode):
            return self._nested(node, values, 0)
        if is_null(node):
            return None
        text = values.expand(node.value)
        if _VARIABLE.search(text):
            return text  # unset: whoever uses the connection is told
        for keys, words, fits in _KINDS:
            if key in keys:
                return self._fitting(key, node, text, words, fits)
        return text

    def _fitting(self, key: str, node: Node, text: str, words: str, fits: _Fits) -> Any:
        value = typed_text(text)
        if key in types.BOOLEANS:
            value = _YES_NO.get(text.lower(), value)
        if fits(value):
            return value
        self.source.fault(node, f"{key} must be {words}")
        return None

    def _nested(self, node: Node, values: _Values, depth: int) -> Any:
        if depth > _DEEPEST:
            self.source.fault(node, "nested too deep, or a value that contains itself")
            raise DefinitionError(self.source.faults)
        if isinstance(node, ScalarNode):
            value = self._typed(node)
            if not isinstance(value, str):
                return value
            text = values.expand(value)
            return typed_text(text) if text != value and node.tag == PLAIN else text
        if isinstance(node, MappingNode):
            found = entries(self.source, node) or {}
            return {key: self._nested(pair[1], values, depth + 1) for key, pair in found.items()}
        self.source.spend(node, len(node.value) + 1)
        return [self._nested(item, values, depth + 1) for item in node.value]

    def _typed(self, node: ScalarNode) -> Any:
        try:
            return typed(node)
        except ValueError:
            self.source.fault(node, "the value does not fit its tag")
            return None

    def _mapping(self, node: Node | None, what: str) -> dict[str, Entry]:
        """The pairs of a mapping; another kind of node is a fault that does not show it."""
        if node is None or is_null(node):
            return {}
        if isinstance(node, MappingNode):
            return entries(self.source, node) or {}
        self.source.fault(node, f"{what} must be a mapping of keys and values")
        return {}

    def _word(self, pair: Entry | None) -> str:
        if pair is None or is_null(pair[1]):
            return ""
        if isinstance(pair[1], ScalarNode):
            return self._text(pair[1])
        self.source.fault(pair[1], f"{pair[0].value} must be text")
        return ""

    def _text(self, node: ScalarNode) -> str:
        return _Values(self.environ).expand(node.value)

    def _warn(self, node: Node, message: str, hint: str) -> None:
        self.source.warn(node.start_mark.line + 1, message, rule="connections", hint=hint)


def _value(found: Mapping[str, Entry], key: str) -> Node | None:
    return found[key][1] if key in found else None


def _rank(kind: str) -> int:
    return types.KNOWN.index(kind) if kind in types.KNOWN else len(types.KNOWN)


def _is_relative(path: str) -> bool:
    is_special = path in ("", ":memory:") or path.startswith(("md:", "~", "${"))
    return not is_special and not Path(path).is_absolute()


def _without_values(fault: Fault) -> Fault:
    """The fault without what YAML's reader quotes from the file: `*secret` looks like an alias."""
    return Fault(
        rule=fault.rule,
        message=_QUOTED.sub(r"\1", fault.message),
        file=fault.file,
        line=fault.line,
        column=fault.column,
        hint=fault.hint,
    )
