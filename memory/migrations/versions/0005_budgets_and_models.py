"""What a run may use up, and what is known about models."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column and the table; earlier runs had no limits."""
    op.add_column("runs", sa.Column("budget", sa.JSON, server_default="{}", nullable=False))
    op.create_table(
        "model_profiles",
        sa.Column("name", sa.String(400), nullable=False),
        sa.Column("base_url", sa.String(400), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name", "base_url", name=op.f("pk_model_profiles")),
    )
