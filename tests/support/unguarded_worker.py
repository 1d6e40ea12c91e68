"""A worker without some of its guards, to prove that the checker sees what they prevent.

Run as a program in place of workers.main. UNGUARDED names what is off: `pulse` (a worker that was
paused past its lease goes on as if nothing had been, and ends no child), `fence` (a destination
takes what comes late or twice, and nobody ends the session of an earlier attempt or drops what it
has staged, or asks whether the target has changed).
"""

import dataclasses
import os
import sys

from workers import fences, keeper, load_commit, load_staging, main, pulse, sessions


def unguard(names: set[str]) -> None:
    """Turn these guards off in this process and all that it forks."""
    if "pulse" in names:
        pulse.HELD = 1000.0
        keeper.Keeper._heed = lambda self, standing: None  # type: ignore[method-assign]
    if "fence" in names:
        fences.check = fences.raise_fence = lambda ask, fence: None
        fences.loaded = lambda ask, fence: None
        fences.record = lambda ask, fence, rows, target: None
        sessions.end_earlier = lambda ask, claim: []
        load_staging.Staging._clear = lambda self, session, place: None  # type: ignore
        move = load_commit.Commit._move
        load_commit.Commit._move = lambda self, staged: move(  # type: ignore[method-assign]
            dataclasses.replace(self, had=None), staged
        )


if __name__ == "__main__":
    unguard(set(os.environ.pop("UNGUARDED", "").split(",")))
    sys.exit(main.main())
