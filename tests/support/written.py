"""Writes small definitions for tests of the parser and reads them back."""

from pathlib import Path

from assets_parser.definition import parse_file
from assets_parser.faults import Fault
from assets_parser.model import Asset
from assets_parser.pipeline import Loaded, load


def write(root: Path, files: dict[str, str]) -> Path:
    """Write the files below the root."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return root


def block(header: str, body: str = "x = 1\n") -> str:
    """A Python file with a header block."""
    return f'"""@bruin\n{header}\n@bruin"""\n\n{body}'


def read(root: Path, header: str) -> Asset:
    """The asset of a header."""
    asset = parse_file(write(root, {"a.py": block(header)}) / "a.py", root)
    assert asset is not None
    return asset


def load_one(root: Path, file: str, text: str) -> Loaded:
    """A pipeline with one file among its assets."""
    write(root, {"pipeline.yml": "name: shop\n", f"assets/{file}": text})
    return load(root)


def places(faults: tuple[Fault, ...]) -> list[tuple[str, int, str]]:
    """File, line and rule of each fault."""
    return [(fault.file, fault.line, fault.rule) for fault in faults]
