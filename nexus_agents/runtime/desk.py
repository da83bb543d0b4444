"""What a face holds: runs started, watched, answered and interrupted, while worker processes do the work."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from nexus_agents.core.errors import BackendDown, InputError, LimitReached, NexusError, PersonNeeded
from nexus_agents.core.events import RunFinished, UserSaid
from nexus_agents.core.runs import UNFINISHED, now
from nexus_agents.runtime.live import GO, connect, host_path, socket_path
from nexus_agents.runtime.processes import is_alive
from nexus_agents.runtime.runtime import Runtime, open_runtime
from nexus_agents.runtime.settings import Settings, load_settings
from nexus_agents.runtime.worker_process import Order, Taken

if TYPE_CHECKING:
    from nexus_agents.core.budget import Limits
    from nexus_agents.core.events import AnyEvent
    from nexus_agents.core.history import ChannelChange, CheckpointInfo
    from nexus_agents.core.runs import Run
    from nexus_agents.core.tool import Approved
    from nexus_agents.runtime.approvals import Decision

__all__ = ["Desk", "ensure_host", "hand_over", "open_desk"]

LISTEN = 0.5
"""Seconds between looks for what a person said to a run that is watched live: no worker tells of it."""

POLL = 0.25
"""Seconds between looks at the database where a run has no live socket."""

QUEUED = 10.0
"""Seconds after which a run that was queued is taken for one that nobody will begin."""

GRACE = 1.0
"""Seconds that a run's last event may come after its last status: they are two transactions."""

REMOTE = 60.0
"""Seconds since its last sign of life for which a process on another machine counts as alive."""

ACCEPTED = 5.0
"""Seconds in which the warm host must take an order; it may be starting."""

TAKEN = 45.0
"""Seconds in which a worker must have the run: longer than the database waits for a lock."""


class Desk:
    """Runs of one installation, worked in processes of their own.

    Args:
        runtime: Opened without checkpoints: a face works no run itself.
    """

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime

    @property
    def settings(self) -> Settings:
        """Folders and agents.yaml."""
        return self.runtime.settings

    async def start(
        self,
        request: str,
        *,
        graph: str = "assistant",
        inputs: Mapping[str, Any] | None = None,
        thread_id: str | None = None,
        workspace: Path | None = None,
        model: str | None = None,
        approved: Sequence[Approved] = (),
        budget: Limits | None = None,
    ) -> Run:
        """Write a run down and have it worked; see `Runtime.start`."""
        run = await self.runtime.start(
            request,
            graph=graph,
            inputs=inputs,
            thread_id=thread_id,
            workspace=workspace,
            model=model,
            approved=approved,
            budget=budget,
        )
        await self.work(run.id)
        return run

    async def work(
        self,
        run_id: str,
        *,
        answers: Mapping[str, Decision] | None = None,
        approved: Sequence[Approved] = (),
        budget: Limits | None = None,
    ) -> None:
        """Have a run worked, from its start or from where it stands.

        Returns as soon as a worker process has the run. Answers, approvals and limits are those of `Runtime.stream`.

        Raises:
            InputError: There is no such run, it has ended, or a living process works on it.
            ConfigError: agents.yaml has changed and cannot be used any more.
            WorkspaceError: Its workspace is gone.
            BackendDown: No worker process could be started.
        """
        run = await self.runtime.unfinished(run_id)
        if run is not None and _is_alive(run):
            assert run.owner is not None
            raise InputError(
                f"Run {run.id} is being worked on by process {run.owner.pid}.", "Watch it, or interrupt it first."
            )
        file = self.settings.config_file
        order = Order(
            run_id=run.id if run else run_id,
            answers=dict(answers or {}),
            approved=list(approved),
            budget=budget,
            config_file=str(file.absolute()) if file else None,
            folder=_folder(),
            environment={**os.environ, "NEXUS_HOME": str(self.settings.home)},
        )
        await asyncio.to_thread(hand_over, order, self.settings)

    async def watch(self, run_id: str, *, after: int = 0) -> AsyncGenerator[AnyEvent]:
        """Yield the events of a run: those that are kept, from `after` on, then the live ones, until it ends or waits.

        Every kept event comes once and in order; what is not kept (text chunks, progress) comes only live.

        Args:
            run_id: The run.
            after: The `seq` of the newest event that the caller has.
        """
        events, seen, grace = self.runtime.memory.events, after, time.monotonic() + GRACE
        while True:
            live = await connect(socket_path(self.settings.home, run_id))
            try:
                # Connected first, read then: what happens in between comes twice and is known by its number.
                missed = await events.read(run_id, after=seen)
                for event in missed:
                    seen = event.seq
                    yield event
                newest = live.begun if live else 0
                looked = time.monotonic()
                while live and (event := await live.next(LISTEN)):
                    if isinstance(event, str) or time.monotonic() - looked > LISTEN:
                        looked = time.monotonic()
                        for each in await self._unheard_of(run_id, seen):
                            seen = each.seq
                            yield each
                    if isinstance(event, str):
                        continue
                    newest = max(newest, event.seq)
                    # Chunks of a message that was read from the database already are old.
                    batch = [event] if not event.seq and newest >= seen else []
                    if event.seq > seen:
                        # A number left out was written by a task whose own turn to show it has not come.
                        batch = [event] if event.seq == seen + 1 else await events.read(run_id, after=seen)
                    for each in batch:
                        seen = max(seen, each.seq)
                        yield each
                    if isinstance(event, RunFinished) and event.seq <= seen:
                        return
            finally:
                if live:
                    live.close()
            run = await self.runtime.memory.runs.get(run_id)
            if run is None:
                return
            if missed or live or await self.is_worked(run):
                grace = time.monotonic() + GRACE
            elif run.status in ("running", "queued") or time.monotonic() > grace or await self._has_ended(run.id, seen):
                return
            if not live:
                await asyncio.sleep(POLL)

    async def say(self, run_id: str, text: str) -> AnyEvent:
        """Say something to a run that is at work or waits; see `Runtime.say`."""
        return await self.runtime.say(run_id, text)

    async def unfinished(self) -> list[Run]:
        """Return the runs that were cut off or wait for a person, newest first."""
        runs = await self.runtime.memory.runs.list(limit=200, statuses=UNFINISHED)
        return [run for run in runs if not await self.is_worked(run)]

    async def is_worked(self, run: Run) -> bool:
        """Return whether a process works on a run, or is about to: it was queued a moment ago."""
        if run.status == "running":
            return _is_alive(run)
        return run.status == "queued" and _since(run) < QUEUED

    async def history(self, run_id: str) -> list[CheckpointInfo]:
        """Return the steps of a run in the order of time; see `Runtime.history`."""
        return await self.runtime.history(run_id)

    async def changes(self, before: CheckpointInfo | None, after: CheckpointInfo) -> list[ChannelChange]:
        """Return what changed from one step to another."""
        return await self.runtime.memory.history.changes(before, after)

    async def fork(self, run_id: str, at: int | str) -> Run:
        """Make a run that goes on from a step of another one and have it worked; see `Runtime.fork`."""
        run = await self.runtime.fork(run_id, at)
        await self.work(run.id)
        return run

    async def rewind(self, run_id: str, at: int | str) -> Run:
        """Let a run go on from an earlier step and have it worked; see `Runtime.rewind`."""
        run = await self.runtime.rewind(run_id, at)
        await self.work(run.id)
        return run

    async def interrupt(self, run_id: str) -> bool:
        """Stop the process that works on a run; the run stays resumable. False where nobody here works on it."""
        run = await self.runtime.memory.runs.get(run_id)
        if run is None or run.owner is None or run.owner.host != socket.gethostname() or not _is_alive(run):
            return False
        try:
            os.kill(run.owner.pid, signal.SIGTERM)
        except OSError:
            return False
        return True

    async def _unheard_of(self, run_id: str, seen: int) -> list[AnyEvent]:
        # Only where somebody spoke: a glance costs next to nothing, and the rest comes live.
        events = self.runtime.memory.events
        return await events.read(run_id, after=seen) if await events.said(run_id, after=seen) else []

    async def _has_ended(self, run_id: str, seen: int) -> bool:
        last = await self.runtime.memory.events.read(run_id, after=seen - 1)
        # To a run that waits something may have been said since.
        return bool(last) and isinstance(last[-1], RunFinished | UserSaid)


@asynccontextmanager
async def open_desk(settings: Settings | None = None) -> AsyncGenerator[Desk]:
    """Open the memory for a face."""
    async with open_runtime(settings or load_settings(), checkpoints=False) as runtime:
        yield Desk(runtime)


def ensure_host(home: Path) -> None:
    """Start the warm host where none listens; it is ready a second later.

    Raises:
        BackendDown: It could not be started.
    """
    if sys.platform == "darwin":
        # System libraries of macOS do not survive a fork: there every run gets a new process.
        return
    with socket.socket(socket.AF_UNIX) as probe, contextlib.suppress(OSError):
        probe.connect(str(host_path(home)))
        return
    _detached("nexus_agents.runtime.host", home=home)


def hand_over(order: Order, settings: Settings) -> None:
    """Give an order to the warm host, or to a new process where none answers, and wait until the run is taken.

    Raises:
        NexusError: The worker cannot have the run, for the reason that it gives.
        BackendDown: No worker process could be started, or it ended before it had the run.
    """
    line = order.model_dump_json().encode() + b"\n"
    answer = _from_host(line, settings.home)
    if answer is None:
        answer = _from_process(line, settings.home)
        # Whatever became of the host, the next run shall find one.
        ensure_host(settings.home)
    if not answer:
        raise BackendDown(
            f"No worker process took run {order.run_id} up.",
            f"Try again with: nexus resume {order.run_id}. The log may say more: {_log(settings.home)}",
        )
    refused = Taken.model_validate_json(answer).refused
    if refused is not None:
        raise _KINDS.get(refused.exit_code, NexusError)(refused.message, refused.hint)


_KINDS: dict[int, type[NexusError]] = {
    int(kind.exit_code): kind for kind in (InputError, BackendDown, LimitReached, PersonNeeded)
}


def _from_host(line: bytes, home: Path) -> bytes | None:
    # None where the host has not taken the order: then, and only then, another process may.
    with socket.socket(socket.AF_UNIX) as host:
        host.settimeout(ACCEPTED)
        try:
            host.connect(str(host_path(home)))
            host.sendall(line)
            with host.makefile("rb") as answers:
                if not answers.readline().strip().isdigit():
                    return None
                # Without this word the worker does nothing.
                host.sendall(GO)
                host.settimeout(TAKEN)
                return _read(answers)
        except OSError:
            return None


def _read(answers: IO[bytes]) -> bytes:
    try:
        return answers.readline()
    except OSError:
        return b""


def _from_process(line: bytes, home: Path) -> bytes:
    process = _detached("nexus_agents.runtime.worker_process", home=home, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdout:
        # A process that has ended already is told by its answer, which is empty.
        with contextlib.suppress(OSError), process.stdin:
            process.stdin.write(line)
        ready, _, _ = select.select([process.stdout], [], [], TAKEN)
        return process.stdout.readline() if ready else b""


def _detached(
    module: str, *, home: Path, stdin: int = subprocess.DEVNULL, stdout: int = subprocess.DEVNULL
) -> subprocess.Popen[bytes]:
    try:
        _log(home).parent.mkdir(parents=True, exist_ok=True)
        with _log(home).open("ab") as errors:
            return subprocess.Popen(
                [sys.executable, "-P", "-m", module],
                stdin=stdin,
                stdout=stdout,
                stderr=errors,
                start_new_session=True,
                env={**os.environ, "NEXUS_HOME": str(home)},
            )
    except OSError as error:
        raise BackendDown(
            f"No worker process could be started: {error.strerror}.", "Try again; `nexus doctor` may say more."
        ) from error


def _is_alive(run: Run) -> bool:
    if run.owner is None:
        return False
    # As the memory judges it when a process wants to take the run.
    return is_alive(run.owner) if run.owner.host == socket.gethostname() else _since(run) < REMOTE


def _since(run: Run) -> float:
    # The clock may have been set back since.
    return abs((now() - run.updated_at).total_seconds())


def _folder() -> str:
    try:
        return str(Path.cwd())
    except OSError:
        return ""


def _log(home: Path) -> Path:
    return home / "logs" / "workers.log"
