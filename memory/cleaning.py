"""Gives room back: runs that were deleted, the past of finished threads, values that nothing refers to."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, or_, select, update

from memory.sqlite import SqliteDatabase, translated, writer_engine
from memory.tables import artifacts, channel_values, checkpoint_writes, checkpoints, events, runs, tool_calls
from nexus_agents.core.errors import ConfigError
from nexus_agents.core.history import Freed
from nexus_agents.core.runs import UNFINISHED, now

if TYPE_CHECKING:
    from memory.checkpoint_rows import Reader
    from memory.database import Database, Transaction
    from memory.sealing import Sealer

__all__ = ["SqlCleaning"]

_ENDED = ("done", "cancelled")
"""A failed run may be taken up again where it failed."""


class SqlCleaning:
    """`CleaningStore` over SQL. What belongs to an unfinished run is never touched.

    Args:
        database: What is cleaned.
        sealer: How bytes lie in the database; as that says, by default.
    """

    def __init__(self, database: Database, sealer: Sealer | None = None) -> None:
        self._database = database
        self._sealer = sealer or database.sealer

    async def clean(self, *, keep_days: float = 0, prune: bool = False, dry: bool = False) -> Freed:
        """Free what nobody needs, in one transaction, and return what that was.

        Args:
            keep_days: What was deleted, or has ended, less than so many days ago is kept.
            prune: Whether only the newest checkpoint of finished threads is kept; they can go on, not back.
            dry: Only say what would be freed.

        Raises:
            BackendDown: Another process holds the database for too long.
        """

        def work(transaction: Transaction) -> Freed:
            freed = _clean(self._reader(transaction), keep_days, prune)
            if dry:
                raise _TakenBack(freed)
            return freed

        try:
            return await self._database.write(work)
        except _TakenBack as told:
            return told.freed

    async def known(self, run_ids: Sequence[str]) -> set[str]:
        """Return which of some ids are those of runs."""
        return {str(row["id"]) for row in await self._database.read(select(runs.c.id).where(runs.c.id.in_(run_ids)))}

    async def shrink(self) -> int:
        """Give the room inside an SQLite file back to the disk; returns bytes. PostgreSQL does it by itself.

        Raises:
            BackendDown: Another process uses the file just now.
            StorageFull: There is no room for the copy that SQLite makes meanwhile.
        """
        if not isinstance(self._database, SqliteDatabase):
            return 0
        return await asyncio.to_thread(_vacuum, self._database.path)

    def _reader(self, transaction: Transaction) -> Reader:
        from memory.checkpoint_rows import Reader
        from memory.codec import Codec, serializer

        return Reader(transaction, Codec(serializer()), self._sealer)


class _TakenBack(Exception):
    """Ends the transaction without a commit, and brings what it would have freed."""

    def __init__(self, freed: Freed) -> None:
        super().__init__()
        self.freed = freed


def _clean(reader: Reader, keep_days: float, prune: bool) -> Freed:
    from memory.upkeep import collect

    transaction = reader.transaction
    until = now() - timedelta(days=keep_days)
    freed = Freed()
    query = select(runs.c.id, runs.c.thread_id).where(runs.c.deleted_at <= until, runs.c.status.not_in(UNFINISHED))
    gone = {str(row["id"]): str(row["thread_id"]) for row in transaction.execute(query).mappings()}
    freed.runs = sorted(gone)
    freed.bytes += _forget(transaction, gone)
    if prune:
        counted, size = _prune(reader, until)
        freed.checkpoints += counted
        freed.bytes += size
    rest = collect(reader)
    freed.values, freed.lists, freed.blobs = rest.values, rest.lists, rest.blobs
    freed.bytes += rest.bytes
    return freed


def _forget(transaction: Transaction, gone: dict[str, str]) -> int:
    from memory.upkeep import delete_threads

    if not gone:
        return 0
    ids = list(gone)
    # Forks go on without their parent; their first event says which it was.
    transaction.execute(update(runs).where(runs.c.parent_id.in_(ids)).values(parent_id=None))
    size = _held(transaction, events.c.body, events.c.run_id.in_(ids))
    for table in (events, tool_calls, artifacts):
        transaction.execute(delete(table).where(table.c.run_id.in_(ids)))
    transaction.execute(delete(runs).where(runs.c.id.in_(ids)))
    shared = {str(row[0]) for row in transaction.execute(select(runs.c.thread_id).distinct())}
    threads = sorted({thread for thread in gone.values() if thread not in shared} | _set_aside(transaction, ids))
    size += _size(transaction, threads)
    delete_threads(transaction, threads)
    return size


def _prune(reader: Reader, until: Any) -> tuple[int, int]:
    from memory.upkeep import delete_threads, keep_latest

    transaction = reader.transaction
    busy = select(runs.c.thread_id).where(or_(runs.c.status.not_in(_ENDED), runs.c.updated_at > until))
    query = select(runs.c.id, runs.c.thread_id).where(runs.c.thread_id.not_in(busy))
    ended = {str(row["id"]): str(row["thread_id"]) for row in transaction.execute(query).mappings()}
    threads = sorted(set(ended.values()))
    left = sorted(_set_aside(transaction, list(ended)))
    before = _count(transaction, [*threads, *left]), _size(transaction, [*threads, *left])
    delete_threads(transaction, left)
    for thread in threads:
        try:
            keep_latest(reader, [thread])
        except ConfigError:
            # What cannot be read is kept: somebody may yet put it right.
            continue
    after = _count(transaction, threads), _size(transaction, threads)
    return before[0] - after[0], before[1] - after[1]


def _set_aside(transaction: Transaction, run_ids: Sequence[str]) -> set[str]:
    found = transaction.execute(select(checkpoints.c.thread_id).where(checkpoints.c.thread_id.contains("~")).distinct())
    return {str(row[0]) for row in found if str(row[0]).rpartition("~")[0] in set(run_ids)}


def _count(transaction: Transaction, threads: Sequence[str]) -> int:
    query = select(func.count()).select_from(checkpoints).where(checkpoints.c.thread_id.in_(threads))
    return int(transaction.execute(query).scalar_one())


def _size(transaction: Transaction, threads: Sequence[str]) -> int:
    columns = (checkpoints.c.body, checkpoints.c.metadata, channel_values.c.data, checkpoint_writes.c.data)
    return sum(_held(transaction, column, column.table.c.thread_id.in_(threads)) for column in columns)


def _held(transaction: Transaction, column: Any, where: Any) -> int:
    return int(transaction.execute(select(func.coalesce(func.sum(func.length(column)), 0)).where(where)).scalar_one())


def _vacuum(path: Path) -> int:
    before = _on_disk(path)
    engine = writer_engine(path)
    try:
        with translated(path), engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        engine.dispose()
    return max(0, before - _on_disk(path))


def _on_disk(path: Path) -> int:
    files = (path, path.with_name(f"{path.name}-wal"))
    return sum(file.stat().st_size for file in files if file.exists())
