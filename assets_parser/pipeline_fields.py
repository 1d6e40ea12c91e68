"""The fields of pipeline.yml. `pipeline` reads files by this table."""

import re
from typing import Any

from assets_parser.definition import INHERITED, YAML_ASSET
from assets_parser.fields import (
    Read,
    Table,
    Values,
    entries,
    flag,
    free_map,
    integer,
    record,
    scalar,
    sequence,
    text,
    text_map,
    texts,
)
from assets_parser.notices import notifications
from assets_parser.source import Source, nearest, shortened
from assets_parser.unit_tests import fixtures
from assets_parser.yaml_text import Node, ScalarNode, is_null

_VARIANT_NAME = re.compile(r"[a-zA-Z0-9_-]+")
_YES = frozenset({"y", "Y", "yes", "Yes", "YES", "on", "On", "ON"})
_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}


def catchup(source: Source, node: Node, path: str) -> str | None:
    """`active`, `all`, or nothing for all else, which Bruin takes for off."""
    value = scalar(source, node) if isinstance(node, ScalarNode) else None
    if value is True or value == "active" or (isinstance(value, str) and value in _YES):
        return "active"
    return "all" if value == "all" else None


def concurrency(source: Source, node: Node, path: str) -> int | None:
    """How many runs of the pipeline may overlap; 0 means 1."""
    found = integer(source, node, path)
    return 1 if found == 0 else found


def variables(source: Source, node: Node, path: str) -> Values:
    """Variables: JSON schemas by name; a plain value is a fault."""
    found = entries(source, node) or {}
    values: Values = {}
    for name, (key, value) in found.items():
        source.lines[f"{path}.{name}"] = key.start_mark.line + 1
        if is_null(value):
            values[name] = None
        elif isinstance(value, ScalarNode):
            hint = f"write {name}: {{default: {shortened(value.value)}}}"
            source.fault(value, f"the variable '{name}' is not a schema", hint=hint)
        else:
            values[name] = free_map(source, value, path)
    return values


def variants(source: Source, node: Node, path: str) -> Values:
    """Variants: values of declared variables by the variant's name."""
    values: Values = {}
    for name, (key, value) in (entries(source, node) or {}).items():
        source.lines[f"{path}.{name}"] = key.start_mark.line + 1
        if not _VARIANT_NAME.fullmatch(name):
            hint = "use letters, digits, _ and -"
            source.fault(
                key, f"'{shortened(name)}' is no name for a variant", rule="variant", hint=hint
            )
        values[name] = {} if is_null(value) else free_map(source, value, path) or {}
    return values


def check_variants(source: Source, values: Values) -> None:
    """Report overrides of variables that are not declared, or of another type."""
    declared = values.get("variables", {})
    for variant, overrides in values.get("variants", {}).items():
        line = source.lines.get(f"variants.{variant}", 0)
        for name, value in overrides.items():
            if name not in declared:
                message = f"the variant '{variant}' sets the unknown variable '{name}'"
                hint = nearest(name, declared)
                source.fault(None, message, rule="variant", hint=hint, line=line)
            elif not fits(value, (declared[name] or {}).get("type")):
                kind = declared[name]["type"]
                message = f"the variant '{variant}' sets '{name}', which is no {kind}"
                source.fault(None, message, rule="variant", line=line)


def fits(value: Any, kind: Any) -> bool:
    """Whether a value has the JSON schema type `kind`; kinds that are not known fit all."""
    kinds = _KINDS.get(kind) if isinstance(kind, str) else None
    if kinds is None:
        return True
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, kinds) and (kind == "boolean" or not isinstance(value, bool))


def _metadata_push(source: Source, node: Node, path: str) -> bool | None:
    values = record({"bigquery": flag})(source, node, path) or {}
    return values.get("bigquery")


def _without_effect(read: Read) -> Read:
    """Reads a field of assets that has no place in `default`; a wrong value is still a fault."""

    def read_it(source: Source, node: Node, path: str) -> None:
        read(source, node, path)
        name = path.rpartition(".")[2]
        message = f"'{name}' in default reaches no asset"
        source.warn(node.start_mark.line + 1, message, rule="unknown-pipeline-fields")

    return read_it


_DEFAULT: Table = {
    key: read if key in INHERITED else _without_effect(read) for key, read in YAML_ASSET.items()
}

PIPELINE: Table = {
    "name": text,
    "id": text,
    "schedule": text,
    "start_date": text,
    "default_connections": text_map,
    "default": record(_DEFAULT, unknown="note"),
    "variables": variables,
    "variants": variants,
    "retries": integer,
    "concurrency": concurrency,
    "max_active_steps": integer,
    "catchup": catchup,
    "notifications": notifications,
    "tags": texts,
    "domains": texts,
    "meta": text_map,
    "owner": text,
    "metadata_push": _metadata_push,
    "agent": flag,
    "fixtures": fixtures,
    "assets": sequence(free_map),  # both are read from files
    "macros": texts,
    "commit": text,
    "snapshot": text,
}
