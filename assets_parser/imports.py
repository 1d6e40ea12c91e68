"""Which modules a Python source imports, so that workers know who opens a database himself."""

import ast

_LARGEST = 1_000_000  # characters; nobody writes such a file by hand


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
    return tuple(sorted({name.partition(".")[0] for node in ast.walk(tree) for name in _of(node)}))


def _of(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and node.module and not node.level:
        return [node.module]
    return []
