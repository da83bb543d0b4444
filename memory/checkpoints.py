"""LangGraph's checkpoints on SQL: one implementation for SQLite and PostgreSQL, linear in what is new."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from langgraph.checkpoint.base import (
    WRITES_IDX_MAP,
    BaseCheckpointSaver,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
    get_checkpoint_metadata,
)

from memory import upkeep
from memory.checkpoint_rows import INSERT_CHECKPOINT, INSERT_VALUE, KEEP_WRITE, REPLACE_WRITE, Reader, separated
from memory.codec import Codec, serializer
from memory.deltas import delta_history
from memory.values import Tip, Values

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig
    from langgraph.checkpoint.base import ChannelVersions, DeltaChannelHistory
    from langgraph.checkpoint.serde.base import SerializerProtocol

    from memory.database import Database, Transaction
    from memory.fence import Fence
    from memory.rows import JsonObject
    from memory.sealing import Sealer

__all__ = ["SqlCheckpointer"]

_TIPS = 64
"""So many lists are remembered as they were last written: those of the threads that are at work."""

_BODY_WORTH_BYTES = 200
"""A checkpoint without its values names each version several times, and is compressed from so many bytes on."""

Key = tuple[str, str, str]
"""Thread, namespace and channel."""


class SqlCheckpointer(BaseCheckpointSaver[str]):
    """`BaseCheckpointSaver` over SQL, for sync and async graphs.

    Each call is one transaction. Calls of one process are carried out in the order in which they are made, so that
    what a task wrote is there before the checkpoint that follows from it.

    Args:
        database: Where checkpoints are kept.
        fence: The right to write about one run; that is then checked at each write.
        sealer: How bytes lie in the database; as that says, by default.
        serde: The serializer for what the codec does not know; a strict one by default.
    """

    def __init__(
        self,
        database: Database,
        *,
        fence: Fence | None = None,
        sealer: Sealer | None = None,
        serde: SerializerProtocol | None = None,
    ) -> None:
        super().__init__(serde=serde or serializer())
        self._database = database
        self._fence = fence
        self._sealer = sealer or database.sealer
        self._tips: OrderedDict[Key, Tip] = OrderedDict()

    def held(self, fence: Fence) -> SqlCheckpointer:
        """Return a checkpointer that writes only as long as a run is held."""
        return SqlCheckpointer(self._database, fence=fence, sealer=self._sealer, serde=self.serde)

    # -- writing ------------------------------------------------------------------------------------

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Save a checkpoint.

        Raises:
            StorageFull: No room; earlier checkpoints are kept.
            RunLost: Another process has taken the run.
        """
        return self._kept(self._database.run(self.saving(config, checkpoint, metadata, new_versions), batched=True))

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Save a checkpoint; see `put`."""
        return self._kept(
            await self._database.write(self.saving(config, checkpoint, metadata, new_versions), batched=True)
        )

    def put_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Save what a task wrote, all of it or nothing.

        Raises:
            StorageFull: No room; earlier writes are kept.
            RunLost: Another process has taken the run.
        """
        self._database.run(self._writing(config, writes, task_id, task_path), batched=True)

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Save what a task wrote; see `put_writes`."""
        await self._database.write(self._writing(config, writes, task_id, task_path), batched=True)

    def saving(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> Any:
        """Return the work that saves a checkpoint within a write transaction.

        Args:
            config: Thread, namespace and, as `checkpoint_id`, the parent.
            checkpoint: The checkpoint.
            metadata: What is told about it.
            new_versions: The channels whose values are written with it.
        """
        where = config.get("configurable", {})
        thread_id, namespace = str(where["thread_id"]), str(where.get("checkpoint_ns") or "")
        codec, values = self._codec, self._values
        given = checkpoint["channel_values"]
        versions = checkpoint["channel_versions"]
        plans = [
            (channel, version, values.plan(given[channel], self._tips.get((thread_id, namespace, channel))))
            for channel, version in new_versions.items()
            if channel in given
        ]
        body = {name: value for name, value in checkpoint.items() if name != "channel_values"}
        if loose := {name: value for name, value in given.items() if name not in versions and name not in new_versions}:
            body["channel_values"] = loose
        told = get_checkpoint_metadata(config, metadata)
        row: JsonObject = {
            "thread_id": thread_id,
            "checkpoint_ns": namespace,
            "checkpoint_id": checkpoint["id"],
            "parent_id": where.get("checkpoint_id"),
            "run_id": told.get("run_id"),
            "stored": separated([channel for channel, _, _ in plans]),
            "metadata": self._sealer.seal(codec.encode(told)),
            "body": self._sealer.seal(codec.encode(body, worth=_BODY_WORTH_BYTES)),
        }
        place = {"thread_id": thread_id, "checkpoint_ns": namespace}

        def work(transaction: Transaction) -> tuple[RunnableConfig, dict[Key, Tip | None]]:
            if self._fence is not None:
                self._fence.check(transaction)
            tips: dict[Key, Tip | None] = {}
            rows: list[JsonObject] = []
            for channel, version, plan in plans:
                stored, tips[(thread_id, namespace, channel)] = values.write(transaction, plan)
                rows.append(place | {"channel": channel, "version": str(version)} | stored.row)
            transaction.run_many(INSERT_VALUE, rows)
            transaction.run(INSERT_CHECKPOINT, row)
            return {"configurable": place | {"checkpoint_id": checkpoint["id"]}}, tips

        return work

    def _kept(self, written: tuple[RunnableConfig, dict[Key, Tip | None]]) -> RunnableConfig:
        config, tips = written
        self._remember(tips)
        return config

    def _writing(self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str) -> Any:
        where = config.get("configurable", {})
        values = self._values
        place: JsonObject = {
            "thread_id": str(where["thread_id"]),
            "checkpoint_ns": str(where.get("checkpoint_ns") or ""),
            "checkpoint_id": str(where["checkpoint_id"]),
            "task_id": task_id,
            "task_path": task_path,
        }
        # Special channels (an error, an interrupt) have places of their own, where the newest counts.
        statement = REPLACE_WRITE if all(channel in WRITES_IDX_MAP for channel, _ in writes) else KEEP_WRITE
        plans = [
            (WRITES_IDX_MAP.get(channel, index), channel, values.plan(value))
            for index, (channel, value) in enumerate(writes)
        ]

        def work(transaction: Transaction) -> None:
            if self._fence is not None:
                self._fence.check(transaction)
            rows = [
                place | {"idx": index, "channel": channel} | values.write(transaction, plan)[0].row
                for index, channel, plan in plans
            ]
            transaction.run_many(statement, rows)

        return work

    # -- reading ------------------------------------------------------------------------------------

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Return a checkpoint, the newest of its thread by default.

        Raises:
            ConfigError: A part of it is damaged, or it was sealed with another key.
        """
        return self._taken(self._database.look(lambda transaction: self._reader(transaction).find(config)))

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Return a checkpoint; see `get_tuple`."""
        return self._taken(await self._database.glance(lambda transaction: self._reader(transaction).find(config)))

    def list(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        """Yield checkpoints, newest first."""
        rows = self._database.look(lambda transaction: self._reader(transaction).rows(config, filter, before, limit))
        for row in rows:
            yield self._database.look(lambda transaction, row=row: self._reader(transaction).load(row)[0])

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """Yield checkpoints, newest first."""
        rows = await self._database.fetch(
            lambda transaction: self._reader(transaction).rows(config, filter, before, limit)
        )
        for row in rows:
            yield await self._database.fetch(lambda transaction, row=row: self._reader(transaction).load(row)[0])

    def get_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        """Return what delta channels are rebuilt from: the nearest stored value and the writes since."""
        return self._database.look(lambda transaction: delta_history(self._reader(transaction), config, channels))

    async def aget_delta_channel_history(
        self, *, config: RunnableConfig, channels: Sequence[str]
    ) -> Mapping[str, DeltaChannelHistory]:
        """Return what delta channels are rebuilt from; see `get_delta_channel_history`."""
        return await self._database.fetch(
            lambda transaction: delta_history(self._reader(transaction), config, channels)
        )

    def _taken(self, found: tuple[CheckpointTuple | None, dict[Key, Tip | None]]) -> CheckpointTuple | None:
        self._remember(found[1])
        return found[0]

    # -- keeping house ------------------------------------------------------------------------------

    def delete_thread(self, thread_id: str) -> None:
        """Delete the checkpoints of a thread; what nothing refers to any more goes with the next `nexus gc`."""
        self._forget([thread_id])
        self._database.run(lambda transaction: upkeep.delete_threads(transaction, [str(thread_id)]))

    async def adelete_thread(self, thread_id: str) -> None:
        """Delete the checkpoints of a thread; see `delete_thread`."""
        self._forget([thread_id])
        await self._database.write(lambda transaction: upkeep.delete_threads(transaction, [str(thread_id)]))

    def delete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Delete the checkpoints whose metadata name one of these runs."""
        self._database.run(lambda transaction: upkeep.delete_runs(transaction, list(run_ids)))

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Delete the checkpoints of runs; see `delete_for_runs`."""
        await self._database.write(lambda transaction: upkeep.delete_runs(transaction, list(run_ids)))

    def copy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy a thread, all its checkpoints and writes; lists and blobs are shared."""
        self._database.run(lambda transaction: upkeep.copy_thread(transaction, source_thread_id, target_thread_id))

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy a thread; see `copy_thread`."""
        await self._database.write(
            lambda transaction: upkeep.copy_thread(transaction, source_thread_id, target_thread_id)
        )

    def prune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """Delete the history of threads but for the newest checkpoint of each namespace, or all of it.

        The ancestors that a delta channel is rebuilt from are kept too.

        Args:
            thread_ids: The threads.
            strategy: `keep_latest` or `delete`.

        Raises:
            ValueError: Another strategy.
        """
        self._database.run(self._pruning(thread_ids, strategy))

    async def aprune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """Delete the history of threads; see `prune`."""
        await self._database.write(self._pruning(thread_ids, strategy))

    def _pruning(self, thread_ids: Sequence[str], strategy: str) -> Callable[[Transaction], None]:
        self._forget(thread_ids)

        def work(transaction: Transaction) -> None:
            if strategy == "delete":
                upkeep.delete_threads(transaction, thread_ids)
            else:
                upkeep.keep_latest(self._reader(transaction), thread_ids)

        if strategy not in ("delete", "keep_latest"):
            raise ValueError(f"There is no way to prune named {strategy!r}: it is keep_latest or delete.")
        return work

    def get_next_version(self, current: str | int | float | None, channel: None = None) -> str:
        """Return a version after `current` that no fork of the thread will return too.

        It is text that sorts: 8 hexadecimal digits that count, a point, 8 that are random. Versions of LangGraph's own
        savers (32 decimal digits, or plain numbers) may come before it.
        """
        if current is None:
            count = 0
        elif isinstance(current, str):
            head = current.partition(".")[0]
            count = int(head, 16 if len(head) == 8 else 10)
        else:
            count = int(current)
        # Not from `random`: a process that was forked would go on with the numbers of its parent.
        return f"{count + 1:08x}.{os.urandom(4).hex()}"

    # -- parts --------------------------------------------------------------------------------------

    @property
    def _codec(self) -> Codec:
        # LangGraph exchanges `serde` on a copy of this object when it compiles a graph.
        return Codec(self.serde)

    @property
    def _values(self) -> Values:
        return Values(self._codec, self._sealer)

    def _reader(self, transaction: Transaction) -> Reader:
        return Reader(transaction, self._codec, self._sealer)

    def _remember(self, tips: Mapping[Key, Tip | None]) -> None:
        for key, tip in tips.items():
            self._tips.pop(key, None)
            if tip is not None:
                self._tips[key] = tip
        while len(self._tips) > _TIPS:
            self._tips.popitem(last=False)

    def _forget(self, thread_ids: Sequence[str]) -> None:
        for key in [key for key in self._tips if key[0] in thread_ids]:
            del self._tips[key]
