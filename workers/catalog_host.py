"""Whether this host may use the catalog. Asked when a worker starts and when a run is submitted."""

import platform
from pathlib import Path

from sqlalchemy import Engine

from catalog import one_host
from workers.settings import Settings

_BOOT = Path("/proc/sys/kernel/random/boot_id")


def refusal(engine: Engine, settings: Settings) -> str:
    """Why not, in words; empty if it may. A SQLite catalog belongs to one host at a time."""
    if engine.dialect.name != "sqlite":
        return ""
    if one_host.hold(engine, one_host.identity(settings.host, _boot()), settings.lease):
        return ""
    return (
        f"the catalog {engine.url.database} is a SQLite file that host {one_host.holder(engine)} "
        "works with now, and such a file serves one host only: name a PostgreSQL database by "
        f"`catalog` on all hosts, or end the workers there and wait {settings.lease:g} s"
    )


def _boot() -> str:
    """What tells this boot of this machine from any other."""
    try:
        return _BOOT.read_text("ascii").strip()
    except OSError:  # no Linux
        return platform.node()
