"""What LangGraph's delta channels are rebuilt from: the nearest stored value, and the writes since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from langgraph.checkpoint.base import writes_sort_key
from sqlalchemy import Integer, and_, func, literal, literal_column, select, union_all

from memory.checkpoint_rows import SEPARATOR
from memory.tables import checkpoint_writes, checkpoints
from memory.values import Stored

if TYPE_CHECKING:
    from langchain_core.runnables import RunnableConfig
    from langgraph.checkpoint.base import DeltaChannelHistory, PendingWrite
    from sqlalchemy import CTE, ColumnElement, Executable

    from memory.checkpoint_rows import Reader, Row

__all__ = ["ancestors", "delta_history"]


def delta_history(reader: Reader, config: RunnableConfig, channels: Sequence[str]) -> Mapping[str, DeltaChannelHistory]:
    """Return, for each channel, the nearest stored value among the ancestors and what was written after it.

    It follows the parents, not the order of ids: on a thread that was forked only the ancestors count.

    Args:
        reader: Reads the checkpoints.
        config: The checkpoint whose ancestors are looked at.
        channels: The channels.
    """
    row = reader.row(config) if channels else None
    if row is None:
        return {channel: {"writes": []} for channel in channels}
    found = reader.transaction.tuples(_walk(row, channels, reader.transaction.dialect))
    writes: dict[str, list[tuple[Any, PendingWrite]]] = {channel: [] for channel in channels}
    seeds: dict[str, str] = {}
    for channel, depth, checkpoint_id, has, path, task_id, index, *stored in found:
        if has:
            seeds[channel] = checkpoint_id
        if task_id is not None:
            place = (-depth, writes_sort_key(path, task_id, index))
            writes[channel].append((place, (task_id, channel, reader.value(row, Stored(*stored)).value)))
    result: dict[str, DeltaChannelHistory] = {}
    for channel in channels:
        ordered = [write for _, write in sorted(writes[channel], key=lambda pair: pair[0])]
        result[channel] = {"writes": ordered}
        if channel in seeds:
            where = {"thread_id": row.thread_id, "checkpoint_ns": row.namespace, "checkpoint_id": seeds[channel]}
            seed = reader.row({"configurable": where})
            if seed is not None:
                version = reader.body(seed)["channel_versions"].get(channel)
                values, _ = reader.values(seed, {channel: version})
                if channel in values:
                    result[channel]["seed"] = values[channel]
    return result


def ancestors(reader: Reader, row: Row, channels: Sequence[str]) -> set[str]:
    """Return the ids of the ancestors that these channels are rebuilt from."""
    found = reader.transaction.tuples(_walk(row, channels, reader.transaction.dialect))
    return {checkpoint_id for _, _, checkpoint_id, *_ in found}


def _walk(row: Row, channels: Sequence[str], dialect: str) -> Executable:
    # One recursive query: for each channel from parent to parent until one holds a value, with its writes.
    here = and_(checkpoints.c.thread_id == row.thread_id, checkpoints.c.checkpoint_ns == row.namespace)
    named = union_all(*(select(literal(channel).label("channel")) for channel in channels)).subquery("named")
    step: tuple[Any, ...] = (checkpoints.c.checkpoint_id, checkpoints.c.parent_id, checkpoints.c.stored)
    path = (
        select(named.c.channel, *step, literal_column("1", Integer).label("depth"))
        .select_from(named.join(checkpoints, here))
        .where(checkpoints.c.checkpoint_id == row.parent_id)
        .cte("path", recursive=True)
    )
    path = path.union_all(
        select(path.c.channel, *step, path.c.depth + literal_column("1"))
        .join(checkpoints, and_(here, checkpoints.c.checkpoint_id == path.c.parent_id))
        .where(~_holds(path, dialect))
    )
    written = and_(
        checkpoint_writes.c.thread_id == row.thread_id,
        checkpoint_writes.c.checkpoint_ns == row.namespace,
        checkpoint_writes.c.checkpoint_id == path.c.checkpoint_id,
        checkpoint_writes.c.channel == path.c.channel,
    )
    return select(
        path.c.channel,
        path.c.depth,
        path.c.checkpoint_id,
        _holds(path, dialect),
        checkpoint_writes.c.task_path,
        checkpoint_writes.c.task_id,
        checkpoint_writes.c.idx,
        checkpoint_writes.c.data,
        checkpoint_writes.c.digest,
        checkpoint_writes.c.list_id,
        checkpoint_writes.c.length,
    ).select_from(path.outerjoin(checkpoint_writes, written))


def _holds(path: CTE, dialect: str) -> ColumnElement[bool]:
    find = func.strpos if dialect == "postgresql" else func.instr
    separator = literal(SEPARATOR)
    return find(path.c.stored, separator + path.c.channel + separator) > literal_column("0")
