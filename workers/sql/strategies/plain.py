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
    made = target.made_anew(lambda name: target.around(f"CREATE TABLE {name} AS", counted=True))
    atomic = not target.platform.swaps
    return Script(setup=target.setup, main=(*made, *target.after), atomic=atomic)
