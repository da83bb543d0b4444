"""Copying, deleting and pruning of threads, and giving back what nothing refers to any more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Table, and_, delete, func, insert, literal, select, text, union

from memory.deltas import ancestors
from memory.tables import blobs, channel_values, checkpoint_writes, checkpoints, list_items, lists
from nexus_agents.core.errors import ConfigError

if TYPE_CHECKING:
    from memory.checkpoint_rows import Reader, Row
    from memory.database import Transaction

__all__ = ["Freed", "collect", "copy_thread", "delete_runs", "delete_threads", "keep_latest"]

_OF_THREADS = (checkpoints, checkpoint_writes, channel_values)


@dataclass(frozen=True)
class Freed:
    """What nothing referred to any more.

    Attributes:
        values: Versions of channels.
        lists: Lists.
        blobs: Blobs.
        bytes: What they held.
    """

    values: int
    lists: int
    blobs: int
    bytes: int


def copy_thread(transaction: Transaction, source: str, target: str) -> None:
    """Copy all checkpoints, writes and values of a thread; lists and blobs are shared."""
    for table in _OF_THREADS:
        others = [column for column in table.columns if column.name != "thread_id"]
        copied = select(literal(target), *others).where(table.c.thread_id == source)
        transaction.execute(insert(table).from_select(["thread_id", *[column.name for column in others]], copied))


def delete_threads(transaction: Transaction, thread_ids: Sequence[str]) -> None:
    """Delete all checkpoints, writes and values of threads."""
    for table in _OF_THREADS:
        for thread_id in thread_ids:
            transaction.execute(delete(table).where(table.c.thread_id == thread_id))


def delete_runs(transaction: Transaction, run_ids: Sequence[str]) -> None:
    """Delete the checkpoints whose metadata name one of these runs, and their writes."""
    of_runs = checkpoints.c.run_id.in_(run_ids)
    for place in transaction.tuples(select(*checkpoints.primary_key).where(of_runs)):
        _delete_writes(transaction, *place)
    transaction.execute(delete(checkpoints).where(of_runs))


def keep_latest(reader: Reader, thread_ids: Sequence[str]) -> None:
    """Delete all but the newest checkpoint of each namespace, and the ancestors that delta channels need."""
    for thread_id in thread_ids:
        rows = reader.rows({"configurable": {"thread_id": thread_id}})
        newest: dict[str, Row] = {}
        for row in rows:
            newest.setdefault(row.namespace, row)
        kept = {namespace: {row.checkpoint_id} | _needed(reader, row) for namespace, row in newest.items()}
        for row in rows:
            if row.checkpoint_id not in kept[row.namespace]:
                _delete_writes(reader.transaction, thread_id, row.namespace, row.checkpoint_id)
                reader.transaction.execute(delete(checkpoints).where(_is(checkpoints, row)))
        remaining = [row for row in rows if row.checkpoint_id in kept[row.namespace]]
        _delete_values(reader, thread_id, remaining)


def collect(reader: Reader) -> Freed:
    """Delete what nothing refers to: values of checkpoints that are gone, lists without values, blobs without lists.

    Args:
        reader: Reads the checkpoints that are there, within a write transaction.
    """
    transaction = reader.transaction
    if transaction.dialect == "postgresql":
        # A writer that finds a blob there need not write it: none may be under way while blobs are deleted.
        transaction.execute(text("LOCK TABLE blobs, lists IN SHARE ROW EXCLUSIVE MODE"))
    values = 0
    for (thread_id,) in transaction.tuples(select(channel_values.c.thread_id).distinct()):
        values += _delete_values(
            reader, thread_id, reader.rows({"configurable": {"thread_id": thread_id}}, *[None] * 3)
        )
    freed_lists, freed_blobs, size = _sweep(transaction)
    return Freed(values, freed_lists, freed_blobs, size)


def _sweep(transaction: Transaction) -> tuple[int, int, int]:
    referred = union(
        *(select(table.c.list_id).where(table.c.list_id.is_not(None)) for table in (channel_values, checkpoint_writes))
    ).subquery("referred")
    used = select(referred.c.list_id).cte("used", recursive=True)
    used = used.union(
        select(lists.c.base_id).join(used, lists.c.id == used.c.list_id).where(lists.c.base_id.is_not(None))
    )
    unused_lists = lists.c.id.not_in(select(used.c.list_id))
    # SQLite does not say how many rows a statement met that begins with a common table.
    gone_lists = int(transaction.execute(select(func.count()).select_from(lists).where(unused_lists)).scalar_one())
    transaction.execute(delete(lists).where(unused_lists))
    orphaned = list_items.c.list_id.not_in(select(lists.c.id))
    size = _size(transaction, list_items.c.data, orphaned)
    transaction.execute(delete(list_items).where(orphaned))
    referring = union(
        *(
            select(table.c.digest).where(table.c.digest.is_not(None))
            for table in (channel_values, checkpoint_writes, list_items)
        )
    )
    unused = blobs.c.digest.not_in(referring)
    size += _size(transaction, blobs.c.data, unused)
    return gone_lists, transaction.execute(delete(blobs).where(unused)).rowcount, size


def _size(transaction: Transaction, column: Any, where: Any) -> int:
    return int(transaction.execute(select(func.coalesce(func.sum(func.length(column)), 0)).where(where)).scalar_one())


def _needed(reader: Reader, row: Row) -> set[str]:
    counters = reader.metadata(row).get("counters_since_delta_snapshot") or {}
    versions = reader.body(row)["channel_versions"]
    deltas = {channel: versions[channel] for channel in counters if channel in versions}
    values, _ = reader.values(row, deltas)
    missing = [channel for channel in deltas if channel not in values]
    return ancestors(reader, row, missing) if missing else set()


def _delete_values(reader: Reader, thread_id: str, rows: Sequence[Row]) -> int:
    try:
        live = {
            (row.namespace, channel, str(version))
            for row in rows
            for channel, version in reader.body(row)["channel_versions"].items()
        }
    except ConfigError:
        # Nobody knows what a damaged checkpoint refers to: all of its thread stays.
        return 0
    table = channel_values
    found = reader.transaction.tuples(
        select(table.c.checkpoint_ns, table.c.channel, table.c.version).where(table.c.thread_id == thread_id)
    )
    dead = [tuple(place) for place in found if tuple(place) not in live]
    for namespace, channel, version in dead:
        reader.transaction.execute(
            delete(table).where(
                table.c.thread_id == thread_id,
                table.c.checkpoint_ns == namespace,
                table.c.channel == channel,
                table.c.version == version,
            )
        )
    return len(dead)


def _delete_writes(transaction: Transaction, thread_id: str, namespace: str, checkpoint_id: str) -> None:
    table = checkpoint_writes
    transaction.execute(
        delete(table).where(
            table.c.thread_id == thread_id,
            table.c.checkpoint_ns == namespace,
            table.c.checkpoint_id == checkpoint_id,
        )
    )


def _is(table: Table, row: Row) -> Any:
    return and_(
        table.c.thread_id == row.thread_id,
        table.c.checkpoint_ns == row.namespace,
        table.c.checkpoint_id == row.checkpoint_id,
    )
