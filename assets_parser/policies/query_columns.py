"""The columns that an asset's query gives, by name, for the rule `columns-match-query`."""

import re

from assets_parser.model import Asset
from assets_parser.sql_syntax import parsed
from assets_parser.sql_tables import dialect_of

# one that is never closed reaches to the end, so that nothing is read twice
_TEMPLATE = re.compile(r"\{%.*?(?:%\}|\Z)|\{#.*?(?:#\}|\Z)", re.DOTALL)
_PRINTED = re.compile(r"\{\{.*?(?:\}\}|\Z)", re.DOTALL)


def undeclared(asset: Asset) -> list[str]:
    """Columns of the query that the asset does not declare; none if the query is not understood."""
    from sqlglot import exp  # noqa: PLC0415 - takes a third of a second

    query = _PRINTED.sub("x", _TEMPLATE.sub(" ", asset.body)).strip().rstrip(";")
    tree = parsed(query, dialect_of(asset.type))
    if not isinstance(tree, exp.Query):
        return []
    declared = {column.name.casefold() for column in asset.columns}
    names = [name for name in tree.named_selects if name and name != "*"]
    return [name for name in names if name.casefold() not in declared]
