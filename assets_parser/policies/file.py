"""Reads policy.yml in the project's root: a team's own rules, and to what they apply.

`assets_parser.rules.policy` calls `load`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from assets_parser.faults import DefinitionError, Fault
from assets_parser.fields import Table, Values, document, entries, placed, record, sequence, text
from assets_parser.files import read_text
from assets_parser.policies import grammar, patterns
from assets_parser.policies.grammar import Node
from assets_parser.policies.machine import Pattern
from assets_parser.policies.tokens import ExpressionError
from assets_parser.rules.policy import FILES
from assets_parser.source import Source, nearest, shortened
from assets_parser.suggestions import did_you_mean
from assets_parser.yaml_text import Node as YamlNode
from assets_parser.yaml_text import ScalarNode, is_null

RULE = "policy"
SELECTORS = ("path", "pipeline", "asset", "tag")
_NAME = re.compile(r"[A-Za-z0-9-]+")
_FLAGS = re.compile(r"\(\?[is]+\)")

TARGETS = ("asset", "pipeline")


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomRule:
    """A rule of the team's own: what must be true of each asset, or of the pipeline."""

    name: str
    description: str
    criteria: Node
    target: str = "asset"  # one of TARGETS
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """Names of rules, and the selectors that all must match: what is looked at, and its pattern."""

    name: str
    rules: tuple[str, ...] = ()
    selectors: tuple[tuple[str, Pattern], ...] = ()
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """All of the file; `faults` are what is wrong in it."""

    file: str = ""
    custom: Mapping[str, CustomRule]
    sets: tuple[RuleSet, ...] = ()
    faults: tuple[Fault, ...] = ()


def load(root: Path, known: frozenset[str]) -> Policy | None:
    """The policy of a project, None if it has none; `known` are the names of built-in rules."""
    name = next((one for one in FILES if (root / one).is_file()), None)
    if name is None:
        return None
    source = Source(name)
    try:
        found = document(source, read_text(source, str(root / name)).removeprefix("\ufeff"), _FILE)
    except DefinitionError as error:
        return Policy(file=name, custom={}, faults=error.faults)
    values = found or {}
    custom = _customs(source, values.get("custom_rules", []))
    sets = [_set(source, one, known | set(custom)) for one in values.get("rulesets", [])]
    return Policy(file=name, custom=custom, sets=tuple(sets), faults=tuple(source.faults))


def _customs(source: Source, items: list[Values]) -> dict[str, CustomRule]:
    found: dict[str, CustomRule] = {}
    for item in items:
        name, line = _named(source, item, "a custom rule"), item["line"]
        if name in found:
            _fault(source, line, f"the custom rule '{name}' is there more than once")
        rule = _custom(source, item, name)
        if rule is not None:
            found[name] = rule
    return found


def _custom(source: Source, item: Values, name: str) -> CustomRule | None:
    line = item["line"]
    for field in ("description", "criteria"):
        if not item.get(field, "").strip():
            _fault(source, line, f"the custom rule '{name}' has no {field}")
            return None
    target = item.get("target", "") or "asset"
    if target not in TARGETS:
        hint = did_you_mean(target, TARGETS) or "write asset or pipeline"
        _fault(source, line, f"'{target}' is not a target of rules", hint)
        return None
    try:
        criteria = grammar.parse(item["criteria"])
    except ExpressionError as error:
        _fault(source, item["criteria_line"], f"the criteria of '{name}' cannot be read: {error}")
        return None
    what = item["description"].strip()
    return CustomRule(name=name, description=what, criteria=criteria, target=target, line=line)


def _set(source: Source, item: Values, known: frozenset[str]) -> RuleSet:
    name, line = _named(source, item, "a ruleset"), item["line"]
    rules = tuple(item.get("rules", ()))
    if not rules:
        _fault(source, line, f"the ruleset '{name}' has no rules")
    for one in rules:
        if one not in known:
            _fault(source, line, f"there is no rule '{one}'", did_you_mean(one, known))
    return RuleSet(
        name=name,
        rules=tuple(one for one in rules if one in known),
        selectors=tuple(pair for mapping in item.get("selector", ()) for pair in mapping),
        line=line,
    )


def _named(source: Source, item: Values, what: str) -> str:
    name: str = item.get("name", "").strip()
    if not name:
        _fault(source, item["line"], f"{what} has no name")
    elif not _NAME.fullmatch(name):
        _fault(source, item["line"], f"'{shortened(name)}' is not a name", "letters, digits and -")
    return name


def _fault(source: Source, line: int, message: str, hint: str = "") -> None:
    source.fault(None, message, rule=RULE, line=line, hint=hint)


def _selector(source: Source, node: YamlNode, path: str) -> list[tuple[str, Pattern]]:
    """One item of `selector`: patterns by what they look at."""
    found = []
    for name, (key, value) in (entries(source, node, first="path") or {}).items():
        if name not in SELECTORS:
            hint = nearest(name, SELECTORS) or f"there are {', '.join(SELECTORS)}"
            source.fault(key, f"'{shortened(name)}' selects nothing", rule=RULE, hint=hint)
        elif not isinstance(value, ScalarNode) or is_null(value):
            source.fault(value, f"{name} needs a pattern", rule=RULE)
        else:
            found.extend(_pattern(source, name, value))
    return found


def _pattern(source: Source, name: str, node: ScalarNode) -> list[tuple[str, Pattern]]:
    try:
        whole = node.value if name == "tag" else _anchored(node.value)
        return [(name, patterns.compiled(whole))]
    except ValueError as error:
        message = f"the pattern '{shortened(node.value)}' cannot be used: {error}"
        source.fault(node, message, rule=RULE)
        return []


def _anchored(pattern: str) -> str:
    """As Bruin: every selector but that of tags must match all of the text."""
    flags = _FLAGS.match(pattern)
    start = flags.end() if flags else 0
    begin = "" if pattern.startswith("^", start) else "^"
    end = "" if pattern.endswith("$") else "$"
    return pattern[:start] + begin + pattern[start:] + end


def _criteria(source: Source, node: YamlNode, path: str) -> str | None:
    source.lines[path] = node.start_mark.line + 1
    return text(source, node, path)


def _rule(source: Source, node: YamlNode, path: str) -> Values | None:
    values: Values | None = placed(_RULE_FIELDS)(source, node, path)
    if values is not None:
        values["criteria_line"] = source.lines.get(f"{path}.criteria", values["line"])
    return values


_RULE_FIELDS = record(
    {"name": text, "description": text, "criteria": _criteria, "target": text}, unknown="note"
)
_RULESET = placed(
    record({"name": text, "selector": sequence(_selector), "rules": sequence(text)}, unknown="note")
)
_FILE: Table = {"custom_rules": sequence(_rule), "rulesets": sequence(_RULESET)}
