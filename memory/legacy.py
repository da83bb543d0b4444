"""Checkpoints that LangGraph's own SQLite saver has kept, before revision 0002, written anew into our tables."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

if TYPE_CHECKING:
    from memory.database import Database, Transaction

__all__ = ["CHECKPOINTS", "convert"]

CHECKPOINTS = "checkpoints_before_0002"
"""The name that revision 0002 gives to the old table, since the new one bears the old name."""

_WRITES = "writes_before_0002"


def convert(transaction: Transaction, database: Database) -> int:
    """Write the old checkpoints into the new tables, and drop the old ones.

    Args:
        transaction: The transaction in which the tables were brought up to date.
        database: Says how states lie in it.

    Returns:
        How many checkpoints there were.
    """
    # Imported here: a database has old checkpoints once in its life.
    from memory.checkpoint_rows import KEEP_WRITE
    from memory.checkpoints import SqlCheckpointer
    from memory.codec import Codec, serializer
    from memory.values import Values

    saver, serde = SqlCheckpointer(database), serializer()
    seen: set[tuple[str, str, str, str]] = set()
    query = "SELECT thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata"
    rows = transaction.tuples(text(f"{query} FROM {CHECKPOINTS} ORDER BY thread_id, checkpoint_ns, checkpoint_id"))
    for thread_id, namespace, _, parent_id, kind, data, metadata in rows:
        checkpoint: Any = serde.loads_typed((kind, data))
        place = {"thread_id": thread_id, "checkpoint_ns": namespace, "checkpoint_id": parent_id}
        new: dict[str, Any] = {}
        for channel, version in checkpoint["channel_versions"].items():
            key = (thread_id, namespace, channel, str(version))
            if key not in seen:
                seen.add(key)
                new[channel] = version
        saver.saving({"configurable": place}, checkpoint, json.loads(metadata) if metadata else {}, new)(transaction)
    values = Values(Codec(serde), database.sealer)
    query = "SELECT thread_id, checkpoint_ns, checkpoint_id, task_id, idx, channel, type, value"
    for thread_id, namespace, checkpoint_id, task_id, index, channel, kind, data in transaction.tuples(
        text(f"{query} FROM {_WRITES}")
    ):
        stored, _ = values.write(transaction, values.plan(serde.loads_typed((kind, data))))
        row = {
            "thread_id": thread_id,
            "checkpoint_ns": namespace,
            "checkpoint_id": checkpoint_id,
            "task_id": task_id,
            "idx": index,
            "task_path": "",
            "channel": channel,
        }
        transaction.run(KEEP_WRITE, row | stored.row)
    for table in (CHECKPOINTS, _WRITES):
        transaction.execute(text(f"DROP TABLE {table}"))
    return len(rows)
