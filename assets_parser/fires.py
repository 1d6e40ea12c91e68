"""When a schedule fires: the moments of `schedule:` in a pipeline file. dispatcher.schedules asks.

The grammar is assets_parser.cron's, which Bruin has; the calendar is cronsim's, which knows what
becomes of 02:30 on the night when clocks change.
"""

import zoneinfo
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from cronsim import CronSim, CronSimError

from assets_parser import cron, durations

CONTINUOUS = frozenset({"continuous", "@continuous"})
_WORDS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_EVERY = "@every "
_A_MOMENT = timedelta(microseconds=1)


class Fires(Protocol):
    """The moments at which a schedule fires, all in UTC."""

    def after(self, moment: datetime) -> datetime:
        """The first one later than `moment`."""

    def before(self, moment: datetime) -> datetime:
        """The last one earlier than `moment`."""


def of(schedule: str) -> Fires | None:
    """The moments of a schedule; None where there is none, or one run follows the other.

    ValueError says what is wrong with it.
    """
    if not schedule or schedule in CONTINUOUS:
        return None
    cron.check_schedule(schedule)
    text = schedule if schedule[:1] not in "dhwm" else f"@{schedule}"
    zone, rest = _zone(text)
    if rest.startswith(_EVERY):
        seconds = durations.seconds(rest.removeprefix(_EVERY)) or 0
        return Every(seconds=max(int(seconds), 1))  # whole seconds, as robfig/cron does
    return Cron(expression=cron.plain(_WORDS.get(rest, rest)), zone=zone)


def until(fires: Fires, moment: datetime) -> datetime:
    """The newest one that is not later than `moment`."""
    return fires.before(moment + _A_MOMENT)


def between(fires: Fires, after: datetime, until: datetime) -> Iterator[datetime]:
    """Those later than `after` and not later than `until`, in order."""
    moment = fires.after(after)
    while moment <= until:
        yield moment
        moment = fires.after(moment)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cron:
    """Five fields, read by the clock of a zone."""

    expression: str
    zone: zoneinfo.ZoneInfo

    def after(self, moment: datetime) -> datetime:
        """The first one later than `moment`."""
        return _first(self.expression, moment.astimezone(self.zone))

    def before(self, moment: datetime) -> datetime:
        """The last one earlier than `moment`."""
        there = moment.astimezone(self.zone)
        if there.second or there.microsecond:  # cronsim begins with the minute before
            there = there.replace(second=0, microsecond=0) + timedelta(minutes=1)
        return _first(self.expression, there, reverse=True)


def _first(expression: str, moment: datetime, *, reverse: bool = False) -> datetime:
    try:
        for found in CronSim(expression, moment, reverse=reverse):
            return found.astimezone(UTC)
    except CronSimError:  # a 30th of February
        pass
    raise ValueError(f"the schedule {expression!r} never fires")


@dataclass(frozen=True, slots=True, kw_only=True)
class Every:
    """A fixed distance, counted from 1970, so that all schedulers mean the same moments."""

    seconds: int

    def after(self, moment: datetime) -> datetime:
        """The first one later than `moment`."""
        return _at((moment.timestamp() // self.seconds + 1) * self.seconds)

    def before(self, moment: datetime) -> datetime:
        """The last one earlier than `moment`."""
        found = moment.timestamp() // self.seconds * self.seconds
        return _at(found if found < moment.timestamp() else found - self.seconds)


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _zone(text: str) -> tuple[zoneinfo.ZoneInfo, str]:
    if not text.startswith(("TZ=", "CRON_TZ=")):
        return zoneinfo.ZoneInfo("UTC"), text
    zone, _, rest = text.partition("=")[2].partition(" ")
    return zoneinfo.ZoneInfo("UTC" if zone in ("", "Local") else zone), rest.strip()
