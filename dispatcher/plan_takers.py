"""Which assets of a plan no living worker could take. For `fleet plan`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from assets_parser.spec import Plan
from dispatcher import fleets
from dispatcher.words import some

if TYPE_CHECKING:
    from workers.routing import Router
    from workers.settings import Settings

_MANY = 3  # assets that lack the same are not named one by one


@dataclass(frozen=True, slots=True, kw_only=True)
class Lacks:
    """What is missing: words for each asset that nobody could take now; words for the fleet."""

    assets: Mapping[str, str] = field(default_factory=dict)
    fleet: str = ""

    def lines(self) -> list[str]:
        """For people."""
        lines = [self.fleet] if self.fleet else []
        for words in dict.fromkeys(self.assets.values()):
            names = [name for name, other in self.assets.items() if other == words]
            who = some(len(names), "asset") if len(names) > _MANY else ", ".join(names)
            lines.append(f"{who}: {words}")
        return lines


def of(plan: Plan, settings: "Settings") -> Lacks:
    """What the fleet that the plan would go to lacks; nothing where one is started for the run."""
    found = fleets.existing(settings)
    if found is None or not plan.assets:
        return Lacks()
    from sqlalchemy.exc import OperationalError

    from catalog import placing
    from workers.routing import Router

    own = found.settings
    try:
        takers = placing.takers(fleets.catalog(own), own.fleet, own.lease)
    except OperationalError as error:
        return Lacks(fleet=f"the catalog cannot be asked who works: {error.orig}")
    if not takers:
        return Lacks(fleet=f"no worker of fleet '{own.fleet}' lives: start one with fleet worker")
    return Lacks(assets=_unable(plan, Router(takers)))


def _unable(plan: Plan, router: "Router") -> dict[str, str]:
    from workers.routing import needs_of_spec

    found: dict[str, str] = {}
    for spec in plan.assets:
        for step in spec.steps:
            if reason := router.of(needs_of_spec(spec, step)).reason:
                found.setdefault(spec.name, reason)
    return found
