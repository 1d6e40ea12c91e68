"""Lets ingestr load into a file of the step's own folder, to see what it makes of the values.

Called where only ingestr knows: before a load that would replace a table's rows, by loads of Python
assets and seeds. It reads and casts as the load itself would.
"""

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workers import ingestr, loading
from workers.arrow_files import is_list
from workers.castable import unreadable
from workers.context import StepContext
from workers.load_flags import Load
from workers.loading import Work
from workers.masking import Masker
from workers.sql.names import resolve

_OWN = "_ingestr_loaded_at"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What ingestr made: rows, and for each column how many values it holds."""

    rows: int
    values: dict[str, int]
    lists: tuple[str, ...] = ()  # columns that hold lists

    def value(self, name: str) -> int | None:
        """How many values the column holds that `name` means, None if there is none."""
        found = resolve(name, self.values)
        return self.values[found] if found else None


def play(context: StepContext, source: str, table: str, flags: Sequence[str], folder: Path) -> Made:
    """What comes of `source` with these flags; StepFailed if ingestr cannot read it."""
    path = folder / "rehearsal.parquet"
    work = Work(
        source=source,
        source_table=table,
        table="rehearsal",
        load=Load(strategy="replace", flags=tuple(flags)),
    )
    context.progress({"note": "looking for values that would be lost"})
    ingestr.run(
        context.settings,
        loading.job(context, work, f"parquet://{path}"),
        cwd=context.project,
        log=context.log,
        stop=context.stop,
        masker=Masker([]),
        progress=lambda heard: None,
    )
    made = _counted(path)
    path.unlink()
    return made


def compare(
    given: Mapping[str, int], made: Made, where: str = "", *, kinds: Mapping[str, str] | None = None
) -> None:
    """StepFailed if ingestr made fewer values than there were; `kinds` are words about a column."""
    kept = {name: made.value(name) for name in given}
    lost = {n: given[n] - count for n, count in kept.items() if count is not None}
    words = [
        f"{count:,} of column {name!r}{(kinds or {}).get(name, '')}"
        for name, count in lost.items()
        if count > 0
    ]
    if words:
        raise unreadable(f"{', '.join(words)}{where}")


def _counted(path: Path) -> Made:
    parquet: Any = importlib.import_module("pyarrow.parquet")  # few loads need it
    with parquet.ParquetFile(path) as file:
        schema = file.schema_arrow
        names = [name for name in schema.names if name != _OWN]
        lists = tuple(name for name in names if is_list(schema.field(name).type))
        values = dict.fromkeys(names, 0)
        rows = 0
        for batch in file.iter_batches(columns=names):
            rows += batch.num_rows
            for name in names:
                column = batch.column(name)
                values[name] += len(column) - column.null_count
    return Made(rows=rows, values=values, lists=lists)
