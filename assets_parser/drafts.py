"""Drafts, the dicts that definition files are read into, become frozen assets.

`definition` and `pipeline` call `build` after everything that fills a draft has happened.
"""

from typing import Any

from assets_parser.fields import Values
from assets_parser.model import (
    Asset,
    Check,
    Column,
    ColumnUpstream,
    CustomCheck,
    ForeignKey,
    Hooks,
    IntervalModifiers,
    Materialization,
    Secret,
)

PLATFORMS = ("snowflake", "athena", "bigquery", "doris", "starrocks", "routing")
_SAME = (
    "name",
    "type",
    "body",
    "body_path",
    "body_line",
    "uri",
    "enabled",
    "description",
    "owner",
    "image",
    "instance",
    "start_date",
    "connection",
    "parameters",
    "meta",
    "metadata",
    "tier",
    "retries",
    "rerun_cooldown",
    "retries_delay",
    "timeout",
)
_TUPLES = ("depends", "tags", "domains", "extends", "notifications", "unit_tests")


def build(
    path: str, draft: Values, *, lines: dict[str, int], unknown: tuple[str, ...] = ()
) -> Asset:
    """The asset that a draft describes."""
    values: Values = {name: draft[name] for name in _SAME if name in draft}
    values.update((name, tuple(draft[name])) for name in _TUPLES if name in draft)
    values.setdefault("name", "")
    values.setdefault("type", "")
    values["refresh_restricted"] = restricted(draft)
    values["options"] = {name: found for name in PLATFORMS if (found := _options(draft, name))}
    for name, make in _PARTS:
        if name in draft:
            values[name] = make(draft[name])
    return Asset(path=path, lines=lines, unknown_fields=unknown, **values)


def _options(draft: Values, platform: str) -> Values:
    """The options of a platform that say something: an empty text is as none."""
    found: Values = draft.get(platform, {})
    return {key: value for key, value in found.items() if value not in ("", [], {})}


def restricted(draft: Values) -> bool | None:
    """`refresh_restricted`; the longer alias wins."""
    longer: bool | None = draft.get("full_refresh_restricted")
    return draft.get("refresh_restricted") if longer is None else longer


def _tupled(values: Values, *names: str) -> Values:
    found = {name: tuple(values[name]) for name in names if name in values}
    return values | found if found else values


def _materialization(values: Values) -> Materialization:
    return Materialization(**_tupled(values, "cluster_by"))


def _secrets(items: list[Values]) -> tuple[Secret, ...]:
    return tuple(secret(item) for item in items)


def secret(item: Values) -> Secret:
    """A secret; without `inject_as` the variable has the connection's name."""
    key = item.get("key", "")
    return Secret(
        key=key,
        inject_as=item.get("inject_as") or key,
        line=item.get("line", 0),
        injected=item.get("injected", False),
    )


def _columns(items: list[Values]) -> tuple[Column, ...]:
    return tuple(_column(item) for item in items)


def _column(item: Values) -> Column:
    values: Values = {"name": "", **_tupled(item, "tags", "domains")}
    if "foreign_key" in values:
        values["foreign_key"] = ForeignKey(**values["foreign_key"])
    if "upstreams" in values:
        values["upstreams"] = tuple(ColumnUpstream(**one) for one in values["upstreams"])
    if "checks" in values:
        values["checks"] = tuple(_check(check) for check in values["checks"])
    return Column(**values)


def _check(item: Values) -> Check:
    values: Values = {"name": "", **_tupled(item, "notifications")}
    return Check(**values)


def _custom_checks(items: list[Values]) -> tuple[CustomCheck, ...]:
    return tuple(_custom_check(item) for item in items)


def _custom_check(item: Values) -> CustomCheck:
    values: Values = {"name": "", "query": "", **_tupled(item, "notifications")}
    return CustomCheck(**values)


def _hooks(values: Values) -> Hooks:
    return Hooks(
        pre=_queries(values.get("pre", ())),
        post=_queries(values.get("post", ())),
        applicable_type=tuple(values.get("applicable_type", ())),
    )


def _queries(items: Any) -> tuple[str, ...]:
    return tuple(item.get("query", "") for item in items)


def _modifiers(values: Values) -> IntervalModifiers:
    return IntervalModifiers(**values)


_PARTS = (
    ("materialization", _materialization),
    ("secrets", _secrets),
    ("columns", _columns),
    ("custom_checks", _custom_checks),
    ("hooks", _hooks),
    ("interval_modifiers", _modifiers),
)
