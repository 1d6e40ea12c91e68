"""What a step is given and what it gives back. workers.steps builds it; the three steps use it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from assets_parser.spec import AssetSpec, RunOptions
from catalog.values import CheckRow
from workers.settings import Settings

if TYPE_CHECKING:  # claims pull in SQLAlchemy, which readers of this module may not need
    from sqlalchemy import Engine

    from catalog.claims import Claim


class Log(Protocol):
    """Where the lines of a step go: masked, to its log file and to those who follow."""

    def line(self, text: str) -> None:
        """Write one line, without its end."""


class Stop(Protocol):
    """Says when a step must end early."""

    @property
    def reason(self) -> str | None:
        """Why the step must stop ("cancelled", "fenced"), or None while it may go on."""

    def wait(self, timeout: float) -> str | None:
        """Sleep up to `timeout` seconds, waking at once for a reason, which is returned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepContext:
    """All that a step may use. `project` is the root that imports resolve from.

    `config` is the .bruin.yml that connections come from, or None. `previous` is the result of the
    step before. `mask` adds texts that the log must not show; call it before they can appear.
    `hide` puts stars in their place, for what is cut before the log gets it.
    `progress` takes {"rows": n, "total": n, "note": text}, all optional, as often as one likes.
    `may_commit` says whether the claim surely stands and nothing asks to stop; ask it right before
    a transaction that others will see.
    """

    settings: Settings
    engine: "Engine"
    claim: "Claim"
    spec: AssetSpec
    options: RunOptions
    project: Path
    config: Path | None
    previous: Mapping[str, Any]
    log: Log
    stop: Stop
    mask: Callable[[list[str]], None]
    progress: Callable[[Mapping[str, Any]], None]
    may_commit: Callable[[], bool] = lambda: True
    hide: Callable[[str], str] = lambda text: text


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """What a step that ended well leaves in the catalog: small JSON, no secret.

    `used` is the stored file that nobody needs any more once this end is recorded, and not before:
    a successor would look for it.
    """

    result: Mapping[str, Any] = field(default_factory=dict)
    checks: tuple[CheckRow, ...] = ()
    used: str = ""
