"""Checkpoints in tables of our own: values by version, lists by their new elements, blobs by their content."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


_ORDERED = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables, and put aside those of the saver that was used before."""
    present = sa.inspect(op.get_bind()).get_table_names()
    for name in ("checkpoints", "writes"):
        if name in present:
            op.rename_table(name, f"{name}_before_0002")
    _checkpoints()
    _values()
    op.create_table(
        "blobs",
        sa.Column("digest", sa.LargeBinary(16), nullable=False),
        sa.Column("data", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_blobs"),
    )
    op.create_table(
        "lists",
        sa.Column("id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("base_id", sa.BigInteger),
        sa.Column("base_length", sa.Integer, nullable=False),
        sa.Column("length", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_lists"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "list_items",
        sa.Column("list_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("position", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("data", sa.LargeBinary),
        sa.Column("digest", sa.LargeBinary(16)),
        sa.PrimaryKeyConstraint("list_id", "position", name="pk_list_items"),
        sqlite_with_rowid=False,
    )


def _stored() -> list[sa.Column[object]]:
    return [
        sa.Column("data", sa.LargeBinary),
        sa.Column("digest", sa.LargeBinary(16)),
        sa.Column("list_id", sa.BigInteger),
        sa.Column("length", sa.Integer),
    ]


def _checkpoints() -> None:
    op.create_table(
        "checkpoints",
        sa.Column("thread_id", sa.String(255), nullable=False),
        sa.Column("checkpoint_ns", sa.String(2000), nullable=False),
        sa.Column("checkpoint_id", _ORDERED, nullable=False),
        sa.Column("parent_id", sa.String(64)),
        sa.Column("run_id", sa.String(64)),
        sa.Column("stored", sa.Text, nullable=False),
        sa.Column("metadata", sa.LargeBinary, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("thread_id", "checkpoint_ns", "checkpoint_id", name="pk_checkpoints"),
        sqlite_with_rowid=False,
    )
    of_a_run = sa.text("run_id IS NOT NULL")
    op.create_index(
        "ix_checkpoints_run_id", "checkpoints", ["run_id"], sqlite_where=of_a_run, postgresql_where=of_a_run
    )


def _values() -> None:
    op.create_table(
        "channel_values",
        sa.Column("thread_id", sa.String(255), nullable=False),
        sa.Column("checkpoint_ns", sa.String(2000), nullable=False),
        sa.Column("channel", sa.String(500), nullable=False),
        sa.Column("version", sa.String(64), nullable=False),
        *_stored(),
        sa.PrimaryKeyConstraint("thread_id", "checkpoint_ns", "channel", "version", name="pk_channel_values"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "checkpoint_writes",
        sa.Column("thread_id", sa.String(255), nullable=False),
        sa.Column("checkpoint_ns", sa.String(2000), nullable=False),
        sa.Column("checkpoint_id", _ORDERED, nullable=False),
        sa.Column("task_id", sa.String(64), nullable=False),
        sa.Column("idx", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("task_path", sa.Text, nullable=False),
        sa.Column("channel", sa.String(500), nullable=False),
        *_stored(),
        sa.PrimaryKeyConstraint(
            "thread_id", "checkpoint_ns", "checkpoint_id", "task_id", "idx", name="pk_checkpoint_writes"
        ),
        sqlite_with_rowid=False,
    )
