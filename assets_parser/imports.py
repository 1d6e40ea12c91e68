"""Which modules a Python source imports, so that workers know who opens a database himself."""

import ast
from collections.abc import Iterator

_LARGEST = 1_000_000  # characters; nobody writes such a file by hand
_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")  # where statements hold statements


def top_level(source: str) -> tuple[str, ...]:
    """The sorted first parts of all modules that the source imports, at any depth of its code.

    A source that does not parse, or is too large to be worth it, imports nothing.
    """
    if "import" not in source or len(source) > _LARGEST:
        return ()
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    return tuple(sorted({name.partition(".")[0] for name in _names(tree)}))


def _names(tree: ast.AST) -> Iterator[str]:
    """The imported modules; only statements are looked at, as imports are nothing else."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
        for block in _BLOCKS:
            inner = getattr(node, block, None)
            waiting.extend(inner if isinstance(inner, list) else ())
