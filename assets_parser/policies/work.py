"""How much work a policy may cause. Patterns and expressions spend from one purse."""

from dataclasses import dataclass

MOST = 20_000_000  # steps of one validation, some ten seconds


class TooMuchWork(Exception):
    """The purse is empty."""


@dataclass(slots=True)
class Work:
    """Steps that are left."""

    left: int = MOST

    def spend(self, steps: int) -> None:
        """Take some; TooMuchWork when there are no more."""
        self.left -= steps
        if self.left < 0:
            raise TooMuchWork("the policy takes too much work")
