"""The macros of a pipeline's `macros` folder, which every template may use. For rendering."""

from dataclasses import dataclass
from pathlib import PurePosixPath

from assets_parser.model import Pipeline


@dataclass(frozen=True, slots=True)
class Macros:
    """The files as one template, so that they may call each other; `starts` are their lines."""

    text: str
    starts: tuple[tuple[int, str], ...]

    def place(self, line: int) -> tuple[str, int]:
        """The file and its line that a line of the whole text is."""
        first, file = next(one for one in reversed(self.starts) if one[0] <= max(line, 1))
        return file, max(line, 1) - first + 1


def macros_of(pipeline: Pipeline) -> Macros | None:
    """The macro files directly in the folder, by name; None if there are none."""
    folder = PurePosixPath(pipeline.path).parent / "macros"
    text = ""
    starts = []
    for file, content in zip(pipeline.macro_files, pipeline.macros, strict=False):
        if PurePosixPath(file).parent == folder:
            starts.append((1 + text.count("\n"), file))
            text += content + "\n"
    return Macros(text, tuple(starts)) if starts else None
