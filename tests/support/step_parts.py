"""What a step is given by its worker, in the hands of a test: a log and a stop."""

from dataclasses import dataclass, field

from workers.masking import Masker


@dataclass
class Lines:
    """A log that keeps its lines, masked as the real one masks them."""

    masker: Masker = field(default_factory=Masker)
    lines: list[str] = field(default_factory=list)

    def line(self, text: str) -> None:
        """Keep one line."""
        self.lines.append(self.masker.mask(text))

    @property
    def own(self) -> list[str]:
        """The lines that the asset printed itself."""
        return [line for line in self.lines if line.startswith("OUT ")]


@dataclass
class Signal:
    """A stop that the test gives."""

    reason: str | None = None

    def wait(self, timeout: float) -> str | None:
        """Answer at once."""
        return self.reason
