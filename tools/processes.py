"""Tools for processes that go on in the background, such as a server that is tried out."""

from __future__ import annotations

import re
import shlex

from pydantic import BaseModel

from nexus_agents.core.errors import ToolInputError
from nexus_agents.core.processes import ProcessState
from nexus_agents.core.tool import Job, tool
from tools.commands import argv_of

__all__ = ["ProcessList", "list_processes", "read_process", "start_process", "stop_process"]

LONGEST_WAIT = 120.0
SHOWN = 8000
"""Characters of output in one answer."""


class ProcessList(BaseModel):
    """The background processes of the run, without their output."""

    processes: list[ProcessState]

    @property
    def summary(self) -> str:
        """What people are told."""
        running = sum(each.status == "running" for each in self.processes)
        return f"{len(self.processes)} processes, {running} running"

    def for_model(self) -> str:
        """What the model is told."""
        return "\n".join([self.summary, *(f"{each.summary}: {each.command}" for each in self.processes)])


@tool(risk="execute", timeout=LONGEST_WAIT + 30, in_turn=True)
async def start_process(
    job: Job, command: list[str] | str, name: str, ready: str = "", seconds: float = 5.0
) -> ProcessState:
    """Start a command that goes on in the background, such as a server, and return its first output.

    It ends with `stop_process`, and at the latest when the run ends or pauses. After a crash it must be started again.
    Standard input is empty.

    Args:
        job: The call.
        command: The program and its arguments; or one text, which `sh` reads.
        name: What to call it: letters, digits and hyphens.
        ready: A text in its output that says that it is ready; it is waited for.
        seconds: How long to wait for that text, or for first output, 120 at most.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]{0,39}", name):
        raise ToolInputError(f"{name!r} is no name for a process.", "Use up to 40 letters, digits and hyphens.")
    if not 0 <= seconds <= LONGEST_WAIT:
        raise ToolInputError(f"{seconds:g} seconds cannot be waited.", f"Ask for up to {LONGEST_WAIT:.0f} seconds.")
    shown = command if isinstance(command, str) else shlex.join(command)
    await job.processes.start(job, name, argv_of(command), shown)
    await job.processes.wait(name, ready, seconds)
    return job.processes.read(name, SHOWN)


@tool(risk="read")
async def read_process(job: Job, name: str) -> ProcessState:
    """Say whether a background process is running, and return the end of its output.

    Args:
        job: The call.
        name: What it was started as.
    """
    return job.processes.read(name, SHOWN)


@tool(risk="write")
async def stop_process(job: Job, name: str) -> ProcessState:
    """End a background process and all that it has started, and return the end of its output.

    Args:
        job: The call.
        name: What it was started as.
    """
    return await job.processes.stop(name)


@tool(risk="read")
async def list_processes(job: Job) -> ProcessList:
    """List the background processes that this run has started.

    Args:
        job: The call.
    """
    return ProcessList(processes=[job.processes.read(name, 0) for name in job.processes.names()])
