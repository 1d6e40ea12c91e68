"""The first tables: runs and their parts, workers, locks, artifacts, resolutions."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TYPES: dict[str, Any] = {
    "text": sa.Text(),
    "big": _BIG,
    "double": sa.Double(),
    "bool": sa.Boolean(),
}


def upgrade() -> None:
    """From an empty database."""
    _locks()
    _resolutions()
    _runs()
    _workers()
    _artifacts()
    _asset_runs()
    _attempts()
    _edges()
    _check_results()
    _steps()


def downgrade() -> None:
    """Back to an empty database."""
    for name in (
        "steps",
        "check_results",
        "edges",
        "attempts",
        "asset_runs",
        "artifacts",
        "workers",
        "runs",
        "resolutions",
        "locks",
    ):
        op.drop_table(name)


def _columns(kind: str, names: str, *, null: bool = False) -> list[sa.Column[Any]]:
    return [sa.Column(name, _TYPES[kind], nullable=null) for name in names.split()]


def _id() -> sa.Column[Any]:
    return sa.Column("id", _BIG, nullable=False, autoincrement=True)


def _foreign(name: str, columns: list[str], others: list[str]) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(columns, others, name=op.f(name), ondelete="CASCADE")


def _index(table: str, *columns: str, unique: bool = False) -> None:
    op.create_index(op.f("_".join(("ix", table, *columns))), table, list(columns), unique=unique)


def _locks() -> None:
    op.create_table(
        "locks",
        *_columns("text", "name"),
        sa.Column("slot", _BIG, nullable=False, autoincrement=False),
        *_columns("big", "token", null=True),
        *_columns("text", "run_id asset step what"),
        *_columns("double", "taken_at", null=True),
        sa.PrimaryKeyConstraint("name", "slot", name=op.f("pk_locks")),
    )
    _index("locks", "token")


def _resolutions() -> None:
    op.create_table(
        "resolutions",
        *_columns("text", "key text"),
        *_columns("double", "created_at"),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_resolutions")),
    )


def _runs() -> None:
    op.create_table(
        "runs",
        *_columns("text", "id fleet pipeline path project config bundle environment"),
        *_columns("text", "options_json submitter state reason"),
        *_columns("big", "level levels assets"),
        *_columns("text", "counts_json stop_state stop_reason"),
        *_columns("double", "created_at"),
        *_columns("double", "started_at ended_at", null=True),
        *_columns("double", "deadline changed_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
    )
    _index("runs", "created_at")
    _index("runs", "fleet", "state")
    _index("runs", "pipeline", "created_at")


def _workers() -> None:
    op.create_table(
        "workers",
        *_columns("text", "name fleet host"),
        *_columns("big", "pid"),
        *_columns("text", "version"),
        *_columns("big", "slots"),
        *_columns("text", "queues_json pythons_json info_json"),
        *_columns("double", "started_at beat_at"),
        *_columns("double", "left_at", null=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_workers")),
    )
    _index("workers", "fleet", "beat_at")


def _artifacts() -> None:
    op.create_table(
        "artifacts",
        _id(),
        *_columns("text", "run_id asset label kind path schema_json"),
        *_columns("big", "rows bytes", null=True),
        *_columns("text", "digest"),
        *_columns("double", "created_at"),
        *_columns("double", "removed_at", null=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_artifacts")),
        _foreign("fk_artifacts_runs", ["run_id"], ["runs.id"]),
    )
    _index("artifacts", "run_id", "asset", "label", unique=True)


def _asset_runs() -> None:
    op.create_table(
        "asset_runs",
        *_columns("text", "run_id asset"),
        *_columns("big", "position level"),
        *_columns("text", "steps spec_json state reason"),
        *_columns("bool", "blocks"),
        *_columns("text", "step"),
        *_columns("big", "rows checks_passed checks_failed", null=True),
        *_columns("text", "error_json"),
        *_columns("double", "started_at ended_at", null=True),
        *_columns("double", "changed_at"),
        sa.PrimaryKeyConstraint("run_id", "asset", name=op.f("pk_asset_runs")),
        _foreign("fk_asset_runs_runs", ["run_id"], ["runs.id"]),
    )
    _index("asset_runs", "run_id", "level", "state")


def _attempts() -> None:
    op.create_table(
        "attempts",
        _id(),
        *_columns("text", "run_id asset step"),
        *_columns("big", "number"),
        *_columns("text", "state worker"),
        *_columns("big", "pid"),
        *_columns("double", "started_at"),
        *_columns("double", "ended_at", null=True),
        *_columns("text", "result_json error_json"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
        _foreign("fk_attempts_runs", ["run_id"], ["runs.id"]),
        sqlite_autoincrement=True,
    )
    _index("attempts", "run_id", "asset")


def _edges() -> None:
    op.create_table(
        "edges",
        *_columns("text", "run_id asset upstream"),
        sa.PrimaryKeyConstraint("run_id", "asset", "upstream", name=op.f("pk_edges")),
        _foreign("fk_edges_runs", ["run_id"], ["runs.id"]),
    )


def _check_results() -> None:
    op.create_table(
        "check_results",
        sa.Column("attempt_id", _BIG, nullable=False, autoincrement=False),
        sa.Column("position", _BIG, nullable=False, autoincrement=False),
        *_columns("text", "run_id asset check_id name column"),
        *_columns("bool", "blocking passed"),
        *_columns("text", "observed expected query message"),
        *_columns("double", "seconds"),
        sa.PrimaryKeyConstraint("attempt_id", "position", name=op.f("pk_check_results")),
        _foreign("fk_check_results_runs", ["run_id"], ["runs.id"]),
        _foreign("fk_check_results_attempts", ["attempt_id"], ["attempts.id"]),
    )
    _index("check_results", "run_id", "asset")


def _steps() -> None:
    op.create_table(
        "steps",
        _id(),
        *_columns("text", "run_id asset"),
        *_columns("big", "position"),
        *_columns("text", "step state reason"),
        *_columns("big", "number attempts_allowed"),
        *_columns("double", "retries_delay not_before"),
        *_columns("text", "waiting_on"),
        *_columns("double", "waiting_since queued_at sent_at", null=True),
        *_columns("big", "sends"),
        *_columns("big", "token", null=True),
        *_columns("text", "worker"),
        *_columns("big", "pid", null=True),
        *_columns("double", "lease_until started_at ended_at", null=True),
        *_columns("text", "progress_json result_json error_json"),
        *_columns("double", "changed_at"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_steps")),
        _foreign(
            "fk_steps_asset_runs", ["run_id", "asset"], ["asset_runs.run_id", "asset_runs.asset"]
        ),
    )
    _index("steps", "run_id", "asset", "position", unique=True)
    _index("steps", "state", "waiting_on")
    _index("steps", "token")
