"""A run as followers see it: one row per asset, one for the whole. Filled by dispatcher.views."""

from dataclasses import dataclass, field

ENDED = frozenset({"succeeded", "failed", "upstream_failed", "skipped", "cancelled"})
OVER = frozenset({"succeeded", "failed", "cancelled", "interrupted"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetRow:
    """One asset of a run, now. Times are seconds since the epoch, 0 for "not yet"."""

    name: str
    level: int
    state: str
    step: str = ""
    reason: str = ""  # why it waits, was skipped, or failed upstream
    waits: bool = False  # its next step is queued for that reason
    due: float = 0.0  # when it is tried again, if a moment is what it waits for
    rows: int | None = None  # how many were loaded
    done: int | None = None  # progress of the running step
    total: int | None = None
    note: str = ""
    again: str = ""  # how the attempt before this one ended; what it got over, if it succeeded
    checks_passed: int = 0
    checks_failed: int = 0
    blocks: bool = False
    error: str = ""
    notices: tuple[str, ...] = ()
    started: float = 0.0
    ended: float = 0.0

    @property
    def look(self) -> str:
        """The state whose sign the row shows: a failed check that blocks nothing only warns."""
        only_checks = self.state == "failed" and self.step == "checks"
        return "warned" if only_checks and not self.blocks else self.state

    @property
    def over(self) -> bool:
        """Whether nothing more will happen to it in this run."""
        return self.state in ENDED

    def seconds(self, now: float) -> float:
        """How long it has run."""
        return max(0.0, (self.ended or now) - self.started) if self.started else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """The run as a whole, now."""

    id: str
    pipeline: str
    state: str
    level: int
    levels: int
    reason: str = ""
    cancelling: bool = False
    created: float = 0.0
    started: float = 0.0
    ended: float = 0.0

    @property
    def over(self) -> bool:
        """Whether the run has ended."""
        return self.state in OVER


@dataclass(slots=True)
class Board:
    """All rows of one run."""

    run: RunRow
    rows: dict[str, AssetRow] = field(default_factory=dict)
    now: float = 0.0  # the catalog's clock

    def count(self, *states: str) -> int:
        """How many assets are in one of these states."""
        return sum(row.state in states for row in self.rows.values())

    @property
    def ended(self) -> int:
        """How many assets are over."""
        return sum(row.over for row in self.rows.values())

    @property
    def active(self) -> list[AssetRow]:
        """Assets that run, or that wait for something they can name."""
        return [row for row in self.rows.values() if not row.over and (row.started or row.waits)]
