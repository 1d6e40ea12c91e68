"""Addresses of the sources that ingestr reads. Called by workers.ingest_step."""

from workers.connections import Connection
from workers.uris import ingestr_uri


def source_uri(connection: Connection, source: str = "") -> str:
    """The address that ingestr reads; NoUri if the type has none."""
    return ingestr_uri(connection)
