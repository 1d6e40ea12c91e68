"""Decides where a step is sent: to the queue of its instance, or to the queue of one host.

workers.levels asks before it publishes, workers.replacing looks at what was not taken, `fleet plan`
asks what nobody could take. Everything comes from the catalog's living workers, read once. A host
is preferred only while it has a free slot, and nobody waits long for it.
"""

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine

from assets_parser.spec import AssetSpec, dump
from catalog import placing
from catalog.placing import UNABLE, Queued, Taker
from workers import queues
from workers.settings import Settings

if TYPE_CHECKING:
    from celery import Celery

EMBEDDED = "embedded-"
"""How the names of fleets begin that live with one command."""

_BELIEVED = 1.0  # seconds for which a look at the workers holds

_PYTHON_STEPS = ("script", "materialize")
_DEFAULT_PYTHON = "3.11"  # gives way to the closest one that a worker has
_LIGHT_STEPS = ("load", "checks")


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a step asks of its worker. `python` is empty where any will do.

    `home` is the host that its files belong to, if they belong to one; `near` are hosts that have
    something of it already, best first. `contract` 0 is any.
    """

    instance: str = ""
    python: str = ""
    heavy: bool = True  # its instance's weight counts
    home: str = ""
    near: tuple[str, ...] = ()
    contract: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where to send a step; without a queue nowhere. `reason` says what is missing."""

    queue: str = ""
    reason: str = ""


def needs_of(
    spec: Mapping[str, Any],
    step: str,
    *,
    near: tuple[str, ...] = (),
    contract: int = 0,
    home: str = "",
) -> Needs:
    """What a step of an asset needs; `spec` is its description as the catalog holds it."""
    python = spec.get("python", _DEFAULT_PYTHON) if step in _PYTHON_STEPS else ""
    wish = spec.get("requirements") or {}
    gives_way = python == _DEFAULT_PYTHON or wish.get("kind") == "pyproject"
    return Needs(
        instance=spec.get("instance", ""),
        python="" if gives_way or spec.get("type") == "r" else python,
        heavy=step not in _LIGHT_STEPS,
        near=near,
        contract=contract,
        home=home,
    )


def needs_of_spec(spec: AssetSpec, step: str) -> Needs:
    """What a step of a planned asset needs."""
    return needs_of(json.loads(dump(spec)), step)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Choice:
    """Who could take what needs this, whoever is free; why nobody could.

    `shared` is the queue where all who listen are able, if there is one; `places` are the hosts
    where whoever listens is able.
    """

    able: Sequence[Taker]
    reason: str = ""
    shared: str = ""
    places: Mapping[str, Taker] = field(default_factory=dict)


class Router:
    """Sends some steps, one after the other, to workers that live now."""

    def __init__(self, takers: Sequence[Taker]) -> None:
        self.takers = takers
        self._free = Counter[str]()
        self._choices: dict[Needs, _Choice] = {}  # thousands of steps need the same
        self._at: dict[str, list[Taker]] = {}  # who listens to a queue
        for taker in takers:
            if not taker.drains:
                self._free[taker.host] += max(taker.slots - taker.busy, 0)
            for queue in queues.taken_by(taker.queues, taker.host):
                self._at.setdefault(queue, []).append(taker)
        self._hosts = frozenset(taker.host for taker in takers if not taker.drains)

    @property
    def hosts(self) -> frozenset[str]:
        """The hosts that could take anything."""
        return self._hosts

    @property
    def served(self) -> frozenset[str]:
        """All queues that somebody listens to and takes from."""
        found = {queue for queue, some in self._at.items() if not all(t.drains for t in some)}
        return frozenset(found | ({""} if queues.GENERAL in found else set()))

    def with_env(self, key: str) -> list[str]:
        """The hosts that have an environment, by their own words."""
        having = (taker for taker in self.takers if key and key in _envs(taker))
        return list(dict.fromkeys(taker.host for taker in having))

    def of(self, needs: Needs, *, avoid: str = "") -> Route:
        """Where to send a step that needs this; another place than the queue `avoid` if it can."""
        queue = queues.of(needs.instance)
        choice = self._choice(needs, queue)
        if reason := choice.reason:
            # what waits in its own queue is there when a worker comes; what some who listen
            # there could not do must not lie there
            unserved = not any(_serves(taker, queue) for taker in self.takers)
            return Route(queue=queue if unserved and not needs.home else "", reason=reason)
        place = self._host(needs, choice, queue, avoid=avoid)
        if place is None:
            return Route(queue=choice.shared)
        self._free[place.host] -= 1
        return Route(queue=_host_queue(place, queue))

    def _choice(self, needs: Needs, queue: str) -> _Choice:
        """Worked out once for all steps that need the same."""
        key = replace(needs, near=())
        if key not in self._choices:
            able, reason = self._able(needs, queue)
            names = frozenset(taker.name for taker in able)
            self._choices[key] = _Choice(
                able=able,
                reason=reason,
                shared=self._shared(names, queue) if able else "",
                places={t.host: t for t in able if self._all_able(names, _host_queue(t, queue))},
            )
        return self._choices[key]

    def _able(self, needs: Needs, queue: str) -> tuple[list[Taker], str]:
        """Those who can take it; why nobody can."""
        found: list[Taker] = list(self.takers)
        for can, words in _conditions(needs, queue):
            found, before = [taker for taker in found if can(taker)], found
            if not found:
                return [], UNABLE + words(before)
        return found, ""

    def _shared(self, names: Collection[str], queue: str) -> str:
        both = (queue, queues.ANY)
        return next((one for one in both if self._at.get(one) and self._all_able(names, one)), "")

    def _host(self, needs: Needs, choice: _Choice, queue: str, *, avoid: str) -> Taker | None:
        """The one whose host shall have it; None if any may, where there is a shared queue."""
        several = len(self.hosts) > 1
        for host in needs.near if several else ():
            place = choice.places.get(host)
            if place and self._free[host] > 0 and _host_queue(place, queue) != avoid:
                return place
        if choice.shared and not needs.home:
            return None
        return max(choice.places.values() or choice.able, key=lambda t: self._rank(t, queue, avoid))

    def _rank(self, taker: Taker, queue: str, avoid: str) -> tuple[int, int]:
        """Free slots elsewhere, then where it waits: a move leaves one more message behind."""
        free, waits = self._free[taker.host], _host_queue(taker, queue) == avoid
        return (1 if waits else 2 if free > 0 else 0), free

    def _all_able(self, names: Collection[str], queue: str) -> bool:
        """Whether whoever listens to the queue is one of these."""
        return all(one.name in names or one.drains for one in self._at.get(queue, ()))


_Condition = tuple[Callable[[Taker], bool], Callable[[Sequence[Taker]], str]]


def _conditions(needs: Needs, queue: str) -> Iterable[_Condition]:
    """What a worker must fulfil, each with the words for a fleet where nobody does."""
    start = (
        f"start one with `fleet worker{'' if queue == queues.GENERAL else f' --queues {queue}'}`"
    )
    yield lambda taker: _serves(taker, queue), lambda _: f"takes queue {queue}: {start}"
    yield (
        lambda taker: not taker.drains,
        lambda seen: f"takes queue {queue}: {_names(seen)} take nothing new (drained); {start}",
    )
    yield (
        lambda taker: needs.contract in (0, taker.contract) or not taker.contract,
        lambda seen: (
            f"of queue {queue} speaks contract {needs.contract} of this run's version of"
            f" fleet: {_names(seen)} have another version"
        ),
    )
    yield (
        lambda taker: _weight(taker, needs) <= taker.slots,
        lambda seen: (
            f"of queue {queue} has the {_weight(seen[0], needs)} slots that instance"
            f" {needs.instance} takes: {_names(seen)} have at most {max(t.slots for t in seen)}"
        ),
    )
    yield (
        lambda taker: _has_python(taker, needs.python),
        lambda seen: (
            f"of queue {queue} has Python {needs.python} or may download it: install it"
            f" on the host of {_names(seen)} (uv python install {needs.python})"
        ),
    )
    yield (
        lambda taker: needs.home in ("", taker.host),
        lambda _: (
            f"of queue {queue} is on host {needs.home}, where its database file is: {start} there"
        ),
    )


def _serves(taker: Taker, queue: str) -> bool:
    return queue in taker.queues or queues.ANY in taker.queues


def _host_queue(taker: Taker, queue: str) -> str:
    named = queue if queue in taker.queues or queue == queues.GENERAL else queues.ANY
    return queues.of_host(taker.host, named)


def _weight(taker: Taker, needs: Needs) -> int:
    weights: Mapping[str, int] = taker.info.get("weights", {})
    return int(weights.get(needs.instance, 1)) if needs.heavy else 1


def _has_python(taker: Taker, python: str) -> bool:
    """Whether it has it or may fetch it."""
    return not python or python in taker.pythons or bool(taker.info.get("python_downloads"))


def _envs(taker: Taker) -> list[str]:
    return [env["key"] for env in taker.info.get("envs", ())]


def _names(takers: Sequence[Taker]) -> str:
    more = f" and {len(takers) - 2} more" if len(takers) > 2 else ""
    return ", ".join(taker.name for taker in takers[:2]) + more


def of_queued(router: Router, step: Queued, *, avoid: str = "") -> Route:
    """Where a queued step of the catalog is to be sent."""
    near = (*step.near, *router.with_env(step.env))
    needs = needs_of(step.spec, step.key[2], near=near, contract=step.contract, home=step.home)
    return router.of(needs, avoid=avoid)


class Places:
    """The routes of one app. The fleet of one command has one worker: everything goes to it."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._router: tuple[float, int, Router] | None = None

    def router(self, engine: Engine) -> Router | None:
        """What sends steps now; None where there is nothing to choose."""
        if self.settings.fleet.startswith(EMBEDDED):
            return None
        known, pid = self._router, os.getpid()
        if known and known[1] == pid and time.monotonic() - known[0] < _BELIEVED:
            return known[2]
        found = placing.takers(engine, self.settings.fleet, self.settings.lease)
        self._router = (time.monotonic(), pid, router := Router(found))
        return router


def attach(app: "Celery", settings: Settings) -> None:
    """Let the app's messages find their queues."""
    app.fleet_places = Places(settings)  # type: ignore[attr-defined]


def of(app: "Celery") -> Places:
    """What finds the queues for this app."""
    places: Places = app.fleet_places  # type: ignore[attr-defined]
    return places
