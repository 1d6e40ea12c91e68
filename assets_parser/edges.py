"""`depends` of a definition: what an asset comes after. `definition` puts it in its table."""

from typing import Any, Literal

from assets_parser.fields import entries, scalar
from assets_parser.model import Dependency, DependencyColumn
from assets_parser.source import Source, nearest, shortened
from assets_parser.yaml_text import Node, ScalarNode, SequenceNode, is_moment, is_null

_KEYS = ("asset", "uri", "mode", "columns")


def depends(source: Source, node: Node, path: str) -> list[Dependency]:
    """One upstream or a list of them, each a name or a mapping."""
    if not isinstance(node, SequenceNode):
        return _one(source, node)
    source.spend(node, len(node.value) + 1)
    return [found for item in node.value if not is_null(item) for found in _one(source, item)]


def _one(source: Source, node: Node) -> list[Dependency]:
    line = node.start_mark.line + 1
    if isinstance(node, ScalarNode):
        return [Dependency(value=node.value, line=line)]
    found = entries(source, node)
    if found is None:
        return []
    named = {name: value for name, (_key, value) in found.items()}
    _notes(source, found, line)
    kinds: list[Literal["asset", "uri"]] = [kind for kind in ("asset", "uri") if kind in named]
    if len(kinds) != 1:
        source.fault(node, "a dependency names exactly one of 'asset' and 'uri'", rule="depends")
        return []
    value = _text(source, named[kinds[0]])
    return [
        Dependency(
            value=value or "",
            type=kinds[0],
            mode=_mode(source, found),
            columns=tuple(_columns(source, named.get("columns"))),
            line=line,
        )
    ]


def _mode(source: Source, found: dict[str, Any]) -> Literal["full", "symbolic"]:
    if "mode" not in found:
        return "full"
    key, node = found["mode"]
    if is_null(node):
        source.fault(key, "mode is empty", rule="depends", hint="write full or symbolic")
        return "full"
    mode = (_text(source, node) or "full").lower()
    if mode == "symbolic":
        return "symbolic"
    if mode != "full":
        message = f"the mode '{shortened(mode)}' is not known and counts as full"
        source.warn(node.start_mark.line + 1, message, rule="depends", hint="full or symbolic")
    return "full"


def _columns(source: Source, node: Node | None) -> list[DependencyColumn]:
    if node is None:
        return []
    if not isinstance(node, SequenceNode):
        source.fault(node, "the columns of a dependency are a list", rule="depends")
        return []
    source.spend(node, len(node.value) + 1)
    return [column for item in node.value if (column := _column(source, item)) is not None]


def _column(source: Source, node: Node) -> DependencyColumn | None:
    if isinstance(node, ScalarNode):
        name = _text(source, node)
        return DependencyColumn(name=name) if name is not None else None
    found = entries(source, node)
    if found is None:
        return None
    if "name" not in found:
        source.fault(node, "a column of a dependency needs a name", rule="depends")
        return None
    values = {key: _text(source, found[key][1]) or "" for key in ("name", "usage") if key in found}
    return DependencyColumn(**values)


def _text(source: Source, node: Node) -> str | None:
    value = scalar(source, node) if isinstance(node, ScalarNode) else node
    if isinstance(value, str) and not is_moment(node):
        return value
    source.fault(node, "expected text here", rule="depends", hint="put it in quotes")
    return None


def _notes(source: Source, found: dict[str, Any], line: int) -> None:
    """Bruin ignores other keys here in silence."""
    for name in found:
        if name not in _KEYS:
            hint = nearest(name, _KEYS)
            message = f"the key '{shortened(name)}' of a dependency has no effect"
            source.warn(line, message, rule="unknown-asset-fields", hint=hint)
