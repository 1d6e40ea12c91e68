"""The files that templates include: plain files of the project. Read for the sandbox only."""

import os
from dataclasses import dataclass
from pathlib import Path

from assets_parser import files, secret_files
from assets_parser.faults import DefinitionError
from assets_parser.source import Source


@dataclass(frozen=True, slots=True)
class Included:
    """What may be included: names begin where the command was called, or in the root."""

    root: str
    folder: str = ""  # below the root, as in RunOptions

    def text(self, name: str) -> str:
        """The file's text. FileNotFoundError, or ValueError if it may not be included."""
        root = Path(self.root).resolve()
        here, top = (root / self.folder / name).resolve(), (root / name).resolve()
        path = top if top.is_file() and not here.is_file() else here
        if Path(name).is_absolute() or not path.is_relative_to(root):
            raise ValueError(f"{name} lies outside of the project")
        parts = path.relative_to(root).parts
        hidden = any(part.startswith(".") for part in parts)
        if hidden or path.suffix == ".pem" or secret_files.named(parts):
            raise ValueError(f"{name} may hold secrets")
        if not path.is_file():
            raise FileNotFoundError(f"there is no file {os.path.normpath(name)}")
        try:
            return files.printable(files.read_text(Source(name), str(path)))
        except DefinitionError as error:
            raise ValueError(error.faults[0].message) from None
