"""Whether this host sees the fleet's own storage. Asked when a worker starts and a run is bundled.

A share that is not mounted looks like an empty folder, and a setting that was forgotten like a
storage of its own: data and logs would be lost between hosts. So storage bears a name.
"""

import uuid

from sqlalchemy import Engine

from catalog import facts
from workers import stores
from workers.routing import EMBEDDED
from workers.settings import Settings
from workers.stores import StorageError, Store

MARK = "fleet-storage"


def refusal(engine: Engine, settings: Settings) -> str:
    """Why not, in words; empty if it does.

    A fleet whose catalog is in its home has one host, and so has one that a command starts.
    """
    if not settings.catalog or settings.fleet.startswith(EMBEDDED):
        return ""
    try:
        return _compared(engine, stores.of(settings), f"storage of {settings.fleet}")
    except StorageError as error:
        return f"{error}; all hosts of the fleet need it"


def _compared(engine: Engine, store: Store, fact: str) -> str:
    known = facts.get(engine, fact)
    if known is None:
        mine = uuid.uuid4().hex
        store.create(f"{MARK}/{mine}")
        known = facts.get_or_add(engine, fact, mine)
        if known != mine:  # another host was first
            store.delete(f"{MARK}/{mine}")
    if store.size(f"{MARK}/{known}") is not None:
        return ""
    return (
        f"{store.words} is not the storage that this fleet uses: set `storage` as on its other "
        "hosts, and mount it where it is a share; if this is the one from now on, put an empty "
        f"file {MARK}/{known} there"
    )
