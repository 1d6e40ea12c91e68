"""The values of a pipeline's variables: defaults, --var, BRUIN_VARS, variants, their JSON texts."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from assets_parser.faults import DefinitionError, Fault
from assets_parser.model import Pipeline
from assets_parser.suggestions import did_you_mean

_ESCAPES = {ord(char): f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"}


def parse(
    given: Sequence[str], pipeline: Pipeline, environ: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """What --var says, by name; without any, what BRUIN_VARS in `environ` says. The last one wins.

    Each text is `key=<JSON>` or one JSON object. DefinitionError with all faults: no JSON, or a
    name that the pipeline does not declare.
    """
    texts = list(given) or [text for text in [(environ or {}).get("BRUIN_VARS", "")] if text]
    found: dict[str, Any] = {}
    faults: list[Fault] = []
    for text in texts:
        try:
            found.update(_read(text))
        except ValueError as error:
            faults.append(_fault(pipeline, str(error)))
    faults.extend(_unknown(name, pipeline) for name in found if name not in pipeline.variables)
    if faults:
        raise DefinitionError(faults)
    return found


def values(
    pipeline: Pipeline, given: Mapping[str, Any] | None = None, variant: str = ""
) -> dict[str, Any]:
    """The value of every variable: its default, what --var says, and over both the variant's."""
    defaults = {name: (schema or {}).get("default") for name, schema in pipeline.variables.items()}
    return {**defaults, **(given or {}), **_variant(pipeline, variant)}


def values_text(found: Mapping[str, Any]) -> str:
    """BRUIN_VARS: the values as JSON, compact and sorted, as Go writes it."""
    return _json(found)


def schema_text(pipeline: Pipeline) -> str:
    """BRUIN_VARS_SCHEMA: each variable's JSON schema without its default."""
    return _json(
        {
            name: {key: value for key, value in (schema or {}).items() if key != "default"}
            for name, schema in pipeline.variables.items()
        }
    )


def _variant(pipeline: Pipeline, variant: str) -> Mapping[str, Any]:
    if not variant:
        return {}
    if variant not in pipeline.variants:
        known = ", ".join(pipeline.variants) or "none"
        hint = did_you_mean(variant, pipeline.variants)
        raise DefinitionError(
            [_fault(pipeline, f"no variant '{variant}'; known: {known}", "variants", hint)]
        )
    return pipeline.variants[variant] or {}


def _read(text: str) -> dict[str, Any]:
    """One --var as values by name; ValueError says how it must look."""
    if text.lstrip().startswith("{"):
        found = _parsed(text, text)
        return found if isinstance(found, dict) else {}
    name, separator, value = text.partition("=")
    if not separator or not name.strip():
        raise ValueError(f"--var {text!r} must be key=<JSON> or one JSON object")
    return {name.strip(): _parsed(value, text)}


def _parsed(text: str, whole: str) -> Any:
    try:
        found = json.loads(text, parse_constant=_no_constant)
        json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        name, separator, value = whole.partition("=")
        is_word = separator and re.fullmatch(r"[\w .:/-]+", value)
        hint = f": a text needs quotes, {name}='\"{value}\"'" if is_word else ""
        raise ValueError(f"--var {whole!r} is not JSON{hint}") from None
    return found


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


def _json(found: Mapping[str, Any]) -> str:
    text = json.dumps(found, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.translate(_ESCAPES)


def _unknown(name: str, pipeline: Pipeline) -> Fault:
    hint = did_you_mean(name, pipeline.variables) or "declare it under variables:"
    return _fault(pipeline, f"there is no variable '{name}'", hint=hint)


def _fault(pipeline: Pipeline, message: str, field: str = "variables", hint: str = "") -> Fault:
    line = pipeline.lines.get(field, 0)
    return Fault(rule=field, message=message, file=pipeline.path, line=line, hint=hint)
