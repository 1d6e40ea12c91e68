"""What a fleet of many hosts must know: losses, routes, drains, bundles, homes of files."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_NUMBERS = (("runs", "contract"), ("steps", "losses"), ("steps", "deaths"), ("workers", "contract"))
_TEXTS = (("steps", "queue"), ("attempts", "host"))
_WAITING = ["state", "waiting_on"]


def upgrade() -> None:
    """New columns, and three tables."""
    for table, name in _NUMBERS:
        kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
        op.add_column(table, sa.Column(name, kind, nullable=False, server_default="0"))
    for table, name in _TEXTS:
        op.add_column(table, sa.Column(name, sa.Text(), nullable=False, server_default=""))
    op.add_column("workers", sa.Column("drain_at", sa.Double(), nullable=True))
    step = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.add_column("workers", sa.Column("alone_step", step, nullable=True))
    op.add_column("workers", sa.Column("alone_until", sa.Double(), nullable=True))
    op.create_table(
        "facts",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_facts")),
    )
    _index_steps(_WAITING, [*_WAITING, "not_before"])  # each worker asks for the first of them
    _bundles()
    _file_homes()


def _index_steps(before: list[str], after: list[str]) -> None:
    op.drop_index(op.f("_".join(("ix_steps", *before))), table_name="steps")
    op.create_index(op.f("_".join(("ix_steps", *after))), "steps", after)


def _bundles() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "bundles",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("bytes", number, nullable=False),
        sa.Column("archive", sa.Text(), nullable=False),
        sa.Column("files", number, nullable=False),
        sa.Column("content_bytes", number, nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("removed_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_bundles")),
    )


def _file_homes() -> None:
    op.create_table(
        "file_homes",
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("identity", name=op.f("pk_file_homes")),
    )
    op.create_index(op.f("ix_file_homes_host_path"), "file_homes", ["host", "path"])


def downgrade() -> None:
    """Without them."""
    _index_steps([*_WAITING, "not_before"], _WAITING)
    for table in ("file_homes", "bundles", "facts"):
        op.drop_table(table)
    for name in ("drain_at", "alone_step", "alone_until"):
        op.drop_column("workers", name)
    for table, name in (*_NUMBERS, *_TEXTS):
        op.drop_column(table, name)
