"""What validation says about small projects, line by line, as people read it."""

from collections.abc import Mapping
from pathlib import Path

from assets_parser.pipeline import load
from assets_parser.validation import report
from tests.support.written import write

SHOP = "name: shop\ndefault_connections: {duckdb: db}\n"


def said(root: Path, files: Mapping[str, str], *, slow: bool = True) -> list[str]:
    """All faults of a pipeline of these files; a pipeline.yml and a git root are added."""
    write(root, {".git/HEAD": "", "pipeline.yml": SHOP, **files})
    return [str(fault) for fault in report(load(root), slow=slow)]


def said_of(root: Path, name: str, text: str) -> list[str]:
    """The faults of a pipeline of one asset, without the file's name."""
    place = f"assets/{name}"
    return [line.removeprefix(f"{place}:") for line in said(root, {place: text})]


def sql(header: str, query: str = "select 1 as id") -> str:
    """A SQL file of an asset `a.b` for DuckDB."""
    return f"/* @bruin\nname: a.b\ntype: duckdb.sql\n{header}\n@bruin */\n{query}\n"


def yaml(kind: str, more: str = "") -> str:
    """A YAML file of an asset `a.b` of this type."""
    return f"name: a.b\ntype: {kind}\n{more}"
