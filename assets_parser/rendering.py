"""The texts of an asset that are templates: parameters, check queries, shifts. For specs."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from assets_parser.environment import AssetContext
from assets_parser.faults import DefinitionError, Fault
from assets_parser.included import Included
from assets_parser.interval import Interval, modified
from assets_parser.macros import Macros
from assets_parser.model import Asset, CustomCheck, Hooks
from assets_parser.rules.places import at_asset, line_of
from assets_parser.sql_tables import dialect_of
from assets_parser.templates import Renderer, names


@dataclass
class Rendering:
    """Renders the texts of one asset; what fails is gathered in `faults`.

    Faults of its SQL, `late`, fail this asset or check only, when its turn comes, as with Bruin.
    """

    asset: Asset
    context: AssetContext
    variables: Mapping[str, Any]
    faults: list[Fault] = field(default_factory=list)
    macros: Macros | None = None
    included: Included | None = None
    late: list[Fault] = field(default_factory=list)

    def custom_checks(self) -> tuple[CustomCheck, ...]:
        """The custom checks with their queries rendered."""
        return tuple(self._check(*numbered) for numbered in enumerate(self.asset.custom_checks))

    def _check(self, index: int, check: CustomCheck) -> CustomCheck:
        line = line_of(self.asset, f"custom_checks.{index}.query")
        known = len(self.late)
        query = self._text(check.query, self.asset.path, line).strip()
        return replace(check, query=query, fault="; ".join(map(str, self.late[known:])))

    def query(self) -> str:
        """The rendered body."""
        return self._text(self.asset.body, self.asset.body_path, self.asset.body_line)

    def hooks(self) -> Hooks:
        """The hooks with their queries rendered."""
        line, hooks, path = line_of(self.asset, "hooks"), self.asset.hooks, self.asset.path
        return replace(
            hooks,
            pre=tuple(self._text(query, path, line) for query in hooks.pre),
            post=tuple(self._text(query, path, line) for query in hooks.post),
        )

    def parameters(self) -> dict[str, Any]:
        """The parameters with all their texts rendered and trimmed; keys stay as they are."""
        parameters = self.asset.parameters.items()
        return {name: self._value(value, f"parameters.{name}") for name, value in parameters}

    def interval(self) -> Interval:
        """The context's interval with the asset's modifiers applied."""
        try:
            return modified(self.context.interval, self.asset.interval_modifiers, self._shift)
        except ValueError as error:
            message = f"the interval modifiers cannot be applied: {error}"
            place = "interval_modifiers"
            self.faults.append(at_asset(self.asset, "valid-time-interval", message, field=place))
        except DefinitionError as error:
            self.faults.extend(error.faults)
        return self.context.interval

    def _shift(self, template: str) -> str:
        line = line_of(self.asset, "interval_modifiers")
        return self._renderer.render(
            template, file=self.asset.path, line=line, asset=self.asset.name
        )

    def _text(self, text: str, file: str, line: int) -> str:
        try:
            return self._renderer.render(text, file=file, line=line, asset=self.asset.name)
        except DefinitionError as error:
            self.late.extend(error.faults)
            return text

    def _value(self, value: Any, place: str) -> Any:
        line = line_of(self.asset, place)
        try:
            return self._renderer.render_value(
                value, file=self.asset.path, line=line, asset=self.asset.name
            )
        except DefinitionError as error:
            self.faults.extend(error.faults)
            return value

    @cached_property
    def _renderer(self) -> Renderer:
        dialect = dialect_of(self.asset.type)
        known = names(self.context, self.variables, dialect)
        return Renderer(known, self.macros, self.included)
