"""What Alembic runs: the revisions on the connection, and in the transaction, that `memory.migrate` opened."""

from __future__ import annotations

from typing import cast

from alembic import context
from sqlalchemy import Connection

from memory.tables import METADATA, is_ours

connection = cast("Connection", context.config.attributes["connection"])
# SQLite alters a table by making a new one; "batch" does that.
context.configure(
    connection=connection,
    target_metadata=METADATA,
    render_as_batch=connection.dialect.name == "sqlite",
    include_name=is_ours,
)
with context.begin_transaction():
    context.run_migrations()
