"""A pipeline as one of its variants, its definitions' texts rendered. The dispatcher calls it.

Only `var` and `variant` are in scope. Code, parameters, hooks, queries and values of checks stay as
they are: those are rendered when they run, or never.
"""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

from assets_parser.faults import DefinitionError, Fault
from assets_parser.model import Asset, Check, CustomCheck, IntervalModifiers, Pipeline
from assets_parser.templates import Renderer, is_template
from assets_parser.variables import values

_FROM_FILES = {"path", "root", "lines", "unknown_fields"}
_KEPT: Mapping[type, set[str]] = {
    Pipeline: {*_FROM_FILES, "variables", "variants", "fixtures", "macros"},
    Asset: {*_FROM_FILES, "body", "body_path", "parameters", "hooks", "unit_tests", "options"},
    Check: {"name", "value"},
    CustomCheck: {"query"},
    IntervalModifiers: {"start", "end"},
}
_BOOLEANS = {
    **dict.fromkeys(("1", "t", "T", "TRUE", "true", "True"), True),
    **dict.fromkeys(("0", "f", "F", "FALSE", "false", "False"), False),
}


def materialize(
    pipeline: Pipeline, variant: str, given: Mapping[str, Any] | None = None
) -> Pipeline:
    """The pipeline as the variant makes it; the variant beats `given`, the values of --var.

    DefinitionError with all faults: no such variant, or texts that cannot be rendered.
    """
    names = {"var": values(pipeline, given, variant), "variant": variant}
    texts = _Texts(Renderer(names), pipeline.path, pipeline.lines)
    assets = tuple(texts.asset(asset) for asset in pipeline.assets)
    changed: Pipeline = texts.fields(dataclasses.replace(pipeline, assets=()))
    if texts.faults:
        raise DefinitionError(texts.faults)
    return dataclasses.replace(changed, assets=assets)


def filled(pipeline: Pipeline, given: Callable[[], Mapping[str, Any]]) -> Pipeline:
    """A pipeline without variants, with the templates in names, `enabled` and `depends` rendered.

    `given` makes the values of --var, which most pipelines never need here. Raises DefinitionError
    with all faults.
    """
    if pipeline.variants or not any(map(_is_templated, pipeline.assets)):
        return pipeline
    renderer = Renderer({"var": values(pipeline, given(), "")})
    texts = _Texts(renderer, pipeline.path, pipeline.lines)
    assets = tuple(texts.named(asset) for asset in pipeline.assets)
    if texts.faults:
        raise DefinitionError(texts.faults)
    return dataclasses.replace(pipeline, assets=assets)


def _is_templated(asset: Asset) -> bool:
    texts = [asset.name, str(asset.enabled), *(one.value for one in asset.depends)]
    return any(map(is_template, texts))


class _Texts:
    """Renders the texts of nested values and gathers what is wrong with them."""

    def __init__(self, renderer: Renderer, file: str, lines: Mapping[str, int]) -> None:
        self.renderer = renderer
        self.file, self.lines, self.asset_name = file, lines, ""
        self.faults: list[Fault] = []

    def asset(self, asset: Asset) -> Asset:
        """The asset with its texts rendered and `enabled` decided."""
        inner = _Texts(self.renderer, asset.path, asset.lines)
        inner.asset_name = asset.name
        changed: Asset = inner.fields(asset)
        if isinstance(changed.enabled, str):
            changed = dataclasses.replace(changed, enabled=inner.enabled(changed.enabled))
        self.faults.extend(inner.faults)
        return changed

    def named(self, asset: Asset) -> Asset:
        """The asset with only its name, its upstreams and `enabled` rendered."""
        inner = _Texts(self.renderer, asset.path, asset.lines)
        inner.asset_name = asset.name
        name = inner._text(asset.name, "name")
        depends = inner._any(asset.depends, "depends")
        enabled = inner._any(asset.enabled, "enabled")
        if isinstance(enabled, str):
            enabled = is_template(enabled) or inner.enabled(enabled)
        self.faults.extend(inner.faults)
        return dataclasses.replace(asset, name=name, depends=depends, enabled=enabled)

    def enabled(self, text: str) -> bool:
        """What a rendered `enabled` says, in the words that Go takes for a boolean."""
        found = _BOOLEANS.get(text.strip())
        if found is None:
            self._fault("enabled", f"enabled must become true or false, not {text.strip()!r}")
        return bool(found)

    def fields(self, value: Any, place: str = "") -> Any:
        """A dataclass with those of its fields rendered that a variant may change."""
        kept = _KEPT.get(type(value), set())
        before = f"{place}." if place else ""
        changed = {
            field.name: self._any(getattr(value, field.name), before + field.name)
            for field in dataclasses.fields(value)
            if field.name not in kept
        }
        return dataclasses.replace(value, **changed)

    def _any(self, value: Any, place: str) -> Any:
        if isinstance(value, str):
            return self._text(value, place)
        if isinstance(value, tuple):
            return tuple(self._any(item, f"{place}.{n}") for n, item in enumerate(value))
        if isinstance(value, Mapping):
            return {key: self._any(item, f"{place}.{key}") for key, item in value.items()}
        return self.fields(value, place) if dataclasses.is_dataclass(value) else value

    def _text(self, text: str, place: str) -> str:
        if not is_template(text):
            return text
        line = self._line(place)
        try:
            return self.renderer.render(text, file=self.file, line=line, asset=self.asset_name)
        except DefinitionError as error:
            self.faults.extend(error.faults)
            return text

    def _line(self, place: str) -> int:
        """The line of the field, or of the closest one above it that has a line."""
        while place and place not in self.lines:
            place = place.rpartition(".")[0]
        return self.lines.get(place, 0)

    def _fault(self, place: str, message: str) -> None:
        self.faults.append(
            Fault(
                rule="variant",
                message=message,
                file=self.file,
                line=self._line(place),
                asset=self.asset_name,
            )
        )
