"""The rule about tables that an asset's SQL reads: those of this pipeline belong into `depends`."""

import re
from collections.abc import Iterator
from dataclasses import replace

from assets_parser.faults import Fault
from assets_parser.known_tables import KnownTables
from assets_parser.model import Asset, Pipeline
from assets_parser.rules.places import warn_asset
from assets_parser.sql_tables import dialect_of

# one that is never closed reaches to the end, so that nothing is read twice
_TEMPLATE = re.compile(r"\{\{.*?(?:\}\}|\Z)|\{%.*?(?:%\}|\Z)|\{#.*?(?:#\}|\Z)", re.DOTALL)


def check(pipeline: Pipeline) -> Iterator[Fault]:
    """Warnings about assets that are read and not declared; the run still reads them in order."""
    known = KnownTables(asset.name for asset in pipeline.assets)
    for asset in pipeline.assets:
        if asset.type.endswith(".sql"):
            yield from _undeclared(asset, known)


def without_templates(text: str) -> str:
    """The text as SQL with words instead of its templates, every line where it was."""
    return _TEMPLATE.sub(_neutral, text)


def _undeclared(asset: Asset, known: KnownTables) -> Iterator[Fault]:
    sql = without_templates(asset.body)
    declared = (asset.name, *(one.value for one in asset.depends))
    seen: set[str] = set()
    for name, one in known.read(sql, dialect_of(asset.type), declared):
        is_only_a_word = one.use == "word" and "." not in name  # of SQL that cannot be parsed
        if name not in seen and not is_only_a_word:
            seen.add(name)
            fault = warn_asset(
                asset,
                "used-tables",
                f"the query reads '{name}', which is not in depends",
                line=asset.body_line + sql.count("\n", 0, one.start),
                hint=f"add '{name}' to depends: a failure of it then also stops this asset",
            )
            yield _in_body(fault, asset)


def _neutral(template: "re.Match[str]") -> str:
    """A word of the same length and lines for an expression, nothing for a statement."""
    text = template[0]
    first = "j" if text.startswith("{{") else " "
    if first == "j" and "\n" not in text:
        return "j".ljust(len(text), "_")
    return first + "".join("\n" if sign == "\n" else " " for sign in text[1:])


def _in_body(fault: Fault, asset: Asset) -> Fault:
    return replace(fault, file=asset.body_path or asset.path)
