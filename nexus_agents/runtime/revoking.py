"""Takes back answers that hold for more than one call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nexus_agents.core.errors import InputError
from nexus_agents.runtime.processes import is_alive

if TYPE_CHECKING:
    from nexus_agents.core.ports import Memory
    from nexus_agents.core.runs import Run

__all__ = ["revoke", "standing"]


async def standing(memory: Memory, run: Run) -> list[str]:
    """Return what was approved or refused for more than one call in the thread of a run."""
    return _of(await _thread(memory, run))


async def revoke(memory: Memory, run: Run, entries: Sequence[str]) -> list[str]:
    """Take back what was approved or refused in the thread of a run; see `Runtime.revoke`."""
    thread = await _thread(memory, run)
    if busy := next((one for one in thread if one.status == "running" and one.owner and is_alive(one.owner)), None):
        raise InputError(
            f"Run {busy.id} is at work with these answers.", f"Interrupt it first, then: nexus approvals {run.id}"
        )
    there = _of(thread)
    if unknown := next((entry for entry in entries if entry not in there), None):
        raise InputError(f"Nothing like {unknown!r} was answered here.", f"See what was: nexus approvals {run.id}")
    gone = list(entries) or there
    for one in thread:
        if set(one.approved) & set(gone):
            await memory.runs.amend(one.id, revoked=gone)
    return gone


async def _thread(memory: Memory, run: Run) -> list[Run]:
    return await memory.runs.list(limit=10_000, thread_id=run.thread_id)


def _of(thread: Sequence[Run]) -> list[str]:
    return list(dict.fromkeys(entry for one in thread for entry in one.approved))
