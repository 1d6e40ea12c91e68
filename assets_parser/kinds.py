"""What fleet does with an asset of each type: its main steps. The plan asks.

A platform whose SQL fleet runs is a new word in `_SQL`; the worker's side is workers.query_step.
"""

from assets_parser.model import Asset
from assets_parser.rules.types import PYTHON, SCRIPTS
from assets_parser.spec import Step

_SQL = frozenset({"clickhouse", "duckdb", "my", "pg"})  # platforms whose SQL assets and sensors run
_NOTHING = frozenset(
    """
    empty looker looker_studio powerbi qliksense qlikview sisense domo metabase grafana superset
    modebi redash gooddata quicksight quicksight.dashboard quicksight.dataset tableau
    tableau.dashboard tableau.datasource tableau.workbook tableau.worksheet
    """.split()  # noqa: SIM905 - a list of quoted words hides them
)
_SENSORS = ("sensor.query", "sensor.table")


def main_steps(asset: Asset) -> tuple[Step, ...] | None:
    """The steps before the checks, in order; None for a type that fleet cannot run.

    None at all means that there is nothing to do: tables of other systems, dashboards, `empty`.
    """
    if asset.type in PYTHON and asset.materialization.type:
        return ("materialize", "load")
    if asset.type in SCRIPTS:
        return ("script",)
    if asset.type == "ingestr":
        return ("ingest",)
    return _platform_steps(asset.type)


def siblings(name: str) -> str:
    """The types of the same kind that run, in words: `duckdb.sql, pg.sql run`; empty if none."""
    kind = name.partition(".")[2]
    if kind not in ("sql", *_SENSORS):
        return ""
    return ", ".join(f"{platform}.{kind}" for platform in sorted(_SQL)) + " run"


def _platform_steps(name: str) -> tuple[Step, ...] | None:
    platform, _, kind = name.partition(".")
    if name in _NOTHING or kind == "source":
        return ()
    if kind == "seed":
        return ("seed",)
    if platform in _SQL and kind == "sql":
        return ("query",)
    return ("sensor",) if platform in _SQL and kind in _SENSORS else None
