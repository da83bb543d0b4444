"""Runs that go on from an earlier checkpoint: a new run beside the old one, or the same run again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, func, insert, literal, or_, select, update
from sqlalchemy.exc import IntegrityError

from memory.events import append_event
from memory.fence import Fence, hold_run
from memory.rows import to_row
from memory.tables import runs, tool_calls
from nexus_agents.core.errors import InputError
from nexus_agents.core.runs import now

if TYPE_CHECKING:
    from memory.checkpoint_rows import Reader
    from nexus_agents.core.events import AnyEvent
    from nexus_agents.core.history import CheckpointInfo
    from nexus_agents.core.runs import Run

__all__ = ["fork_run", "rewind_run", "set_aside"]


def set_aside(run_id: str, rewinds: int) -> str:
    """Return the thread that keeps what a rewind left.

    Args:
        run_id: The run.
        rewinds: Which rewind, counted from 1.
    """
    return f"{run_id}~{rewinds}"


def fork_run(reader: Reader, run: Run, at: CheckpointInfo, event: AnyEvent, *, begun: bool) -> AnyEvent:
    """Write a run down that goes on from a checkpoint of its parent; see `SqlHistory.fork`."""
    from memory.cutting import copy_until

    transaction = reader.transaction
    try:
        transaction.execute(insert(runs).values(to_row(run)))
    except IntegrityError as error:
        raise InputError(
            f"Run {run.id} exists already, or its parent {run.parent_id} does not.", "Try again: it gets another id."
        ) from error
    # A run that is not named there is taken for one that has not begun: its own request is put in.
    told = {"nexus_run": run.id} if begun else {}
    copy_until(reader, at.thread_id, run.thread_id, (at.namespace, at.checkpoint_id), told=told)
    if begun:
        last = select(func.max(tool_calls.c.seq)).where(tool_calls.c.run_id == run.parent_id).scalar_subquery()
        others = [column for column in tool_calls.columns if column.name not in ("run_id", "seq")]
        # Before the calls of its own, in their order.
        copied = select(literal(run.id), tool_calls.c.seq - last - 1, *others).where(
            tool_calls.c.run_id == run.parent_id, tool_calls.c.finished_at <= at.at, tool_calls.c.status != "undone"
        )
        names = ["run_id", "seq", *(column.name for column in others)]
        transaction.execute(insert(tool_calls).from_select(names, copied))
    return append_event(transaction, run.id, event)


def rewind_run(reader: Reader, run: Run, at: CheckpointInfo, event: AnyEvent) -> AnyEvent:
    """Let a run go on from an earlier checkpoint; see `SqlHistory.rewind`."""
    from memory.cutting import copy_until
    from memory.upkeep import copy_thread, delete_threads

    transaction = reader.transaction
    hold_run(transaction, run.id, Fence(run.id, run.fence))
    kept = set_aside(run.id, run.rewinds + 1)
    copy_thread(transaction, run.thread_id, kept)
    delete_threads(transaction, [run.thread_id])
    source = kept if at.thread_id == run.thread_id else at.thread_id
    copy_until(reader, source, run.thread_id, (at.namespace, at.checkpoint_id), told={"nexus_run": run.id})
    # What was finished by then counts on: it is not done again. The rest is as if it had not been.
    later = or_(tool_calls.c.finished_at.is_(None), tool_calls.c.finished_at > at.at)
    transaction.execute(
        update(tool_calls).where(and_(tool_calls.c.run_id == run.id, later)).values(status="undone", result=None)
    )
    transaction.execute(
        update(runs)
        .where(runs.c.id == run.id)
        .values(
            status="interrupted",
            rewinds=run.rewinds + 1,
            owner=None,
            result=None,
            error=None,
            updated_at=now(),
        )
    )
    return append_event(transaction, run.id, event)
