"""Starts the runs of pipelines that have a `schedule`, each interval once. For `fleet schedule`.

How far a pipeline is stands in the catalog, and a run's id is made of its pipeline and its moment:
any number of schedulers may look at once, and one that was away goes on where it was.
"""

import hashlib
from base64 import b32encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine

from assets_parser import discovery, fires, interval, pipeline
from assets_parser.fires import Fires
from assets_parser.model import Pipeline
from catalog import facts, runs
from dispatcher.fleets import Fleet
from dispatcher.problems import FleetError
from dispatcher.running import Request, scheduled
from dispatcher.target import Target

LOOK = 30.0  # seconds between two looks at most: files may have changed, a run may have ended
_MOST = 100  # intervals of one pipeline that are looked at in one go
_CATCHES_UP = frozenset({"true", "yes", "active", "all"})
_END = timedelta(microseconds=1)  # intervals hold both their ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduled:
    """A pipeline with a schedule. `moments` is None where one run follows the other."""

    folder: Path
    pipeline: Pipeline
    moments: Fires | None

    @property
    def key(self) -> str:
        """What the catalog knows it by: the same for every checkout of the project."""
        return f"{self.pipeline.name} {self.pipeline.path}"

    @property
    def catches_up(self) -> bool:
        """Whether intervals that were missed are run too."""
        return self.pipeline.catchup.lower() in _CATCHES_UP


@dataclass(frozen=True, slots=True)
class Begun:
    """A run that was started, and the interval that it is for."""

    run_id: str
    pipeline: str
    start: datetime
    end: datetime


def find(paths: Sequence[Path]) -> list[Scheduled]:
    """The pipelines with a schedule at or below these folders; FleetError if two are the same."""
    folders = dict.fromkeys(
        folder.resolve() for path in paths for folder in discovery.find_pipelines(path)
    )
    found: dict[str, Scheduled] = {}
    for folder in folders:
        one = _read(folder)
        if one is None:
            continue
        if other := found.get(one.key):
            both = f"{other.folder} and {folder}"
            raise FleetError(f"two pipelines are called {one.pipeline.name}: {both}")
        found[one.key] = one
    return list(found.values())


def _read(folder: Path) -> Scheduled | None:
    loaded = pipeline.load(folder).pipeline
    if not loaded.schedule:
        return None
    try:
        moments = fires.of(loaded.schedule)
        if moments:
            moments.after(datetime.now(UTC))  # one that never comes is found here
        _started(loaded)
    except ValueError as error:
        raise FleetError(f"{folder}: schedule: {error}") from error
    return Scheduled(folder=folder, pipeline=loaded, moments=moments)


def _started(loaded: Pipeline) -> datetime | None:
    """The pipeline's start date; ValueError if it is none."""
    text = loaded.start_date
    return interval.parse_moment(text).astimezone(UTC) if text else None


def look(
    engine: Engine, fleet: Fleet, one: Scheduled, request: Request, now: datetime
) -> Iterator[Begun]:
    """Start what is due of one pipeline, as far as its `concurrency` allows."""
    cursor, mark = _cursor(engine, fleet, one, now)
    for start, end in _due(one, cursor, now):
        open_runs = runs.going_on(engine, fleet.settings.fleet, one.pipeline.name)
        if len(open_runs) >= max(one.pipeline.concurrency, 1):
            return  # the next look comes back to it
        run_id = _run_id(fleet, one, start, end)
        begun = Begun(run_id, one.pipeline.name, start, end)
        reached = end
        if _start(fleet, one, request, begun):
            yield begun
        elif one.moments is None:
            reached = _recorded_end(engine, run_id) or end
        if not facts.replace(engine, _fact(fleet, one), mark, _text(reached)):
            return  # another scheduler is further
        mark = _text(reached)


def following(one: Scheduled, now: datetime) -> datetime:
    """When it is due next; `now` for one that runs all the time."""
    return one.moments.after(now) if one.moments else now


def _cursor(engine: Engine, fleet: Fleet, one: Scheduled, now: datetime) -> tuple[datetime, str]:
    """The end of the last interval that was started, and the text that the catalog has of it."""
    begin = fires.until(one.moments, now) if one.moments else now
    if one.catches_up and one.moments and (first := _started(one.pipeline)):
        begin = min(begin, fires.until(one.moments, first))
    mark = facts.get_or_add(engine, _fact(fleet, one), _text(begin))
    return datetime.fromisoformat(mark), mark


def _due(one: Scheduled, cursor: datetime, now: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The intervals to start now, each from one moment to the next, oldest first."""
    if one.moments is None:
        if now > cursor:
            yield cursor, now
        return
    ends = list(_first(fires.between(one.moments, cursor, now)))
    if not one.catches_up:
        latest = fires.until(one.moments, now)
        ends = [latest] if latest > cursor else []
    for end in ends:
        yield one.moments.before(end), end


def _first(moments: Iterator[datetime]) -> Iterator[datetime]:
    for _, moment in zip(range(_MOST), moments, strict=False):
        yield moment


def _start(fleet: Fleet, one: Scheduled, request: Request, begun: Begun) -> bool:
    aim = Target(pipeline=one.folder, base=one.folder)
    flags = replace(
        request.flags,
        start_date=interval.timestamp(begun.start),
        end_date=interval.timestamp(begun.end - _END),
    )
    asked = replace(request, target=(str(one.folder),), flags=flags)
    return scheduled(asked, aim, fleet, begun.run_id)


def _recorded_end(engine: Engine, run_id: str) -> datetime | None:
    """How far another scheduler's run goes, which began where this one would have begun."""
    try:
        return datetime.fromisoformat(runs.options(engine, run_id).end) + _END
    except LookupError:  # nothing was to be done, so there is no run
        return None


def _run_id(fleet: Fleet, one: Scheduled, start: datetime, end: datetime) -> str:
    """The same for every scheduler: they know the end by the schedule, without one the start."""
    moment = _text(end) if one.moments else f"from {_text(start)}"
    text = "\0".join((fleet.settings.fleet, one.key, moment))
    return "s" + b32encode(hashlib.sha256(text.encode()).digest()).decode().lower()[:11]


def _fact(fleet: Fleet, one: Scheduled) -> str:
    return f"schedule {fleet.settings.fleet} {one.key}"


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
