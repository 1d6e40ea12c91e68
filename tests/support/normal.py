"""Our frozen values in the normal form of the conformance pack (tests/golden/README.md)."""

import dataclasses
from collections.abc import Iterable
from typing import Any

from assets_parser.model import Asset, Column, IntervalModifiers, Notification, Pipeline

_TARGETS = {"slack": "channel", "email": "recipients"}
_EMPTY: tuple[Any, ...] = (None, "", [], {}, ())


def asset(value: Asset, *, alone: bool) -> dict[str, Any]:
    """An asset; `alone` for one that was read without a pipeline."""
    own = "name type uri description owner connection image instance start_date body"
    found = {key: getattr(value, key) for key in own.split()}
    found |= {key: list(getattr(value, key)) for key in ("tags", "domains", "extends")}
    found |= {key: dict(getattr(value, key)) for key in ("meta", "metadata", "parameters")}
    found |= {"tier": value.tier or None, "timeout": int(value.timeout) or None}
    found["enabled"] = None if value.enabled is True else value.enabled
    found["depends"] = [_thin(_plain(edge)) | {"value": edge.value} for edge in value.depends]
    found["secrets"] = [{"key": s.key, "inject_as": s.inject_as} for s in value.secrets]
    found["materialization"] = _thin(_plain(value.materialization))
    found["columns"] = [_column(column) for column in value.columns]
    found["custom_checks"] = [_check(check) for check in value.custom_checks]
    found["hooks"] = _hooks(value)
    found["interval_modifiers"] = _intervals(value.interval_modifiers)
    found["notifications"] = _notifications(value.notifications)
    found["unit_tests"] = list(value.unit_tests)
    found |= value.options
    found["body_file"] = value.body_path if value.body_path not in ("", value.path) else None
    found["path"] = None if alone else value.path
    kept = ["retries", "rerun_cooldown", "refresh_restricted"] + (
        [] if alone else ["retries_delay"]
    )
    numbers = {key: getattr(value, key) for key in kept if getattr(value, key) is not None}
    return _thin(found) | numbers


def pipeline(value: Pipeline) -> dict[str, Any]:
    """A pipeline with its assets."""
    own = "name id schedule start_date owner catchup commit snapshot meta default_connections"
    found = {key: getattr(value, key) for key in (own + " variables variants").split()}
    found |= {key: list(getattr(value, key)) for key in ("tags", "domains", "fixtures", "macros")}
    found["notifications"] = _notifications(value.notifications)
    found |= {key: getattr(value, key) or None for key in ("metadata_push", "agent")}
    kept = ("retries", "retries_delay", "max_active_steps")
    numbers = {key: getattr(value, key) for key in kept if getattr(value, key) is not None}
    assets = [asset(one, alone=False) for one in value.assets]
    return _thin(found) | numbers | {"concurrency": value.concurrency, "assets": assets}


def _column(column: Column) -> dict[str, Any]:
    found = _plain(column) | {"checks": [_check(check) for check in column.checks]}
    found["primary_key"] = column.primary_key or None
    found["update_on_merge"] = column.update_on_merge or None
    found["nullable"] = None if column.nullable else False
    found["upstreams"] = [_thin(_plain(one)) for one in column.upstreams]
    if column.foreign_key:
        found["foreign_key"] = _thin(_plain(column.foreign_key))
    return _thin(found)


def _check(check: Any) -> dict[str, Any]:
    found = _plain(check) | {"notifications": _notifications(check.notifications)}
    kept = {"name", "query", "value", "blocking", "count", "retries"}
    return {
        key: value
        for key, value in found.items()
        if value is not None and (key in kept or value not in _EMPTY)
    }


def _hooks(value: Asset) -> dict[str, Any]:
    sides = {
        side: [{"query": query} for query in getattr(value.hooks, side)] for side in ("pre", "post")
    }
    return _thin(sides | {"applicable_type": list(value.hooks.applicable_type)})


def _intervals(value: IntervalModifiers | None) -> dict[str, Any]:
    if value is None:
        return {}
    sides = {side: getattr(value, side) for side in ("start", "end")}
    shifts = {side: _plain(shift) for side, shift in sides.items() if shift is not None}
    return {side: {k: v for k, v in shift.items() if v} for side, shift in shifts.items()}


def _notifications(values: Iterable[Notification]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in values:
        key = _TARGETS.get(one.service, "connection")
        target = list(one.target) if key == "recipients" else one.target[0] if one.target else None
        item = _thin({key: target}) | {"success": one.success, "failure": one.failure}
        found.setdefault(one.service, []).append(item)
    return found


def _plain(value: Any) -> dict[str, Any]:
    """The fields of a frozen value without its line; tuples as lists."""
    found = dataclasses.asdict(value)
    found.pop("line", None)
    return {key: _listed(one) for key, one in found.items()}


def _listed(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_thin(_listed(one)) if isinstance(one, dict) else _listed(one) for one in value]
    return {k: _listed(v) for k, v in value.items()} if isinstance(value, dict) else value


def _thin(found: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in found.items() if value is False or value not in _EMPTY}
