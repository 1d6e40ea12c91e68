"""The texts of an asset that are templates: parameters, check queries, shifts. For specs."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from assets_parser import interval as intervals
from assets_parser.environment import AssetContext
from assets_parser.faults import Fault
from assets_parser.model import Asset, CustomCheck
from assets_parser.rules.places import at_asset

if TYPE_CHECKING:
    from assets_parser.templates import Renderer

_SIGNS = ("{{", "{%", "{#")  # a text without any of them is no template


@dataclass
class Rendering:
    """Renders the texts of one asset; what fails becomes a fault of the field that holds it."""

    asset: Asset
    context: AssetContext
    variables: Mapping[str, Any]
    faults: list[Fault] = field(default_factory=list)

    def text(self, template: str) -> str:
        """The template rendered; ValueError says what is wrong with it."""
        if not any(sign in template for sign in _SIGNS):
            return template
        return self._renderer.render(template)

    def custom_checks(self) -> tuple[CustomCheck, ...]:
        """The custom checks with their queries rendered."""
        return tuple(
            replace(one, query=self._try(one.query, f"custom_checks.{index}", one.line))
            for index, one in enumerate(self.asset.custom_checks)
        )

    def parameters(self) -> dict[str, Any]:
        """The parameters with all their texts rendered and trimmed; keys stay as they are."""
        return {
            name: self._deep(value, f"parameters.{name}")
            for name, value in self.asset.parameters.items()
        }

    def _deep(self, value: Any, place: str) -> Any:
        if isinstance(value, str):
            return self._try(value, place).strip()
        if isinstance(value, Mapping):
            return {key: self._deep(item, place) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._deep(item, place) for item in value]
        return value

    def _try(self, template: str, place: str, line: int = 0) -> str:
        try:
            return self.text(template)
        except ValueError as error:
            self.faults.append(at_asset(self.asset, "template", str(error), field=place, line=line))
            return template

    @cached_property
    def _renderer(self) -> "Renderer":
        from assets_parser.templates import Renderer  # noqa: PLC0415 - jinja2 is slow to import

        return Renderer(names(self.context, self.variables))


def names(context: AssetContext, variables: Mapping[str, Any]) -> dict[str, Any]:
    """What a template may name: the moments, the run, the asset, the variables."""
    interval = context.interval
    return {
        **_moments("start", interval.start),
        **_moments("end", interval.end),
        **_moments("execution", interval.execution),
        "pipeline": context.pipeline,
        "run_id": context.run_id,
        "full_refresh": context.full_refresh,
        "commit_hash": context.commit,
        "schema_prefix": context.schema_prefix,
        "this": context.asset,
        "var": dict(variables),
    }


def _moments(end: str, value: datetime) -> dict[str, str]:
    return {
        f"{end}_date": intervals.date(value),
        f"{end}_date_nodash": intervals.date_nodash(value),
        f"{end}_datetime": intervals.date_time(value),
        f"{end}_timestamp": intervals.timestamp(value),
    }
