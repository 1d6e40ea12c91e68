"""What can be wrong with `notifications`, of a pipeline or of an asset."""

from collections.abc import Iterator, Sequence

from assets_parser.model import Notification

_TARGETS = {
    "slack": "channel",
    "ms_teams": "connection",
    "discord": "connection",
    "email": "recipient",
}


def problems(notifications: Sequence[Notification]) -> Iterator[str]:
    """A message for each empty or repeated target; webhooks are not looked at, as in Bruin."""
    seen: set[tuple[str, tuple[str, ...]]] = set()
    for one in notifications:
        if one.service not in _TARGETS:
            continue
        what = _TARGETS[one.service]
        target = tuple(name.strip().removeprefix("#") for name in one.target)
        if not target or not all(target):
            yield f"a {one.service} notification has no {what}"
        elif (one.service, target) in seen:
            yield f"{one.service} {what} '{', '.join(target)}' is named more than once"
        seen.add((one.service, target))
