"""`default:` of a pipeline: what assets inherit where they set nothing. `pipeline` calls it."""

from collections.abc import Callable
from typing import Any

from assets_parser.fields import Values

_FILLED = (
    "type",
    "description",
    "owner",
    "image",
    "instance",
    "start_date",
    "connection",
    "tier",
    "timeout",
)
_FILLED_IF_UNSET = ("retries", "rerun_cooldown")
_MAPS = ("parameters", "meta", "metadata")
_LISTS = ("tags", "domains", "extends")
_RECORDS = ("materialization", "interval_modifiers", "snowflake", "athena", "bigquery")
_PLATFORMS = ("doris", "starrocks", "routing")
_EITHER = ("primary_key", "update_on_merge")


def apply(draft: Values, default: Values, name: str) -> None:
    """Fill the draft of the asset `name` from the pipeline's defaults."""
    if not default:
        return
    for key in _FILLED:
        _fill(draft, default, key)
    for key in _FILLED_IF_UNSET:
        _fill_unset(draft, default, key)
    _restricted(draft, default)
    for key in _MAPS:
        if default.get(key):
            draft[key] = default[key] | draft.get(key, {})
    for key in (*_RECORDS, *_PLATFORMS):
        _record(draft, default, key)
    for key, same in _ADDED:
        _add(draft, default, key, same)
    _secrets(draft, default)
    _depends(draft, default, name)
    _hooks(draft, default)
    _named(draft, default, "columns", _column)
    _named(draft, default, "custom_checks", _custom_check)


def _fill(draft: Values, default: Values, key: str) -> None:
    if not draft.get(key) and key in default:
        draft[key] = default[key]


def _fill_unset(draft: Values, default: Values, key: str) -> None:
    if key not in draft and key in default:
        draft[key] = default[key]


def _restricted(draft: Values, default: Values) -> None:
    keys = ("refresh_restricted", "full_refresh_restricted")
    if not any(key in draft for key in keys):
        draft.update((key, default[key]) for key in keys if key in default)


def _record(draft: Values, default: Values, key: str) -> None:
    if default.get(key):
        own = draft.setdefault(key, {})
        for part in default[key]:
            given = default[key][part]
            if isinstance(given, dict):
                own[part] = given | own.get(part, {})
            elif own.get(part) in ("", [], None):
                own[part] = given


def _text(item: Any) -> Any:
    return item


def _notice(item: Any) -> Any:
    return item.service, item.target


_ADDED: tuple[tuple[str, Callable[[Any], Any]], ...] = (
    *((key, _text) for key in _LISTS),
    ("notifications", _notice),
)


def _add(draft: Values, default: Values, key: str, same: Callable[[Any], Any]) -> None:
    """Add the items of the default that the asset lacks, each once; its own stay as they are."""
    if not default.get(key):
        return
    own = list(draft.get(key, ()))
    seen = {same(item) for item in own}
    for item in default[key]:
        if same(item) not in seen:
            seen.add(same(item))
            own.append(item)
    draft[key] = own


def _reference(item: Values) -> Any:
    return item.get("table", ""), item.get("column", "")


def _secrets(draft: Values, default: Values) -> None:
    """A key may stand twice in the defaults, under two names; one of the asset's own wins."""
    own = draft.get("secrets", [])
    taken = {item.get("key", "") for item in own}
    added = [item for item in default.get("secrets", ()) if item.get("key", "") not in taken]
    if added:
        draft["secrets"] = [*own, *added]


def _depends(draft: Values, default: Values, name: str) -> None:
    """Bruin lets a default dependency land on the asset that it names; that would be a cycle."""
    others = [
        edge for edge in default.get("depends", ()) if edge.type == "uri" or edge.value != name
    ]
    if others:
        _add(draft, {"depends": others}, "depends", lambda edge: (edge.type, edge.value))


def _hooks(draft: Values, default: Values) -> None:
    """Hooks are SQL: only SQL assets inherit them, `applicable_type` narrows that further."""
    hooks, kind = default.get("hooks"), draft.get("type", "")
    if not hooks or not kind.endswith("sql"):
        return
    if (only := hooks.get("applicable_type")) and kind not in only:
        return
    own = dict(draft.get("hooks", {}))
    for side in ("pre", "post"):
        _fill(own, hooks, side)
    draft["hooks"] = own


def _named(
    draft: Values, default: Values, key: str, fill: Callable[[Values, Values], None]
) -> None:
    """Items match by name, in any case: the first match is filled, what has none is added."""
    if not default.get(key):
        return
    own = draft.setdefault(key, [])
    for given in default[key]:
        name = given.get("name", "").lower()
        match = next((item for item in own if item.get("name", "").lower() == name), None)
        if match is None:
            own.append({**given, "line": 0})
        else:
            fill(match, given)


def _column(own: Values, given: Values) -> None:
    for key in _EITHER:
        if given.get(key):
            own[key] = True
    for key in ("nullable", "precision", "scale", "length"):
        _fill_unset(own, given, key)
    if given.get("meta"):
        own["meta"] = given["meta"] | own.get("meta", {})
    for key in ("tags", "domains"):
        _add(own, given, key, _text)
    _add(own, given, "upstreams", _reference)
    if given.get("checks"):
        own["checks"] = [dict(check) for check in own.get("checks", ())]
        _named(own, given, "checks", _check)
    for key in given:
        if key not in (*_EITHER, "line"):
            _fill(own, given, key)


def _check(own: Values, given: Values) -> None:
    for key in ("value", "blocking", "retries"):
        _fill_unset(own, given, key)
    for key in ("description", "notifications"):
        _fill(own, given, key)


def _custom_check(own: Values, given: Values) -> None:
    for key in ("count", "blocking", "retries"):
        _fill_unset(own, given, key)
    for key in ("query", "value", "description", "notifications"):
        _fill(own, given, key)
