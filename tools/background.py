"""Keeps the background processes of one run: in the sandbox, with bounded output, and none left behind.

Each is a command of the sandbox that a task of this process waits for. Cancelling the task ends the command and all
that it started; should this process die instead, the sandbox's lifeline does the same.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nexus_agents.core.errors import NexusError, ToolInputError
from nexus_agents.core.processes import ProcessState
from nexus_agents.core.tool import Job
from tools.paths import require_workspace
from tools.sandbox import Completed, run_for
from tools.text_files import write_atomically

__all__ = ["LONGEST", "RunProcesses"]

LONGEST = 4 * 3600.0
"""Seconds after which a process is ended even if the run goes on."""

MOST = 8
KEPT = 256 << 10
"""Bytes of output that are kept for sure; the file may be twice as long."""


@dataclass
class _Kept:
    """A process of this run that this process of Nexus waits for."""

    state: ProcessState
    task: asyncio.Task[Completed] | None = None
    told: asyncio.Event = field(default_factory=asyncio.Event)


class RunProcesses:
    """Implements `Processes` of core.

    Args:
        folder: Where outputs are kept, in the folder of the run; made when it is needed.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept: dict[str, _Kept] = {}

    async def start(self, job: Job, name: str, argv: Sequence[str], shown: str) -> ProcessState:
        """Start a process; the same again under the same name is the one that runs."""
        known = self._kept.get(name)
        if known and known.state.status == "running":
            if known.state.command == shown:
                return self.read(name, 0)
            raise ToolInputError(
                f"{name} is running already: {known.state.command}", "Stop it first, or choose another name."
            )
        if sum(kept.state.status == "running" for kept in self._kept.values()) >= MOST:
            raise ToolInputError(f"{MOST} processes are running already.", "Stop one with `stop_process`.")
        self._folder.mkdir(parents=True, exist_ok=True)
        output = self._folder / f"{name}.log"
        output.unlink(missing_ok=True)
        kept = _Kept(ProcessState(name=name, command=shown, status="running"))
        workspace = require_workspace(job.workspace)

        def write(piece: str) -> None:
            _append(output, piece)
            kept.told.set()

        work = run_for(job, argv, workspace, timeout=LONGEST, output_limit=1024, on_output=write)
        kept.task = asyncio.create_task(work, name=f"process {name}")
        kept.task.add_done_callback(lambda task: self._ended(kept, task))
        self._kept[name] = kept
        self._note(kept)
        return self.read(name, 0)

    async def wait(self, name: str, text: str, seconds: float) -> None:
        """Wait until a text (anything, where it is empty) is printed, until the process ends, or for some seconds."""
        kept = self._kept[name]

        def printed() -> bool:
            output = self._output(name, KEPT)
            return text in output if text else bool(output)

        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while kept.state.status == "running" and not printed():
                    kept.told.clear()
                    await kept.told.wait()
        done = kept.task if kept.task is not None and kept.task.done() and not kept.task.cancelled() else None
        if done is not None and (error := done.exception()):
            raise error

    def read(self, name: str, characters: int) -> ProcessState:
        """Return how a process stands, with the end of its output."""
        kept = self._kept.get(name)
        if kept is None:
            file = self._folder / f"{name}.json"
            if not file.is_file():
                there = ", ".join(self.names()) or "none"
                raise ToolInputError(f"There is no process {name!r}.", f"Started so far: {there}.")
            state = ProcessState.model_validate_json(file.read_bytes())
            if state.status == "running":
                state.status = "lost"
        else:
            state = kept.state.model_copy()
        state.output = self._output(name, characters)
        return state

    async def stop(self, name: str) -> ProcessState:
        """End a process and all that it has started; one that has ended stays as it is."""
        kept = self._kept.get(name)
        if kept is not None and kept.task is not None and not kept.task.done():
            kept.task.cancel()
            await asyncio.wait({kept.task})
        return self.read(name, 4000)

    def names(self) -> list[str]:
        """Return the names of all processes that the run has started."""
        return sorted(file.stem for file in self._folder.glob("*.json"))

    async def end(self) -> None:
        """End all of them: the run ends, pauses or is cut off."""
        tasks = {kept.task for kept in self._kept.values() if kept.task is not None and not kept.task.done()}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _ended(self, kept: _Kept, task: asyncio.Task[Completed]) -> None:
        kept.state.status = "stopped" if task.cancelled() else "ended"
        if not task.cancelled() and task.exception() is None:
            kept.state.returncode, kept.state.cut = task.result().returncode, task.result().cut
        kept.told.set()
        with contextlib.suppress(NexusError, OSError):
            self._note(kept)

    def _note(self, kept: _Kept) -> None:
        file = self._folder / f"{kept.state.name}.json"
        write_atomically(file, kept.state.model_dump_json().encode(), call=kept.state.name, name=file.name)

    def _output(self, name: str, characters: int) -> str:
        file = self._folder / f"{name}.log"
        if not characters or not file.is_file():
            return ""
        text = file.read_bytes()[-KEPT:].decode("utf-8", "replace")
        return text if len(text) <= characters else f"[earlier output left out]\n{text[-characters:]}"


def _append(file: Path, piece: str) -> None:
    with file.open("ab") as end:
        end.write(piece.encode("utf-8", "replace"))
        size = end.tell()
    if size > 2 * KEPT:
        file.write_bytes(file.read_bytes()[-KEPT:])
