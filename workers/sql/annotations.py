"""The comment before each statement that tells whose it is, for the server's own logs. Pure."""

import json
from collections.abc import Mapping
from typing import Any

from workers.sql.scripts import BadAsset

DEFAULT = "default"


def comment(annotations: str, fields: Mapping[str, str]) -> str:
    """`-- @bruin.config: {...}` and a line end; nothing without `annotations`.

    `annotations` is a JSON object whose keys join `fields`, or "default" for these alone.
    """
    if not annotations:
        return ""
    more: Any = {}
    if annotations != DEFAULT:
        try:
            more = json.loads(annotations)
        except ValueError as error:
            raise BadAsset(f"the query annotations are not JSON: {error}") from error
    if not isinstance(more, dict):
        raise BadAsset("the query annotations are not a JSON object", 'as in {"team": "sales"}')
    text = json.dumps({**fields, **more}, sort_keys=True, separators=(",", ":"))
    return f"-- @bruin.config: {text}\n"
