"""Which connections a step of an asset uses, by name. For locks, and homes of files. Pure."""

from assets_parser.spec import AssetSpec, Step

OURS = frozenset(
    {"load", "query", "seed", "ingest", "sensor", "checks"}
)  # steps that are done by us, not by the asset
_OPENS_FILES = frozenset({"bruin", "duckdb", "sqlite3"})


def of_step(spec: AssetSpec, step: Step) -> tuple[str, ...]:
    """The connections whose files the step may open, as its definition names them.

    A materialize step returns data instead of writing it: its target alone is no reason to wait.
    """
    secrets = [secret.key for secret in spec.secrets]
    declared = [secret.key for secret in spec.secrets if not secret.injected]
    if step in OURS:
        source = str(spec.parameters.get("source_connection") or "")
        named = [spec.connection, source] if step == "ingest" else [spec.connection]
    elif step == "script" or _OPENS_FILES.intersection(spec.imports):
        named = [spec.connection, *secrets]
    else:
        named = declared
    return tuple(name for name in named if name)
