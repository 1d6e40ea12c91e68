"""Times of single operations: how many a second, and how long one takes."""

import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Times:
    """Seconds of each operation, by its name."""

    def __init__(self) -> None:
        self.of: dict[str, list[float]] = defaultdict(list)

    def take(self, name: str, work: Callable[[], T]) -> T:
        """Do it and note how long it took."""
        start = time.perf_counter()
        try:
            return work()
        finally:
            self.of[name].append(time.perf_counter() - start)

    def add(self, other: dict[str, list[float]]) -> None:
        """Take over what another process measured."""
        for name, seconds in other.items():
            self.of[name] += seconds

    def mean(self, name: str) -> float:
        """Seconds of one, on average; 0 if there was none."""
        return statistics.fmean(self.of[name]) if self.of[name] else 0.0

    def shown(self, name: str) -> str:
        """`p50 / p95` in milliseconds."""
        found = sorted(self.of[name])
        if not found:
            return "-"
        last = found[min(len(found) - 1, int(len(found) * 0.95))]
        return f"{statistics.median(found) * 1000:.1f} / {last * 1000:.1f} ms"
