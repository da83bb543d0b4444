"""How often a run was rewound: its later tool calls get ids of their own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the count; no run was rewound before."""
    op.add_column("runs", sa.Column("rewinds", sa.Integer, server_default="0", nullable=False))
