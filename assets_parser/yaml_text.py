"""YAML text becomes nodes whose scalars keep their raw text, typed as Go's yaml.v3 does it.

PyYAML only composes here (libyaml where it is there, its own parser elsewhere); what a scalar
means is decided by the field that reads it. `assets_parser.fields` is the main caller.
"""

import math
import re
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from assets_parser.faults import DefinitionError, Fault
from assets_parser.moments import rfc3339

__all__ = ["MappingNode", "Node", "ScalarNode", "SequenceNode"]  # for readers of these nodes

PLAIN = "plain"  # the tag of scalars without quotes and without a tag of their own
QUOTED = "quoted"
TAG = "tag:yaml.org,2002:"

_MOST_TEXT = 4 * 1024 * 1024  # characters
_MOST_DEPTH = 200
_SHALLOW = 4096  # characters; a text this short cannot nest deep enough to hurt the composer

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_WORDS: dict[str, Any] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(_NULLS, None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_NUMBER_START = frozenset("0123456789+-.")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_INTEGER = re.compile(
    r"(?P<sign>[-+]?)(?:0[bB](?P<b2>[01]+)|0[xX](?P<b16>[0-9a-fA-F]+)"
    r"|0[oO]?(?P<b8>[0-7]+)|(?P<b10>0|[1-9][0-9]*))"
)
_BASES = {"b2": 2, "b16": 16, "b8": 8, "b10": 10}
_TAGGED: dict[str, type] = {"int": int, "float": float, "bool": bool, "null": type(None)}


class _Raw:
    """Leaves every scalar untyped: the tag only tells plain text from quoted text."""

    def resolve(self, kind: type[Node], _value: Any, implicit: Any) -> str:
        """The tag of a node that names none."""
        if kind is not ScalarNode:
            return ""
        return PLAIN if implicit[0] else QUOTED

    def descend_resolver(self, _node: Any, _index: Any) -> None:
        """Paths need no resolving."""

    def ascend_resolver(self) -> None:
        """Paths need no resolving."""


if yaml.__with_libyaml__:
    from yaml._yaml import CParser

    class _Composer(_Raw, CParser):
        def __init__(self, text: str) -> None:
            CParser.__init__(self, text)

else:
    from yaml.composer import Composer
    from yaml.parser import Parser
    from yaml.reader import Reader
    from yaml.scanner import Scanner

    class _Composer(_Raw, Reader, Scanner, Parser, Composer):  # type: ignore[no-redef]
        def __init__(self, text: str) -> None:
            Reader.__init__(self, text)
            Scanner.__init__(self)
            Parser.__init__(self)
            Composer.__init__(self)


def compose(text: str, file: str) -> Node | None:
    """The first document of the text, None if it is empty; DefinitionError names `file`."""
    if len(text) > _MOST_TEXT:
        raise _refused(file, f"the definition is longer than {_MOST_TEXT} characters")
    _check_encoding(text, file)
    try:
        if len(text) > _SHALLOW and (line := _too_deep(text)):
            raise _refused(file, f"nested deeper than {_MOST_DEPTH} levels", line=line)
        node = _first_document(text)
    except yaml.YAMLError as error:
        raise DefinitionError([_syntax_fault(error, text, file)]) from None
    except RecursionError:
        raise _refused(file, "nested too deep") from None
    if "\\/" in text and node is not None and (bad := _slash_escape(node, text)):
        raise _refused(file, "unknown escape \\/ in double quotes", line=bad.start_mark.line + 1)
    return node


def is_null(node: Node) -> bool:
    """Whether the node is a null, written or left out."""
    tag = node.tag
    if tag == PLAIN:
        return node.value in _NULLS
    return bool(tag == TAG + "null" and node.value in _NULLS)


def is_moment(node: Node) -> bool:
    """Whether Go reads the scalar as a moment instead of a text: an unquoted date or time."""
    return node.tag in (PLAIN, TAG + "timestamp") and rfc3339(node.value) is not None


def fits_64_bits(value: float) -> bool:
    """Whether Go's int holds the number."""
    return -(2**63) <= value < 2**63


def typed(node: ScalarNode) -> Any:
    """The scalar as None, bool, int, float or str; dates stay text. ValueError if its tag lies."""
    tag, text = node.tag, node.value
    if tag == PLAIN:
        return typed_text(text)
    if not tag.startswith(TAG):
        return text
    return _tagged(tag.removeprefix(TAG), text)


def typed_text(text: str) -> Any:
    """An unquoted scalar as None, bool, int, float or str, by the rules of yaml.v3."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMBER_START:
        return text
    digits = text.replace("_", "")
    if (match := _INTEGER.fullmatch(digits)) and (found := _integer(match)) is not None:
        return found
    if _FLOAT.fullmatch(digits) and math.isfinite(number := float(digits)):
        return number
    return text


def _integer(match: re.Match[str]) -> int | None:
    """The number if 64 bits hold it, as Go reads it."""
    base = str(match.lastgroup)
    if len(match[base]) > 64:
        return None
    number = int(match[base], _BASES[base])
    signed = -number if match["sign"] == "-" else number
    return signed if -(2**63) <= signed < 2**64 else None


def _tagged(tag: str, text: str) -> Any:
    """A scalar with a standard tag of its own, such as `!!int '5'`."""
    if tag == "binary":
        return _decoded(text)
    if tag == "timestamp" and rfc3339(text) is None:
        raise ValueError(f"'{text}' is not timestamp")
    if tag not in _TAGGED:
        return text
    value, kind = typed_text(text), _TAGGED[tag]
    if tag == "float" and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise ValueError(f"'{text}' is not {tag}")
    return value


def _decoded(text: str) -> str:
    """What a `!!binary` scalar holds, as text; base64 may be broken into lines."""
    import base64  # noqa: PLC0415 - rare

    data = text.replace("\n", "").replace("\r", "")
    return base64.b64decode(data, validate=True).decode()


def _check_encoding(text: str, file: str) -> None:
    """Bytes that are not UTF-8 arrive as lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        line = text.count("\n", 0, error.start) + 1
        raise _refused(file, "the text is not UTF-8", line=line) from None


def _first_document(text: str) -> Node | None:
    parser = _Composer(text)
    if not parser.check_node():
        return None
    node = parser.get_node()
    parser.peek_event()  # text that follows without `---` is an error here; yaml.v3 drops it
    return node


def _too_deep(text: str) -> int:
    """The line that nests too deep, else 0; found by events, because composing recurses in C."""
    parser = _Composer(text)
    depth = 0
    while (event := parser.get_event()) is not None:
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _MOST_DEPTH:
            return int(event.start_mark.line) + 1 if event.start_mark else 1
        if isinstance(event, yaml.DocumentEndEvent):
            break
    return 0


def _slash_escape(node: Node, text: str) -> ScalarNode | None:
    """The first scalar in double quotes with an escaped slash, which yaml.v3 does not take."""
    stack, seen = [node], set()
    while stack:
        one = stack.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, ScalarNode):
            raw = text[one.start_mark.index : one.end_mark.index]
            if one.style == '"' and "\\/" in raw.replace("\\\\", ""):
                return one
        elif isinstance(one, MappingNode):
            stack.extend(part for pair in one.value for part in pair)
        else:
            stack.extend(one.value)
    return None


def _refused(file: str, message: str, *, line: int = 0) -> DefinitionError:
    return DefinitionError([Fault(rule="yaml", message=message, file=file, line=line)])


_HINTS = (
    ("cannot start any token", "quote a value that starts with @, `, % or a tab"),
    ("mapping values are not allowed", "quote a value that holds a colon and a blank"),
    ("<document start>", "all keys of a definition start in the same column"),
    ("found undefined alias", "quote a value that starts with *"),
    ("<block end>", "check the indentation of this line"),
)


def _syntax_fault(error: yaml.YAMLError, text: str, file: str) -> Fault:
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        message = " ".join(part for part in (error.context, error.problem) if part)
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
    else:  # a character that YAML does not allow; libyaml's position counts bytes
        before = text.encode()[: getattr(error, "position", 0)].decode(errors="replace")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        message = str(getattr(error, "reason", error))
    hint = next((hint for part, hint in _HINTS if part in message), "")
    return Fault(rule="yaml", message=message, file=file, line=line, column=column, hint=hint)
