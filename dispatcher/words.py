"""How numbers, times and states read on a screen. Used by every verb and display."""

from collections.abc import Mapping

SIGNS: Mapping[str, tuple[str, str, str]] = {  # state: sign, the same in ASCII, colour
    "queued": ("·", ".", "bright_black"),
    "running": ("●", "*", "cyan"),
    "succeeded": ("✓", "+", "green"),
    "warned": ("!", "!", "yellow"),  # failed only in a check that blocks nothing
    "failed": ("✗", "x", "red"),
    "upstream_failed": ("⊘", "o", "yellow"),
    "skipped": ("–", "-", "bright_black"),  # noqa: RUF001 - the dash is meant
    "cancelled": ("⊘", "o", "yellow"),
    "interrupted": ("✗", "x", "red"),
    "lost": ("✗", "x", "red"),
}

CTRL_C = "Ctrl-C"  # why a run was cancelled


def duration(seconds: float) -> str:
    """0.8s, 41s, 2m 14s, 3h 05m, 2d 4h."""
    if seconds < 9.95:
        return f"{max(seconds, 0):.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02d}s"
    if whole < 86_400:
        return f"{whole // 3600}h {whole % 3600 // 60:02d}m"
    return f"{whole // 86_400}d {whole % 86_400 // 3600}h"


def size(count: float) -> str:
    """Bytes in binary units: 512 B, 1.2 GiB."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def number(count: int) -> str:
    """Grouped by thousands: 20,000."""
    return f"{count:,}"


def some(count: int, noun: str, plural: str = "") -> str:
    """`1 asset`, `14 assets`, `2 retries`."""
    return f"{number(count)} {noun if count == 1 else plural or noun + 's'}"


def ago(seconds: float) -> str:
    """`3s ago`, without fractions."""
    return (
        "now"
        if seconds < 1
        else f"{duration(max(10, seconds)) if seconds >= 10 else f'{int(seconds)}s'} ago"
    )


def shorten(text: str, width: int) -> str:
    """The text cut in its middle with … so that it fits; as it is if it fits already."""
    if len(text) <= width or width < 3:
        return text
    left = width // 2
    return f"{text[:left]}…{text[len(text) - (width - left - 1) :]}"
