"""The SQL that a SQL asset becomes, per materialization strategy. Pure: `fleet render` prints it.

Called by workers.query_step with what the database knows, by the dispatcher without.
"""

from collections.abc import Mapping
from dataclasses import replace

from assets_parser.spec import AssetSpec
from workers.sql import annotations, platforms
from workers.sql.bodies import Part, parts
from workers.sql.scripts import BadAsset, Facts, Script, Statement
from workers.sql.strategies import (
    clickhouse,
    data_vault,
    ddl,
    delete_insert,
    insert,
    merge,
    plain,
    scd2,
)
from workers.sql.strategies.target import Target, Writer

_TABLE: Mapping[str, Writer] = {
    "": plain.replace,
    "append": insert.append,
    "create+replace": plain.replace,
    "datavault_hub": data_vault.hub,
    "datavault_link": data_vault.link,
    "datavault_satellite": data_vault.satellite,
    "ddl": ddl.ddl,
    "delete+insert": delete_insert.delete_insert,
    "merge": merge.merge,
    "scd2_by_column": scd2.by_column,
    "scd2_by_time": scd2.by_time,
    "time_interval": insert.time_interval,
    "truncate+insert": insert.truncate_insert,
}
_OTHERS: Mapping[str, Mapping[str, Writer]] = {"clickhouse": clickhouse.WRITERS}  # by platform
_KEEPS = frozenset(  # their own way at a full refresh
    {"ddl", "scd2_by_column", "scd2_by_time", *(name for name in _TABLE if "vault" in name)}
)


def script(spec: AssetSpec, facts: Facts | None = None, *, query_annotations: str = "") -> Script:
    """The script of a SQL asset; BadAsset if its definition cannot become one.

    Without `facts` it is the one for a table that exists, with the declared columns.
    """
    platform = platforms.of(spec.type)
    fields = {"asset": spec.name, "pipeline": spec.pipeline, "type": "main"}
    note = annotations.comment(query_annotations, fields)
    target = Target(spec, platform, note, facts)
    written = _writer(target)(target)
    if not platform.transactions:
        written = replace(written, atomic=False)
    if spec.materialization.type:
        written = _in_schema(target, written)
    before, after = _hooks(target, spec.hooks.pre), _hooks(target, spec.hooks.post)
    return replace(written, before=before, after=(*written.after, *after))


def _writer(target: Target) -> Writer:
    form = target.spec.materialization
    own = _OTHERS.get(target.platform.name, {})
    if not form.type:
        return own.get("none", plain.script)
    if form.type == "view":
        return plain.view
    strategy = form.strategy
    if form.type != "table" or strategy not in _TABLE:
        known = ", ".join(name for name in _TABLE if name)
        raise BadAsset(f"fleet cannot run materialization {strategy or form.type!r}", known)
    if target.fresh and strategy not in _KEEPS:
        strategy = "create+replace"
    return own.get(strategy) or _TABLE[strategy]


def _in_schema(target: Target, written: Script) -> Script:
    """With the statement that makes the schema: within the transaction if nothing needs it earlier.

    Other assets may be making it at the same time; where that would make them wait for each other's
    transactions, it is made before.
    """
    if len(target.parts) < 2:
        return written
    schema = target.platform.dialect.table(target.parts[:-1])
    text = target.platform.schema.format(schema)
    if not target.platform.schema_inside or target.spec.hooks.pre:
        return replace(written, schema=text)
    return replace(written, setup=(target.run(text), *written.setup))


def _hooks(target: Target, queries: tuple[str, ...]) -> tuple[Statement, ...]:
    """Each hook by itself, outside of the asset's transaction; its place is in the definition."""
    found = [text for text in queries if parts(text, target.platform.grammar)]
    return tuple(replace(target.placed(Part(text, 0)), first=0, last=0, line=0) for text in found)


__all__ = ["BadAsset", "Facts", "Script", "Statement", "script"]
