"""What a Python source may open: the modules that it imports and the database files that it names.

The plan looks, so that workers know who opens a database himself, and which. What an asset imports
from its own project counts as if it stood in the asset.
"""

import ast
import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

OPENERS = {"duckdb": "duckdb", "sqlite3": "sqlite"}  # modules, and the connections they can open
_LARGEST = 1_000_000  # characters; nobody writes such a file by hand
_MOST = 50  # files of the project that one asset is followed into
_BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")  # where statements hold statements
# from the start of a word: a long one would be read again from each of its letters
_DATABASE = re.compile(r"(?<![\w.\-])[\w.\-]+\.(?:duckdb|ddb|db|db3|sqlite|sqlite3)\b", re.ASCII)
_SCRIPT = re.compile(r"(?<![\w./\-])[\w./\-]+\.(?:py|sh)\b", re.ASCII)
_STARTED = re.compile(r"""-m["',\s]+([A-Za-z_][\w.]*)""", re.ASCII)  # `python -m etl.load`
# who opens a DuckDB file without importing duckdb: `dbt build`, dlt, ibis and SQLAlchemy
_INDIRECT = re.compile(
    r"""\bdbt["',\s]+(?:build|run|seed|snapshot|test)\b|\bdbtRunner\b"""
    r"""|["']duckdb["':]|\b(?:ibis|destinations)\.duckdb\b""",
    re.ASCII,
)
# os.environ["X"], unless it is set there, os.environ.get("X"), os.getenv("X"); R's Sys.getenv too
_VARIABLE = re.compile(
    r"""\b(?:environ(?:\.get\s?\(|\[)|getenv\()\s{0,9}["']([A-Za-z_]\w*)["'](?!\s?\]\s?=[^=])""",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Reach:
    """The first parts of the imported modules and the last parts of database files, sorted.

    What opens DuckDB through another program or library counts as an import of duckdb. `reads`
    are the variables that the sources ask the environment for by name.
    """

    imports: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()


def of(source: str, folder: Path, root: Path) -> Reach:
    """What a source in `folder` reaches by itself and through files of the project at `root`.

    Followed are modules found in the source's folder or one above it, and scripts that it names,
    as for a subprocess. What does not parse, or is too large to be worth it, reaches nothing.
    """
    folders = [folder, *(above for above in folder.parents if above.is_relative_to(root))]
    imported: set[str] = set()
    named: set[str] = set()
    reads: set[str] = set()
    seen: set[Path] = set()
    waiting = [source]
    while waiting:
        text = waiting.pop()
        modules = _modules(text)
        started = {name.rstrip(".") for name in _STARTED.findall(text)}
        imported.update(module.lstrip(".").partition(".")[0] for module in modules)
        if len(text) <= _LARGEST and _INDIRECT.search(text):
            imported.add("duckdb")
        named.update(files(text))
        if len(text) <= _LARGEST:
            reads.update(_VARIABLE.findall(text))
        for file in _local(modules | started, _SCRIPT.findall(text), folders):
            if file not in seen and len(seen) < _MOST:
                seen.add(file)
                waiting.append(_text(file))
    return Reach(
        imports=tuple(sorted(imported - {""})),
        files=tuple(sorted(named)),
        reads=tuple(sorted(reads)),
    )


def files(text: str) -> tuple[str, ...]:
    """The last parts of what looks like a path of a DuckDB or SQLite file."""
    return tuple(sorted(set(_DATABASE.findall(text)))) if len(text) <= _LARGEST else ()


def _modules(source: str) -> set[str]:
    """All dotted names that the source imports, at any depth of its code."""
    if "import" not in source or len(source) > _LARGEST:
        return set()
    try:
        return set(_names(ast.parse(source)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()


def _names(tree: ast.AST) -> Iterator[str]:
    """The imported modules; only statements are looked at, as imports are nothing else."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = "." if node.level else ""
            module = start + (node.module or "")
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)
        for block in _BLOCKS:
            inner = getattr(node, block, None)
            waiting.extend(inner if isinstance(inner, list) else ())


def _local(modules: Iterable[str], scripts: Iterable[str], folders: list[Path]) -> Iterator[Path]:
    """The files of the project among them: sys.path may hold any folder above the source."""
    paths = [module.lstrip(".").replace(".", "/") for module in modules]
    wanted = [*(f"{path}.py" for path in paths), *(f"{path}/__init__.py" for path in paths)]
    for name in wanted:
        yield from [folder / name for folder in folders if (folder / name).is_file()][:1]
    for name in (path.lstrip("/") for path in scripts if ".." not in path):
        yield from list(itertools.islice(_places(name, folders), 1))


def _places(name: str, folders: list[Path]) -> Iterator[Path]:
    """Where the script is; a bare name may stand behind its folder's: ROOT / "scripts" / "x.py"."""
    yield from (folder / name for folder in folders if (folder / name).is_file())
    if "/" not in name:
        for folder in folders:
            yield from (found for found in folder.glob(f"*/{name}") if found.is_file())


def _text(file: Path) -> str:
    try:
        small = file.stat().st_size <= 4 * _LARGEST
        return file.read_text("utf-8", errors="replace") if small else ""
    except OSError:
        return ""  # running the asset will say what is wrong with it
