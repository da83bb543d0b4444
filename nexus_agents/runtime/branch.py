"""Going on from an earlier step of a run: as a new run beside it, or as the same run again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nexus_agents.core.errors import InputError, WorkspaceError
from nexus_agents.core.events import RunForked, RunRewound
from nexus_agents.core.names import new_id
from nexus_agents.core.runs import Run
from nexus_agents.runtime.settings import check_workspace
from nexus_agents.runtime.workspaces import copy_workspace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nexus_agents.core.history import CheckpointInfo
    from nexus_agents.core.ports import Memory
    from nexus_agents.core.runs import Owner
    from nexus_agents.runtime.settings import Settings

__all__ = ["find_step", "fork_run", "rewind_run"]

NUMBER = 6
"""Digits that a step's number has at most: longer ones are taken for the id of a checkpoint."""


def find_step(steps: Sequence[CheckpointInfo], at: int | str, run_id: str) -> CheckpointInfo:
    """Return the checkpoint that somebody named.

    Args:
        steps: The history of the run.
        at: Its number, its id, or the beginning or the end of its id.
        run_id: The run, for messages.

    Raises:
        InputError: There is none, or there are several.
    """
    see = f"See the steps with: nexus history {run_id}"
    text = str(at).strip()
    if not steps:
        raise InputError(f"Run {run_id} has no steps yet.", f"Let it begin first: nexus resume {run_id}")
    if text.isascii() and text.isdigit() and len(text) <= NUMBER:
        found = [step for step in steps if step.number == int(text)]
        if not found:
            raise InputError(f"Run {run_id} has no step {text}: they go from 1 to {len(steps)}.", see)
        return found[0]
    found = [
        step for step in steps if text and (step.checkpoint_id.startswith(text) or step.checkpoint_id.endswith(text))
    ]
    if not found:
        raise InputError(f"Run {run_id} has no step or checkpoint {text!r}.", see)
    if len(found) > 1:
        raise InputError(f"{text!r} fits {len(found)} checkpoints of run {run_id}.", "Give more of it, or the number.")
    return found[0]


async def fork_run(
    memory: Memory,
    settings: Settings,
    parent: Run,
    at: int | str,
    *,
    workspace: Path | None = None,
    request: str | None = None,
) -> Run:
    """Make a run that goes on from a step of another one; see `Runtime.fork`."""
    steps = await memory.history.list(parent.thread_id, run_id=parent.id)
    step = _whole(find_step(steps, at, parent.id))
    if request is not None:
        # A request begins a turn, and turns are taken by the run's own graph.
        step = _whole(next((one for one in steps if one.checkpoint_id == step.around.get("")), step))
    run_id = new_id()
    folder = (workspace or settings.workspaces / run_id).expanduser().absolute()
    calls = await memory.ledger.list(parent.id)
    assert step.at is not None
    if folder.is_dir() and any(folder.iterdir()):
        files = f"The workspace is {folder} as it is."
    else:
        files = await copy_workspace(Path(parent.workspace), folder, calls=calls, moment=step.at)
    run = Run(
        id=run_id,
        thread_id=run_id,
        graph=parent.graph,
        request=request or parent.request,
        workspace=str(check_workspace(folder)),
        origin=parent.origin,
        model=parent.model,
        inputs=parent.inputs,
        parent_id=parent.id,
        rewinds=parent.rewinds,
    )
    done = [call for call in calls if call.finished_at and call.finished_at <= step.at and call.status != "undone"]
    event = RunForked(
        run_id=run_id,
        parent_id=parent.id,
        checkpoint_id=step.checkpoint_id,
        step=step.number,
        does=step.does,
        finished_calls=0 if request else len(done),
        files=files,
    )
    await memory.history.fork(run, step, event, begun=request is None)
    return run


async def rewind_run(memory: Memory, run: Run, at: int | str, owner: Owner) -> Run:
    """Let a run go on from an earlier step; see `Runtime.rewind`."""
    steps = await memory.history.list(run.thread_id, run_id=run.id)
    step = _whole(find_step(steps, at, run.id))
    newest = await memory.runs.list(limit=1, thread_id=run.thread_id)
    if newest and newest[0].id != run.id:
        raise InputError(
            f"Run {newest[0].id} has gone on in the thread of run {run.id}.",
            f"Rewind that one, or fork this one: nexus fork {run.id} --at {step.number}",
        )
    if not Path(run.workspace).is_dir():
        raise WorkspaceError(
            f"The workspace of run {run.id} is gone: {run.workspace}", "Put it back where it was, then rewind."
        )
    claimed = await memory.runs.claim(run.id, owner)
    event = RunRewound(
        run_id=run.id,
        checkpoint_id=step.checkpoint_id,
        step=step.number,
        does=step.does,
        left=sum(one.number > step.number and not one.left for one in steps),
        files=f"The files in {run.workspace} stay as they are.",
    )
    try:
        await memory.history.rewind(claimed, step, event)
    except BaseException:
        await memory.runs.settle(run.id, claimed.fence, run.status, result=run.result, error=run.error)
        raise
    return claimed


def _whole(step: CheckpointInfo) -> CheckpointInfo:
    if step.damaged:
        raise InputError(f"Step {step.number} is damaged: {step.damaged}", "Choose an earlier or a later one.")
    return step
