"""Steps that wait without a slot remember when they began; runs remember their pipeline's shape."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Two columns; a step that is claimed already began when it was claimed."""
    op.add_column("steps", sa.Column("begun_at", sa.Double(), nullable=True))
    op.execute("UPDATE steps SET begun_at = started_at")
    op.add_column("runs", sa.Column("shape", sa.Text(), nullable=False, server_default=""))


def downgrade() -> None:
    """Without them."""
    op.drop_column("runs", "shape")
    op.drop_column("steps", "begun_at")
