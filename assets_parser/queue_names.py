"""Which texts can name a queue: an asset's `instance` does. Asked by validation and by workers."""

import re

RESERVED = ("fleet.advance", "*")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def fault(name: str) -> str:
    """Why `name` cannot name a queue, in words; empty if it can."""
    if name in RESERVED or name.startswith("@"):
        return "that name is kept for fleet itself"
    if not _NAME.fullmatch(name):
        return "a queue is named by 1 to 64 letters, digits, '.', '_' and '-', no sign first"
    return ""
