"""One definition file becomes an Asset. `pipeline` calls `read` for each file that it finds.

What is read first is a draft, a dict of the fields that the file sets, because defaults fill only
what is not set; `drafts.build` freezes it.
"""

# paths are text here: a thousand Path objects cost more than reading the files
# ruff: noqa: PTH100, PTH118, PTH119, PTH122

import os
from dataclasses import dataclass, field
from pathlib import Path

from assets_parser import drafts, header, oldstyle
from assets_parser.columns import columns, custom_checks
from assets_parser.durations import duration, modifiers
from assets_parser.edges import depends
from assets_parser.faults import DefinitionError, Fault, Severity
from assets_parser.fields import (
    Table,
    Values,
    document,
    flag,
    free_map,
    ignored,
    integer,
    lowered,
    names,
    number,
    placed,
    record,
    sequence,
    text,
    text_map,
    texts,
)
from assets_parser.files import body_path, printable, read_text
from assets_parser.model import Asset
from assets_parser.notices import notifications
from assets_parser.source import Source
from assets_parser.unit_tests import unit_tests
from assets_parser.yaml_text import Node, ScalarNode

YAML_SUFFIXES = ("asset.yml", "asset.yaml", "task.yml", "task.yaml")
CODE_SUFFIXES = (".sql", ".py", ".r")
_TYPES = {".py": "python", ".r": "r"}


@dataclass(slots=True, kw_only=True)
class Draft:
    """One definition as read: the fields that it sets, and what was found wrong."""

    path: str
    values: Values
    defined: bool = True  # False for a file that only looks like an asset
    lines: dict[str, int] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    faults: list[Fault] = field(default_factory=list)


def parse_file(path: Path, root: Path) -> Asset | None:
    """The asset that one file defines by itself; None if it defines none.

    Raises DefinitionError with all faults of the file.
    """
    draft = read(os.path.abspath(path), os.path.abspath(root))
    if draft is None or not draft.defined:
        return None
    if errors := [fault for fault in draft.faults if fault.severity is Severity.ERROR]:
        raise DefinitionError(errors)
    return drafts.build(draft.path, draft.values, lines=draft.lines, unknown=draft.unknown)


def read(path: str, root: str) -> Draft | None:
    """The draft of one file, None if the file has nothing to say; faults are in the draft."""
    source = Source(os.path.relpath(path, root).replace(os.sep, "/"))
    values: Values | None = None
    try:
        if path.endswith(YAML_SUFFIXES):
            values = _yaml_file(source, path, root)
        elif path.endswith(CODE_SUFFIXES):
            values = _code_file(source, path)
        else:
            _warn_misnamed(source, path)
    except DefinitionError as error:
        source.faults.extend(fault for fault in error.faults if fault not in source.faults)
        values = {}
    if values is None and not source.faults:
        return None
    return Draft(
        path=source.file,
        values=values or {},
        defined=values is not None,
        lines=source.lines,
        unknown=names(source.unknown),
        faults=source.faults,
    )


def _code_file(source: Source, path: str) -> Values | None:
    content = read_text(source, path)
    suffix = os.path.splitext(path)[1]
    block = header.find(content)
    if block is not None:
        values = _block(source, block)
    else:
        old = oldstyle.read(source, printable(content), oldstyle.MARKERS[suffix])
        if old is None:
            _warn_look_alike(source, content)
            return None
        values = old.values | {"body": old.body, "body_line": old.body_line}
    if not values.get("type") and suffix in _TYPES:
        values["type"] = _TYPES[suffix]
    values["body_path"] = source.file
    values["body"] = printable(values.get("body", ""))
    return values


def _block(source: Source, block: header.Block) -> Values:
    if block.blank:
        source.fault(None, "the header holds no fields", rule="header", line=block.line)
        return {}
    if not block.closed:
        hint = 'end the header with a line @bruin"""'
        source.warn(block.line, "the header is never closed", rule="header", hint=hint)
    values = document(source, block.yaml, ASSET) or {}
    return values | {"body": block.body, "body_line": block.body_line}


def _yaml_file(source: Source, path: str, root: str) -> Values:
    values = document(source, read_text(source, path).removeprefix("\ufeff"), YAML_ASSET) or {}
    run = values.pop("run", "")
    if not run:
        return values
    line = source.lines.get("run", 0)
    body = body_path(source, path, run, root, line)
    if body is None:
        return values
    if not values.get("type") and (suffix := os.path.splitext(body)[1]) in _TYPES:
        values["type"] = _TYPES[suffix]
    values["body"] = printable(read_text(source, os.path.join(root, body)))
    values["body_path"], values["body_line"] = body, 1
    return values


def _warn_misnamed(source: Source, path: str) -> None:
    """A file whose name is nearly that of a definition; Bruin passes it over in silence."""
    name = os.path.basename(path)
    lower = name.lower()
    if lower.endswith((".yml", ".yaml")):
        hint = "name it *.asset.yml if it defines an asset"
        source.warn(0, "a plain YAML file defines no asset", rule="plain-yaml-files", hint=hint)
    elif lower.endswith(CODE_SUFFIXES) and header.find(read_text(source, path)):
        message = f"the suffix of {name} must be in lower case to define an asset"
        source.warn(0, message, rule="not-an-asset", hint=f"rename it to {lower}")


def _warn_look_alike(source: Source, content: str) -> None:
    if line := header.look_alike(content):
        source.warn(
            line,
            "this looks like an asset but is not read as one",
            rule="not-an-asset",
            hint='the first line must be """@bruin (or /* @bruin), with nothing before or after it',
        )


def enabled(source: Source, node: Node, path: str) -> bool | str | None:
    """`enabled`: a boolean or a template; yes and no are not accepted here."""
    found = oldstyle.switch(node.value) if isinstance(node, ScalarNode) else None
    if found is None:
        source.fault(node, "enabled is true, false or a template")
    return found


def parameters(source: Source, node: Node, path: str) -> Values | None:
    """Parameters: any values, with the lines of their names."""
    values = free_map(source, node, path)
    for key, _value in node.value if values is not None else ():
        if isinstance(key, ScalarNode):
            source.lines.setdefault(f"{path}.{key.value}", key.start_mark.line + 1)
    return values


MATERIALIZATION: Table = {
    "type": lowered,
    "strategy": lowered,
    "partition_by": text,
    "cluster_by": texts,
    "incremental_key": text,
    "incremental_predicate": text,
    "time_granularity": lowered,
}
OPTIONS: Table = {
    "snowflake": record({"warehouse": text}),
    "athena": record({"query_results_path": text}),
    "bigquery": record(
        {
            "require_partition_filter": flag,
            "partition_expiration_days": number,
            "partition_key_immutable": flag,
        }
    ),
    "doris": record(
        {"table_model": text, "distributed_by": texts, "buckets": integer, "properties": text_map}
    ),
    "starrocks": record({"table_model": text, "buckets": integer, "properties": text_map}),
    "routing": record({"egress_gateway": text}),
}
_QUERIES = sequence(record({"query": text}))
INHERITED: Table = {
    "type": text,
    "description": text,
    "owner": text,
    "image": text,
    "instance": text,
    "start_date": text,
    "connection": text,
    "depends": depends,
    "parameters": parameters,
    "secrets": sequence(placed(record({"key": text, "inject_as": text}))),
    "materialization": record(MATERIALIZATION),
    "columns": columns,
    "custom_checks": custom_checks,
    "tags": texts,
    "domains": texts,
    "extends": texts,
    "meta": text_map,
    "metadata": text_map,
    "tier": integer,
    "retries": integer,
    "rerun_cooldown": integer,
    "timeout": duration,
    "interval_modifiers": modifiers,
    "hooks": record({"pre": _QUERIES, "post": _QUERIES, "applicable_type": texts}),
    "refresh_restricted": flag,
    "full_refresh_restricted": flag,
    "notifications": notifications,
    **OPTIONS,
}
ASSET: Table = INHERITED | {
    "name": text,
    "uri": text,
    "enabled": enabled,
    "run": ignored,
    "connections": text_map,
    "unit_tests": unit_tests,
}
YAML_ASSET: Table = ASSET | {"run": text}
