"""The history of runs: their checkpoints without their values, the state at one, what changed between two."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from pydantic import BaseModel
from sqlalchemy import or_, select

from memory.branches import fork_run, rewind_run
from memory.tables import checkpoint_writes, checkpoints, events, runs
from nexus_agents.core.errors import ConfigError, InputError
from nexus_agents.core.events import EVENT, RunForked
from nexus_agents.core.history import BEGIN, ChannelChange, CheckpointInfo, RunBranch, compare

if TYPE_CHECKING:
    from memory.checkpoint_rows import Reader, Row
    from memory.database import Database, Transaction
    from memory.sealing import Sealer
    from nexus_agents.core.events import AnyEvent
    from nexus_agents.core.runs import Run

__all__ = ["SqlHistory"]

_TO, _JOIN, _SENT = "branch:to:", "join:", "__pregel_tasks"
_PULL = "~__pregel_pull, "
_OF_ROW = [
    checkpoints.c[name] for name in ("thread_id", "checkpoint_ns", "checkpoint_id", "parent_id", "metadata", "body")
]
Place = tuple[str, str]
"""Namespace and checkpoint id."""


class SqlHistory:
    """`HistoryStore` over SQL. LangGraph is imported only when it is used.

    Args:
        database: Where checkpoints are kept.
        sealer: How bytes lie in the database; as that says, by default.
    """

    def __init__(self, database: Database, sealer: Sealer | None = None) -> None:
        self._database = database
        self._sealer = sealer or database.sealer

    async def list(self, thread_id: str, *, run_id: str | None = None) -> list[CheckpointInfo]:
        """Return the checkpoints of a thread in the order of time, those that a rewind left included.

        A checkpoint that cannot be read is listed with the reason.

        Args:
            thread_id: The thread.
            run_id: Leave those out that other runs wrote on this thread.
        """
        return await self._database.fetch(lambda transaction: self._list(transaction, thread_id, run_id))

    async def branches(self, run_id: str) -> list[RunBranch]:
        """Return the runs that went on from checkpoints of a run, oldest first."""
        query = (
            select(runs.c.id, runs.c.request, runs.c.status, events.c.body)
            .join(events, events.c.run_id == runs.c.id)
            .where(runs.c.parent_id == run_id, runs.c.deleted_at.is_(None), events.c.type == "run_forked")
            .order_by(runs.c.created_at, runs.c.id)
        )
        found: list[RunBranch] = []
        for row in await self._database.read(query):
            event = EVENT.validate_json(row["body"])
            if isinstance(event, RunForked):
                told = {"request": row["request"], "status": row["status"]}
                found.append(RunBranch(run_id=row["id"], checkpoint_id=event.checkpoint_id, **told))
        return found

    async def state(self, at: CheckpointInfo) -> dict[str, Any]:
        """Return the values of the channels at a checkpoint, as JSON has them.

        Raises:
            ConfigError: A part of it is damaged or missing.
            InputError: It is not there any more.
        """
        return await self._database.fetch(lambda transaction: self._state(transaction, at))

    async def changes(self, before: CheckpointInfo | None, after: CheckpointInfo) -> list[ChannelChange]:
        """Return what changed from one checkpoint to another; all of it is new where there is none before.

        Raises:
            ConfigError: A part of one of them is damaged or missing.
            InputError: One of them is not there any more.
        """

        def look(transaction: Transaction) -> list[ChannelChange]:
            first = self._state(transaction, before) if before else {}
            return compare(first, self._state(transaction, after))

        return await self._database.fetch(look)

    async def fork(self, run: Run, at: CheckpointInfo, event: AnyEvent, *, begun: bool = True) -> AnyEvent:
        """Write a new run down that goes on from a checkpoint of its parent; values are shared, not copied.

        Args:
            run: The new run, on a thread of its own.
            at: The checkpoint.
            event: What tells of it, the first event of the run.
            begun: Whether it goes on with the request of its parent; otherwise its own begins there.

        Raises:
            ConfigError: The checkpoint, or one that it follows from, is damaged.
            InputError: The id is taken.
        """
        return await self._database.write(
            lambda transaction: fork_run(self._reader(transaction), run, at, event, begun=begun)
        )

    async def rewind(self, run: Run, at: CheckpointInfo, event: AnyEvent) -> AnyEvent:
        """Let a run that this process has taken go on from an earlier checkpoint; it is interrupted then, and free.

        What came after is kept, beside its thread.

        Args:
            run: The run as it was taken.
            at: The checkpoint.
            event: What tells of it.

        Raises:
            ConfigError: The checkpoint, or one that it follows from, is damaged.
            RunLost: Another process has taken the run.
        """
        return await self._database.write(lambda transaction: rewind_run(self._reader(transaction), run, at, event))

    # -- parts --------------------------------------------------------------------------------------

    def _reader(self, transaction: Transaction) -> Reader:
        from memory.checkpoint_rows import Reader
        from memory.codec import Codec, serializer

        return Reader(transaction, Codec(serializer()), self._sealer)

    def _list(self, transaction: Transaction, thread_id: str, run_id: str | None) -> list[CheckpointInfo]:
        from memory.checkpoint_rows import Row

        on_thread = {str(row[0]) for row in transaction.execute(select(runs.c.id).where(runs.c.thread_id == thread_id))}
        ours = {run_id} & on_thread if run_id else on_thread
        left = [checkpoints.c.thread_id.startswith(f"{each}~", autoescape=True) for each in sorted(ours)]
        here = select(checkpoints.c.thread_id).where(or_(checkpoints.c.thread_id == thread_id, *left)).distinct()
        threads = [str(row[0]) for row in transaction.execute(here)]
        query = select(*_OF_ROW).where(checkpoints.c.thread_id.in_(threads))
        table = checkpoint_writes
        wrote = select(table.c.checkpoint_ns, table.c.checkpoint_id, table.c.task_path).distinct()
        paths: dict[Place, set[str]] = defaultdict(set)
        for found in transaction.execute(wrote.where(table.c.thread_id.in_(threads))).mappings():
            paths[(found["checkpoint_ns"], found["checkpoint_id"])].add(found["task_path"])
        reader = self._reader(transaction)
        read: dict[Place, _Read] = {}
        for found in transaction.execute(query):
            row = Row(*found)
            place = (row.namespace, row.checkpoint_id)
            # What a rewind set aside is a copy of the whole thread: most of it is here too.
            if place not in read or row.thread_id == thread_id:
                read[place] = _read(reader, row)
        others = on_thread - ours
        mine = [one for one in read.values() if one.told.get("nexus_run") not in others]
        mine.sort(key=lambda one: (one.row.checkpoint_id, one.row.namespace))
        children: dict[Place, list[_Read]] = defaultdict(list)
        for one in mine:
            children[(one.row.namespace, one.row.parent_id or "")].append(one)
        return [_info(number, one, read, children, paths, thread_id) for number, one in enumerate(mine, 1)]

    def _state(self, transaction: Transaction, at: CheckpointInfo) -> dict[str, Any]:
        reader = self._reader(transaction)
        place = {"thread_id": at.thread_id, "checkpoint_ns": at.namespace, "checkpoint_id": at.checkpoint_id}
        row = reader.row({"configurable": place})
        if row is None:
            raise InputError(
                f"Checkpoint {at.checkpoint_id} is not there any more.", "It was cleaned up; see: nexus history RUN"
            )
        body = reader.body(row)
        values, _ = reader.values(row, cast("dict[str, Any]", body["channel_versions"]))
        loose = cast("dict[str, Any]", body.get("channel_values", {}))
        return {name: _plain(value) for name, value in (loose | values).items() if _is_state(name)}


@dataclass(frozen=True, slots=True)
class _Read:
    row: Row
    told: dict[str, Any]
    body: dict[str, Any]
    damaged: str

    @property
    def seen(self) -> dict[str, dict[str, Any]]:
        return self.body.get("versions_seen") or {}

    @property
    def sent(self) -> set[str]:
        # A task that was sent for is triggered by no channel: nothing stands beside its name.
        return {name for name, versions in self.seen.items() if not versions and not name.startswith("__")}

    @property
    def latest(self) -> set[str]:
        # Where the step before was cleaned away: the nodes that have seen the newest values ran last.
        newest = {name: max(map(str, versions.values())) for name, versions in self.seen.items() if versions}
        return {name for name, version in newest.items() if version == max(newest.values())}


def _read(reader: Reader, row: Row) -> _Read:
    try:
        return _Read(row, cast("dict[str, Any]", reader.metadata(row)), reader.body(row), "")
    except ConfigError as error:
        return _Read(row, {}, {}, error.message)


def _info(
    number: int,
    one: _Read,
    read: Mapping[Place, _Read],
    children: Mapping[Place, Sequence[_Read]],
    paths: Mapping[Place, set[str]],
    thread_id: str,
) -> CheckpointInfo:
    row = one.row
    parent = (row.namespace, row.parent_id or "")
    updated = cast("list[str]", one.body.get("updated_channels") or [])
    wrote, sent = _named(paths.get(parent, ()))
    if sent:
        before = read[parent].sent if parent in read else set[str]()
        wrote |= (one.sent - before) or one.sent
    if not wrote and one.told.get("source") == "loop":
        wrote = one.latest
    moment = one.body.get("ts")
    return CheckpointInfo(
        number=number,
        checkpoint_id=row.checkpoint_id,
        thread_id=row.thread_id,
        namespace=row.namespace,
        parent_id=row.parent_id,
        step=one.told.get("step"),
        source=str(one.told.get("source", "")),
        at=datetime.fromisoformat(moment) if isinstance(moment, str) else None,
        run_id=one.told.get("nexus_run"),
        wrote=sorted(wrote),
        next=_next(one, updated, children, paths),
        changed=sorted(name for name in updated if _is_state(name)),
        around=cast("dict[str, str]", one.told.get("parents") or {}),
        left=row.thread_id != thread_id,
        damaged=one.damaged,
    )


def _next(
    one: _Read,
    updated: Sequence[str],
    children: Mapping[Place, Sequence[_Read]],
    paths: Mapping[Place, set[str]],
) -> list[str]:
    place = (one.row.namespace, one.row.checkpoint_id)
    ran, _ = _named(paths.get(place, ()))
    for channel in updated:
        if channel.startswith(_TO):
            ran.add(channel.removeprefix(_TO))
        elif channel.startswith(_JOIN):
            # `join:backend+frontend:testing`: testing runs once both have.
            sources, _, target = channel.removeprefix(_JOIN).partition(":")
            if set(sources.split("+")) <= set(one.seen):
                ran.add(target)
        elif channel == BEGIN:
            ran.add(BEGIN)
        elif channel == _SENT:
            ran |= {name for child in children.get(place, ()) for name in child.sent} or {"sent tasks"}
    return sorted(ran)


def _named(paths: Sequence[str] | set[str]) -> tuple[set[str], bool]:
    # LangGraph's places of tasks: `~__pregel_pull, NODE`, or `~__pregel_push, 0000000000, ...` without a name.
    names = {path.removeprefix(_PULL) for path in paths if path.startswith(_PULL)}
    return names, any(path.startswith("~__pregel_push") for path in paths)


def _is_state(channel: str) -> bool:
    return not channel.startswith((_TO, _JOIN, "__"))


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in cast("Mapping[object, Any]", value).items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(each) for each in cast("Sequence[Any]", value)]
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return repr(value) if is_dataclass(value) else str(value)
