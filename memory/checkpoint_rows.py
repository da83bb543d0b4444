"""Rows of checkpoints and what is read from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from langgraph.checkpoint.base import CheckpointTuple, writes_sort_key
from sqlalchemy import bindparam, func, select

from memory.statements import Statement, insert_or_ignore, insert_or_replace
from memory.tables import channel_values, checkpoint_writes, checkpoints
from memory.values import Stored, Tip, Values
from nexus_agents.core.errors import ConfigError

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig
    from langgraph.checkpoint.base import Checkpoint, CheckpointMetadata, PendingWrite

    from memory.codec import Codec
    from memory.database import Transaction
    from memory.sealing import Sealer

__all__ = [
    "INSERT_CHECKPOINT",
    "INSERT_VALUE",
    "KEEP_WRITE",
    "REPLACE_WRITE",
    "SEPARATOR",
    "Reader",
    "Row",
    "separated",
]

INSERT_CHECKPOINT = insert_or_replace(checkpoints)
INSERT_VALUE = insert_or_replace(channel_values)
REPLACE_WRITE = insert_or_replace(checkpoint_writes)
KEEP_WRITE = insert_or_ignore(checkpoint_writes)

_COLUMNS = (
    checkpoints.c.thread_id,
    checkpoints.c.checkpoint_ns,
    checkpoints.c.checkpoint_id,
    checkpoints.c.parent_id,
    checkpoints.c.metadata,
    checkpoints.c.body,
)
_OF_PLACE = (checkpoints.c.thread_id == bindparam("thread_id"), checkpoints.c.checkpoint_ns == bindparam("ns"))
_ONE = Statement(select(*_COLUMNS).where(*_OF_PLACE, checkpoints.c.checkpoint_id == bindparam("checkpoint_id")))
_LAST = select(func.max(checkpoints.c.checkpoint_id)).where(*_OF_PLACE).scalar_subquery()
_NEWEST = Statement(select(*_COLUMNS).where(*_OF_PLACE, checkpoints.c.checkpoint_id == _LAST))
_WRITES = Statement(
    select(
        checkpoint_writes.c.task_path,
        checkpoint_writes.c.task_id,
        checkpoint_writes.c.idx,
        checkpoint_writes.c.channel,
        checkpoint_writes.c.data,
        checkpoint_writes.c.digest,
        checkpoint_writes.c.list_id,
        checkpoint_writes.c.length,
    ).where(
        checkpoint_writes.c.thread_id == bindparam("thread_id"),
        checkpoint_writes.c.checkpoint_ns == bindparam("ns"),
        checkpoint_writes.c.checkpoint_id == bindparam("checkpoint_id"),
    )
)
_VALUE = Statement(
    select(channel_values.c.data, channel_values.c.digest, channel_values.c.list_id, channel_values.c.length).where(
        channel_values.c.thread_id == bindparam("thread_id"),
        channel_values.c.checkpoint_ns == bindparam("ns"),
        channel_values.c.channel == bindparam("channel"),
        channel_values.c.version == bindparam("version"),
    )
)
SEPARATOR = "\x1f"
"""Unit separator: stands in no channel's name."""


def separated(names: Sequence[str]) -> str:
    """Return names as one text in which each can be looked for: a unit separator before and after each."""
    return SEPARATOR + "".join(name + SEPARATOR for name in names) if names else ""


@dataclass(frozen=True, slots=True)
class Row:
    """One checkpoint as it lies in its row, without its values."""

    thread_id: str
    namespace: str
    checkpoint_id: str
    parent_id: str | None
    metadata: bytes
    body: bytes


class Reader:
    """Reads checkpoints within one transaction.

    Args:
        transaction: The transaction.
        codec: Makes values of bytes.
        sealer: Opens those bytes.
    """

    def __init__(self, transaction: Transaction, codec: Codec, sealer: Sealer) -> None:
        self.transaction = transaction
        self._codec = codec
        self._sealer = sealer
        self._values = Values(codec, sealer)

    def find(self, config: RunnableConfig) -> tuple[CheckpointTuple | None, dict[tuple[str, str, str], Tip | None]]:
        """Return the checkpoint that a config names, the newest of its place by default, and the ends of its lists.

        Raises:
            ConfigError: A part of it is damaged or missing.
        """
        row = self.row(config)
        return self.load(row) if row else (None, {})

    def row(self, config: RunnableConfig) -> Row | None:
        """Return the row that a config names, the newest of its place by default."""
        where = cast("Mapping[str, Any]", config.get("configurable", {}))
        place = {"thread_id": str(where["thread_id"]), "ns": str(where.get("checkpoint_ns") or "")}
        checkpoint_id = where.get("checkpoint_id")
        found = (
            self.transaction.row(_ONE, place | {"checkpoint_id": str(checkpoint_id)})
            if checkpoint_id
            else self.transaction.row(_NEWEST, place)
        )
        return Row(*found) if found else None

    def rows(
        self,
        config: RunnableConfig | None,
        filter: Mapping[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> list[Row]:
        """Return the rows that fit, newest first.

        Args:
            config: The thread, and perhaps the namespace and the checkpoint.
            filter: What their metadata must say.
            before: Only those older than this one.
            limit: So many at most.
        """
        query = select(*_COLUMNS).order_by(checkpoints.c.checkpoint_id.desc())
        where: Mapping[str, Any] = config.get("configurable", {}) if config else {}
        for column, name in (
            (checkpoints.c.thread_id, "thread_id"),
            (checkpoints.c.checkpoint_ns, "checkpoint_ns"),
            (checkpoints.c.checkpoint_id, "checkpoint_id"),
        ):
            if where.get(name) is not None:
                query = query.where(column == str(where[name]))
        if before and (until := before.get("configurable", {}).get("checkpoint_id")):
            query = query.where(checkpoints.c.checkpoint_id < until)
        found: list[Row] = []
        for row in self.transaction.tuples(query):
            if limit is not None and len(found) >= limit:
                break
            kept = Row(*row)
            if filter:
                told = cast("Mapping[str, Any]", self.metadata(kept))
                if any(told.get(name) != value for name, value in filter.items()):
                    continue
            found.append(kept)
        return found

    def metadata(self, row: Row) -> CheckpointMetadata:
        """Return the metadata of a checkpoint."""
        return self._decode(row, row.metadata)

    def as_metadata(self, told: Mapping[str, Any]) -> bytes:
        """Return metadata as they lie in a row."""
        return self._sealer.seal(self._codec.encode(dict(told)))

    def body(self, row: Row) -> dict[str, Any]:
        """Return a checkpoint without the values of its channels."""
        return self._decode(row, row.body)

    def load(self, row: Row) -> tuple[CheckpointTuple, dict[tuple[str, str, str], Tip | None]]:
        """Return a checkpoint with its values and pending writes, and the ends of its lists.

        Raises:
            ConfigError: A part of it is damaged or missing.
        """
        body = self.body(row)
        place = {"thread_id": row.thread_id, "checkpoint_ns": row.namespace}
        loose = body.pop("channel_values", {})
        values, tips = self.values(row, cast("dict[str, Any]", body["channel_versions"]))
        checkpoint = cast("Checkpoint", {**body, "channel_values": loose | values})
        parent: Any = {"configurable": place | {"checkpoint_id": row.parent_id}} if row.parent_id else None
        return (
            CheckpointTuple(
                cast("RunnableConfig", {"configurable": place | {"checkpoint_id": row.checkpoint_id}}),
                checkpoint,
                self.metadata(row),
                parent,
                self.writes(row),
            ),
            tips,
        )

    def values(
        self, row: Row, versions: Mapping[str, Any]
    ) -> tuple[dict[str, Any], dict[tuple[str, str, str], Tip | None]]:
        """Return the values of channels at their versions, those that have one, and the ends of their lists."""
        if not versions:
            return {}, {}
        place = {"thread_id": row.thread_id, "ns": row.namespace}
        values: dict[str, Any] = {}
        tips: dict[tuple[str, str, str], Tip | None] = {}
        for channel, version in versions.items():
            stored = self.transaction.row(_VALUE, place | {"channel": channel, "version": str(version)})
            if stored is not None:
                loaded = self.value(row, Stored(*stored))
                values[channel] = loaded.value
                tips[(row.thread_id, row.namespace, channel)] = loaded.tip
        return values, tips

    def value(self, row: Row, stored: Stored) -> Any:
        """Return a value with the end of its list.

        Raises:
            ConfigError: It is damaged or missing.
        """
        return self._guarded(row, lambda: self._values.read(self.transaction, stored))

    def writes(self, row: Row) -> list[PendingWrite]:
        """Return what the tasks of a checkpoint wrote, in the order in which LangGraph applies it."""
        place = {"thread_id": row.thread_id, "ns": row.namespace, "checkpoint_id": row.checkpoint_id}
        found = self.transaction.rows(_WRITES, place)
        found.sort(key=lambda write: writes_sort_key(*write[:3]))
        return [(write[1], write[3], self.value(row, Stored(*write[4:])).value) for write in found]

    def _decode(self, row: Row, data: bytes) -> Any:
        return self._guarded(row, lambda: self._codec.decode(self._sealer.open(bytes(data))))

    def _guarded(self, row: Row, read: Any) -> Any:
        try:
            return read()
        except ConfigError:
            raise
        except Exception as error:
            raise ConfigError(
                f"Checkpoint {row.checkpoint_id} of thread {row.thread_id} cannot be read: {error}.",
                "Go on from an earlier one: nexus history shows them, nexus fork takes one up.",
            ) from error
