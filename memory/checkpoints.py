"""LangGraph's own SQLite checkpointer on the file of the memory, made safe against cancelled steps and full disks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import aiosqlite
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from pydantic import BaseModel

from memory.database import BUSY_SECONDS, translated
from memory.unbroken import Unbroken
from nexus_agents.core import runs, voices, work

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig
    from langgraph.checkpoint.base import (
        ChannelVersions,
        Checkpoint,
        CheckpointMetadata,
        CheckpointTuple,
        DeltaChannelHistory,
    )

__all__ = ["SqliteCheckpointer", "open_checkpointer", "serializer"]

T = TypeVar("T")


class SqliteCheckpointer(AsyncSqliteSaver):
    """The official saver, whose writes are never cut and whose errors say what to do.

    A write of the official one that is cancelled between its insert and its commit can leave a transaction
    open, and with it the write lock of the whole database. Here a write runs to its end, and is rolled back
    where it fails.

    Args:
        connection: An open connection that nothing else uses.
        path: The file, for messages.
    """

    def __init__(self, connection: aiosqlite.Connection, path: Path) -> None:
        super().__init__(connection, serde=serializer())
        self._path = path
        self._turn = asyncio.Lock()
        self._unbroken = Unbroken()

    async def setup(self) -> None:
        """Make the tables where they are missing."""
        with translated(self._path):
            await super().setup()

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Save a checkpoint.

        Raises:
            StorageFull: No room; earlier checkpoints are kept.
        """
        return await self._write(super().aput(config, checkpoint, metadata, new_versions))

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Save what a task wrote, all of it or nothing.

        Raises:
            StorageFull: No room; earlier writes are kept.
        """
        await self._write(super().aput_writes(config, writes, task_id, task_path))

    async def adelete_thread(self, thread_id: str) -> None:
        """Delete the checkpoints of a thread."""
        await self._write(super().adelete_thread(thread_id))

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Return a checkpoint, the newest of its thread by default."""
        with translated(self._path):
            return await super().aget_tuple(config)

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """Yield checkpoints, newest first."""
        with translated(self._path):
            async for item in super().alist(config, filter=filter, before=before, limit=limit):
                yield item

    async def aget_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        """Return what delta channels are rebuilt from."""
        with translated(self._path):
            return await super().aget_delta_channel_history(config=config, channels=channels)

    async def drain(self) -> None:
        """Wait for writes whose callers were cancelled."""
        await self._unbroken.drain()

    async def _write(self, work: Coroutine[Any, Any, T]) -> T:
        async def transaction() -> T:
            # One writer at a time, so that a rollback takes back nothing but its own transaction.
            async with self._turn:
                try:
                    with translated(self._path):
                        return await work
                except BaseException:
                    await self.conn.rollback()
                    raise

        return await self._unbroken.run(transaction())


@asynccontextmanager
async def open_checkpointer(path: Path) -> AsyncGenerator[SqliteCheckpointer]:
    """Open the checkpointer on a connection of its own, its tables made.

    Args:
        path: The database.
    """
    with translated(path):
        connection = await aiosqlite.connect(path, timeout=BUSY_SECONDS)
    try:
        with translated(path):
            await connection.execute("PRAGMA synchronous = NORMAL")
        checkpointer = SqliteCheckpointer(connection, path)
        await checkpointer.setup()
        try:
            yield checkpointer
        finally:
            await checkpointer.drain()
    finally:
        await connection.close()


def serializer() -> JsonPlusSerializer:
    """Return a serializer that rebuilds only types known to be harmless, and the products of the core.

    Anything else in a checkpoint comes back as plain data: nothing is imported or run because a file says so.
    """
    products = [
        value
        for module in (runs, voices, work)
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, BaseModel) and value.__module__ == module.__name__
    ]
    return JsonPlusSerializer(allowed_msgpack_modules=products)
