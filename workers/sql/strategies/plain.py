"""Strategies that need to know nothing of the table: none, view, create+replace. Pure."""

from workers.sql.bodies import Part, parts
from workers.sql.scripts import Script
from workers.sql.strategies.target import Target


def script(target: Target) -> Script:
    """Without materialization: the asset's script as it is, in one piece."""
    text = target.spec.query
    if not parts(text, target.platform.grammar):
        return Script()
    return Script(main=(target.placed(Part(text, 0)),))


def view(target: Target) -> Script:
    """A view of the query."""
    made = target.around(f"CREATE OR REPLACE VIEW {target.table} AS")
    return Script(setup=target.setup, main=(made, *target.after), atomic=True)


def replace(target: Target) -> Script:
    """The table made anew from the query."""
    dropped = target.run(f"DROP TABLE IF EXISTS {target.table}")
    made = target.around(f"CREATE TABLE {target.table} AS", counted=True)
    return Script(setup=target.setup, main=(dropped, made, *target.after), atomic=True)
