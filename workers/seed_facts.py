"""What is in a seed's file, as far as a load could lose it. Called by workers.seed_step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from workers import castable, column_hints, csv_scan, rehearsal
from workers.column_hints import Hint
from workers.context import StepContext
from workers.csv_scan import Scan
from workers.errors import StepFailed
from workers.load_flags import Load, true
from workers.load_proof import Proof
from workers.sql.names import alike

_TABLE = "seed.raw"  # what Bruin calls the source's table


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """A file that ingestr can read. `written` is what messages call it."""

    path: Path
    format: str
    written: str

    @property
    def uri(self) -> str:
        """Its address for ingestr."""
        return f"{self.format}://{self.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What a load that ingestr reads by itself was given, as far as it is known."""

    rows: int = 0
    values: Mapping[str, int] = field(default_factory=dict)
    keys: int | None = None
    notices: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()  # columns that hold lists

    @property
    def names(self) -> list[str]:
        """Not known."""
        return []

    def not_null(self, columns: list[str]) -> dict[str, int]:
        """How many values the columns hold that were counted."""
        return {name: self.values[name] for name in columns if name in self.values}

    def distinct(self, columns: list[str]) -> int | None:
        """How many different keys there are, if they were counted."""
        return self.keys

    def leaves(self, column: str, start: datetime, end: datetime) -> bool:
        """It may."""
        return True

    def of(self, rows: int) -> "Read":
        """With the number of rows that ingestr reported."""
        return replace(self, rows=rows)

    def told(self, proof: Proof) -> Proof:
        """The proof, with the notices from before the load."""
        return replace(proof, notices=(*self.notices, *proof.notices))


def checked(
    context: StepContext, seed: Seed, load: Load, scanned: Scan | None, folder: Path
) -> Read:
    """What the file holds; StepFailed if loading it would lose something."""
    if scanned is None:
        return _rehearsed(context, seed, load, folder)
    _refuse_alike(context, seed, scanned.header)
    castable.refuse_lost(scanned.columns, f" ({seed.written})")
    values = {column.hint.name: column.values for column in scanned.columns}
    doubtful = {column.hint.name: column.values for column in scanned.columns if column.doubtful}
    if doubtful:
        made = rehearsal.play(context, seed.uri, _TABLE, _flags(context, load.hints), folder)
        rehearsal.compare(doubtful, made, f" ({seed.written})")
    return Read(values=values, lists=scanned.lists, notices=tuple(scanned.notices))


def _rehearsed(context: StepContext, seed: Seed, load: Load, folder: Path) -> Read:
    """What ingestr says of a file that only it can read: once as it is, once with the types."""
    if true(context.spec.parameters.get("no_inference")):
        return Read()
    plain = [*_flags(context, []), "--schema-naming", "direct"]
    as_is = rehearsal.play(context, seed.uri, _TABLE, plain, folder)
    _refuse_alike(context, seed, list(as_is.values))
    hints = [hint for hint in load.hints if hint.converts or hint.source]
    given = {hint.name: as_is.value(hint.source or hint.name) for hint in hints}
    values = {name: count for name, count in given.items() if count is not None}
    if values:
        made = rehearsal.play(context, seed.uri, _TABLE, _flags(context, load.hints), folder)
        rehearsal.compare(values, made, f" ({seed.written})")
    notices = csv_scan.undecodable(seed.path) if seed.format == "csv" else ()
    return Read(values=values, lists=as_is.lists, notices=notices)


def _flags(context: StepContext, hints: Sequence[Hint]) -> list[str]:
    flags = ["--trim-whitespace"] if true(context.spec.parameters.get("trim_whitespace")) else []
    return [*flags, "--columns", column_hints.flag(hints)] if hints else flags


def _refuse_alike(context: StepContext, seed: Seed, header: list[str]) -> None:
    direct = context.spec.parameters.get("schema_naming") == "direct"
    for new, names in alike(header, direct=direct).items():
        raise StepFailed(
            "load",
            f"columns {', '.join(map(repr, names))} of {seed.written} would all be named {new!r}: "
            "only one would be kept",
            hint="give them names of their own in the file",
        )
