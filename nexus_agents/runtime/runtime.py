"""The only way anything is run: start, stream, resume, fork, rewind, cancel."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nexus_agents.core.budget import Limits
from nexus_agents.core.errors import InputError
from nexus_agents.core.events import RunFinished, RunResumed, RunStarted, UserSaid
from nexus_agents.core.names import new_id
from nexus_agents.core.runs import UNFINISHED, Run
from nexus_agents.runtime.approvals import lasting
from nexus_agents.runtime.branch import find_step, fork_run, rewind_run
from nexus_agents.runtime.endings import failed, interrupted
from nexus_agents.runtime.faults import explain
from nexus_agents.runtime.processes import is_alive, owner
from nexus_agents.runtime.questions import check_answers, check_arguments
from nexus_agents.runtime.refusals import check_kept, checked
from nexus_agents.runtime.revoking import revoke, standing
from nexus_agents.runtime.settings import Settings, check_workspace, load_settings
from nexus_agents.runtime.wiring import Builders, House, open_house, tool_registry
from nexus_agents.runtime.work import Worker

if TYPE_CHECKING:
    from nexus_agents.core.events import AnyEvent
    from nexus_agents.core.history import CheckpointInfo
    from nexus_agents.core.ports import Memory
    from nexus_agents.runtime.approvals import Decision

__all__ = ["Runtime", "is_alive", "open_runtime"]


_AT_WORK: set[tuple[str, str]] = set()
"""Database and id of the runs that this process works on: the runs table knows processes, not runtimes."""


class Runtime:
    """Runs of one installation, worked in this process.

    Args:
        house: What wiring put together.
    """

    def __init__(self, house: House) -> None:
        self._house = house
        self._tasks: dict[str, asyncio.Task[None]] = {}

    @property
    def memory(self) -> Memory:
        """Runs, events, ledger, artifacts and voices, to look at."""
        return self._house.memory

    @property
    def settings(self) -> Settings:
        """Folders and agents.yaml."""
        return self._house.settings

    @property
    def house(self) -> House:
        """What wiring put together."""
        return self._house

    async def start(
        self,
        request: str,
        *,
        graph: str = "assistant",
        inputs: Mapping[str, Any] | None = None,
        thread_id: str | None = None,
        workspace: Path | None = None,
        model: str | None = None,
        approved: Sequence[str] = (),
        budget: Limits | None = None,
    ) -> Run:
        """Write a run down, ready to be streamed; nothing is worked yet.

        Args:
            request: What is wanted, in words.
            graph: The graph that works it.
            inputs: What the graph is given besides the request.
            thread_id: The thread to go on in; a new one by default.
            workspace: The folder to work in; that of the thread, or a new one, by default.
            model: `provider:model` for every role that agents.yaml gives no model of its own.
            approved: Risk classes, or kinds of calls, that need no further question in this run.
            budget: What it may use up, where that differs from agents.yaml.

        Raises:
            InputError: A request that is empty or no text, or an unfinished run on that thread.
            ConfigError: There is no such graph or model.
            WorkspaceError: The workspace cannot be written.
        """
        request = checked(request)
        run_id = new_id()
        earlier = await self._thread(thread_id) if thread_id else None
        folder = workspace or (Path(earlier.workspace) if earlier else self.settings.workspaces / run_id)
        run = Run(
            id=run_id,
            thread_id=thread_id or run_id,
            graph=graph,
            request=request,
            workspace=str(folder.expanduser().absolute()),
            origin=str(Path.cwd()),
            model=model,
            inputs=dict(inputs or {}),
            # What was answered for always holds in the thread.
            approved=list(dict.fromkeys([*approved, *(lasting(earlier.approved) if earlier else ())])),
            budget=budget or Limits(),
        )
        Worker.check(self._house, run)
        run.workspace = str(check_workspace(folder))
        await self.memory.runs.create(run)
        return run

    async def stream(
        self,
        run_id: str,
        *,
        answers: Mapping[str, Decision] | None = None,
        approved: Sequence[str] = (),
        budget: Limits | None = None,
    ) -> AsyncIterator[AnyEvent]:
        """Work a run, from its start or from where it was cut off, and yield its events as they happen.

        The last event is always `RunFinished`. Closing the stream interrupts the run; it can be resumed.

        Args:
            run_id: The run.
            answers: Decisions by the `approval_id` of the question.
            approved: Risk classes to approve for the rest of the run, however often it is resumed.
            budget: Other limits from here on.

        Raises:
            InputError: There is no such run, it has ended, another process works on it, it never asked what is
                answered, or a tool does not take the arguments of an answer.
            ConfigError: Money is limited, and the price of a model is not known.
            WorkspaceError: It was begun, and its workspace is gone.
        """
        found = await self._get(run_id)
        if answers:
            events = await self.memory.events.read(found.id)
            check_answers(tool_registry(self.settings.config), found.id, events, answers)
        check_kept(found)
        with self._alone(found.id):
            if budget is not None:
                Worker.check(self._house, found.model_copy(update={"budget": budget.over(found.budget)}))
            run = await self._claim(run_id)
            if approved or budget is not None:
                # Once it is ours: of a run that another process works on nothing is changed.
                amended = await self.memory.runs.amend(run.id, approved=approved, budget=budget)
                run = run.model_copy(update={"approved": amended.approved, "budget": amended.budget})
            queue: asyncio.Queue[AnyEvent | None] = asyncio.Queue()
            task = asyncio.create_task(self._work(run, queue, dict(answers or {})), name=f"run {run.id}")
            self._tasks[run.id] = task
            try:
                while (event := await queue.get()) is not None:
                    yield event
            finally:
                if not task.done():
                    task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
                self._tasks.pop(run.id, None)

    async def unfinished(self, run_id: str | None = None) -> Run | None:
        """Return the run to resume: the one named, or the newest that was cut off or waits.

        Raises:
            InputError: The named run does not exist or has ended.
        """
        if run_id is None:
            newest = await self.memory.runs.list(limit=1, statuses=UNFINISHED)
            return newest[0] if newest else None
        run = await self._get(run_id)
        if run.status in ("done", "cancelled"):
            raise InputError(f"Run {run.id} is {run.status}: there is nothing to resume.", f"See: nexus show {run.id}")
        return run

    async def say(self, run_id: str, text: str) -> AnyEvent:
        """Say something to a run that is at work or waits: its agents hear it at their next turn.

        Raises:
            InputError: There is no such run, it has ended, or nothing is said.
        """
        run = await self._get(run_id)
        if run.status not in UNFINISHED:
            raise InputError(
                f"Run {run.id} is {run.status}: nobody listens any more.",
                f'Go on in its thread: nexus run --thread {run.thread_id} "..."',
            )
        return await self.memory.events.append(run.id, UserSaid(text=checked(text)))

    def check_arguments(self, tool: str, arguments: Mapping[str, Any]) -> None:
        """Refuse arguments with which a tool cannot be called, before an answer is sent with them.

        Raises:
            InputError: It names the argument and what is wrong with it.
        """
        check_arguments(tool_registry(self.settings.config), tool, arguments)

    async def standing(self, run_id: str) -> list[str]:
        """Return what was approved or refused for more than one call in the thread of a run, as in `Run.approved`.

        Raises:
            InputError: There is no such run.
        """
        return await standing(self.memory, await self._get(run_id))

    async def revoke(self, run_id: str, *entries: str) -> list[str]:
        """Take back some of that, or all of it where nothing is named; returns what was taken back.

        Raises:
            InputError: There is no such run or entry, or a run of the thread is at work.
        """
        return await revoke(self.memory, await self._get(run_id), entries)

    def interrupt(self, run_id: str) -> None:
        """Stop a run that this process works on; it stays resumable."""
        if task := self._tasks.get(run_id):
            task.cancel()

    async def cancel(self, run_id: str) -> Run:
        """End a run for good.

        Raises:
            InputError: There is no such run, it has ended, or another process works on it.
        """
        run = await self._get(run_id)
        self.interrupt(run.id)
        if task := self._tasks.get(run.id):
            with suppress(asyncio.CancelledError):
                await asyncio.shield(task)
        claimed = await self._claim(run.id)
        finished = RunFinished(run_id=claimed.id, status="cancelled")
        await self.memory.runs.settle(claimed.id, claimed.fence, "cancelled", event=finished)
        return await self._get(claimed.id)

    async def history(self, run_id: str) -> list[CheckpointInfo]:
        """Return the steps of a run in the order of time, those that a rewind left included.

        Raises:
            InputError: There is no such run.
        """
        run = await self._get(run_id)
        return await self.memory.history.list(run.thread_id, run_id=run.id)

    async def steps(self, run_id: str, *named: int | str) -> list[CheckpointInfo]:
        """Return steps of a run by their numbers, or by their checkpoints' ids or the beginning or end of one.

        Raises:
            InputError: There is no such run or step.
        """
        run = await self._get(run_id)
        history = await self.memory.history.list(run.thread_id, run_id=run.id)
        return [find_step(history, name, run.id) for name in named]

    async def replay(self, run_id: str) -> list[AnyEvent]:
        """Return what was shown of a run, to be shown again; nothing is worked.

        Raises:
            InputError: There is no such run.
        """
        return await self.memory.events.read((await self._get(run_id)).id)

    async def fork(
        self, run_id: str, at: int | str, *, workspace: Path | None = None, request: str | None = None
    ) -> Run:
        """Make a new run that goes on from a step of another one, on a thread of its own, ready to be streamed.

        Values are shared with the other run, which stays as it is. Calls that were finished by then are not made again.

        Args:
            run_id: The other run.
            at: The number of the step, or the id of a checkpoint (or the beginning or the end of one).
            workspace: The folder to work in, taken as it is where it holds files; by default a copy of the other
                run's, set back to that step where git and the ledger tell how it was.
            request: What is wanted from there on; by default what the other run was asked for.

        Raises:
            InputError: There is no such run or step, or the run is at work.
            WorkspaceError: The other run's workspace is gone, or the new one cannot be written.
        """
        run = await self._get(run_id)
        if run.status == "running" and run.owner and is_alive(run.owner):
            raise InputError(f"Run {run.id} is at work.", "Wait for it to end, or interrupt it first.")
        if request is not None:
            request = checked(request)
        return await fork_run(self.memory, self.settings, run, at, workspace=workspace, request=request)

    async def rewind(self, run_id: str, at: int | str) -> Run:
        """Let a run go on from an earlier step; it is interrupted then, and `stream` works it from there.

        What came after stays in the history. Calls that were finished by that step are not made again; later ones
        are, and files stay as they are.

        Args:
            run_id: The run.
            at: The number of the step, or the id of a checkpoint (or the beginning or the end of one).

        Raises:
            InputError: There is no such run or step, the run is at work, or another one has gone on in its thread.
            WorkspaceError: Its workspace is gone.
        """
        run = await self._get(run_id)
        with self._alone(run.id):
            await rewind_run(self.memory, run, at, owner())
        return await self._get(run.id)

    async def _get(self, run_id: str) -> Run:
        run = await self.memory.runs.get(run_id)
        if run is None:
            raise InputError(f"There is no run {run_id}.", "See the runs with: nexus runs")
        return run

    async def _thread(self, thread_id: str) -> Run | None:
        newest = await self.memory.runs.list(limit=1, thread_id=thread_id)
        if newest and newest[0].status in UNFINISHED:
            raise InputError(
                f"Thread {thread_id} has an unfinished run, {newest[0].id}.",
                f"Finish it first: nexus resume {newest[0].id}, or use another thread.",
            )
        return newest[0] if newest else None

    async def _claim(self, run_id: str) -> Run:
        run = await self._get(run_id)
        if run.status in ("done", "cancelled"):
            raise InputError(f"Run {run.id} is {run.status}: there is nothing to work on.", f"See: nexus show {run.id}")
        return await self.memory.runs.claim(run.id, owner())

    @contextmanager
    def _alone(self, run_id: str) -> Generator[None]:
        key = (self.settings.database_url, run_id)
        if key in _AT_WORK:
            raise InputError(
                f"Run {run_id} is being worked on by this process.", "Wait for it to end, or interrupt it first."
            )
        _AT_WORK.add(key)
        try:
            yield
        finally:
            _AT_WORK.discard(key)

    async def _work(self, run: Run, queue: asyncio.Queue[AnyEvent | None], answers: dict[str, Decision]) -> None:
        worker = Worker(self._house, run, queue.put_nowait)
        begun = time.monotonic()
        try:
            try:
                await self._announce(worker, run)
                finished = await worker.work(answers)
            except asyncio.CancelledError:
                finished = interrupted(run)
            except Exception as error:
                finished = failed(
                    run, explain(error, log_file=self.settings.log_file, doing=f"working on run {run.id}")
                )
            await worker.settle(finished.model_copy(update={"seconds": round(time.monotonic() - begun, 3)}))
        finally:
            queue.put_nowait(None)

    async def _announce(self, worker: Worker, run: Run) -> None:
        model, reason = worker.model
        # A process that was killed in its first moments may have taken the run and not said so.
        said = await self.memory.events.read(run.id)
        if not any(isinstance(event, RunStarted) for event in said):
            await worker.emit(
                RunStarted(
                    run_id=run.id,
                    graph=run.graph,
                    request=run.request,
                    workspace=run.workspace,
                    model=model,
                    model_reason=reason,
                )
            )
        else:
            calls = await self.memory.ledger.list(run.id)
            done = sum(call.status == "done" for call in calls)
            await worker.emit(RunResumed(run_id=run.id, finished_calls=done))


@asynccontextmanager
async def open_runtime(
    settings: Settings | None = None, *, checkpoints: bool = True, builders: Builders | None = None
) -> AsyncGenerator[Runtime]:
    """Open memory and engines, and give a runtime over them.

    Args:
        settings: Folders and agents.yaml; found as `load_settings` does by default.
        checkpoints: False where runs are only looked at: that spares the import of LangGraph.
        builders: Graphs that this process brings itself, by name.
    """
    async with open_house(settings or load_settings(), checkpoints=checkpoints, builders=builders) as house:
        yield Runtime(house)
