"""`notifications` of pipelines, assets and checks. Field tables call it."""

from assets_parser.fields import Values, flag, record, sequence, text, texts
from assets_parser.model import Notification
from assets_parser.source import Source
from assets_parser.yaml_text import Node

TARGETS = {
    "slack": "channel",
    "ms_teams": "connection",
    "discord": "connection",
    "webhook": "connection",
    "email": "recipients",
}


def _items(target: str) -> dict[str, object]:
    return {target: texts if target == "recipients" else text, "success": flag, "failure": flag}


_SERVICES = record(
    {service: sequence(record(_items(target))) for service, target in TARGETS.items()}  # type: ignore[arg-type]
)


def notifications(source: Source, node: Node, path: str) -> list[Notification] | None:
    """Whom to tell, service by service."""
    found: Values | None = _SERVICES(source, node, path)
    if found is None:
        return None
    items = [(name, item) for name in TARGETS for item in found.get(name, ())]
    written = [one for one in items if any(value not in ("", []) for value in one[1].values())]
    if len(written) < len(items):
        message = "a notification that names no target is left out"
        source.warn(node.start_mark.line + 1, message, rule="notifications")
    return [_notice(name, item) for name, item in written]


def _notice(service: str, item: Values) -> Notification:
    target = item.get(TARGETS[service], [])
    names = tuple(target) if isinstance(target, list) else (target,)
    return Notification(
        service=service,
        target=names,
        success=item.get("success", True),
        failure=item.get("failure", True),
    )
