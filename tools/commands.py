"""The tool that runs a command in the workspace."""

from __future__ import annotations

import asyncio
import shlex

from nexus_agents.core.errors import ToolInputError
from nexus_agents.core.tool import Job, tool
from tools.paths import require_workspace
from tools.sandbox import Completed, run_for

__all__ = ["LONGEST", "CommandResult", "argv_of", "run_command"]

LONGEST = 600.0
"""Seconds that a command may ask for."""

OUTPUT_BYTES = 24_000
"""Kept of each output, from its end, some 6,000 tokens: what a model can still read."""

SECONDS_BETWEEN = 0.2
"""At most five times a second the last line of the output is shown to people."""


class CommandResult(Completed):
    """How a command ended, and the end of what it printed."""

    @property
    def summary(self) -> str:
        """What people are told."""
        return f"{self._how} after {self.seconds:.1f} s: {self.command[:200]}"

    def for_model(self) -> str:
        """What the model is told."""
        parts = [f"{self._how} after {self.seconds:.1f} s", self.stdout.rstrip("\n")]
        parts += ["[standard error]", self.stderr.rstrip("\n")] if self.stderr.strip() else []
        return "\n".join(part for part in parts if part)

    @property
    def _how(self) -> str:
        return self.cut or f"returncode {self.returncode}"


@tool(risk="execute", timeout=LONGEST + 30, in_turn=True)
async def run_command(
    job: Job,
    command: list[str] | str,
    timeout: float = 120.0,  # noqa: ASYNC109 - the limit of the command, not of the coroutine
) -> CommandResult:
    """Run a command in the workspace and wait for its end; nothing that it starts in the background stays alive.

    A command that was cut off by a crash is run again: use commands that may be repeated. Standard input is empty.
    Only the end of a long output is returned. The returncode is 0 where the command says that it went well. For a
    server use `start_process`.

    Args:
        job: The call.
        command: The program and its arguments; or one text, which `sh` reads.
        timeout: Seconds after which it is ended, 600 at most.
    """
    if not 0 < timeout <= LONGEST:
        raise ToolInputError(f"A command may not take {timeout:g} seconds.", f"Ask for up to {LONGEST:.0f} seconds.")
    argv, workspace = argv_of(command), require_workspace(job.workspace)
    shown = _LastLine(job, timeout)
    done = await run_for(job, argv, workspace, timeout=timeout, output_limit=OUTPUT_BYTES, on_output=shown.add)
    shown.close()
    said = command if isinstance(command, str) else shlex.join(command)
    return CommandResult.model_validate(done.model_dump() | {"command": said})


def argv_of(command: list[str] | str) -> list[str]:
    """Return a command as a program and its arguments.

    Raises:
        ToolInputError: It is empty.
    """
    if isinstance(command, str):
        if not command.strip():
            raise ToolInputError("There is no command to run.", "Name a program and its arguments.")
        return ["sh", "-c", command]
    return command


class _LastLine:
    """Shows people the last line that a command has printed, not too often, and the very last one for sure."""

    def __init__(self, job: Job, seconds: float) -> None:
        self._job = job
        self._loop = asyncio.get_running_loop()
        self._began, self._limit = self._loop.time(), seconds
        self._line = ""
        self._later: asyncio.TimerHandle | None = None

    def add(self, piece: str) -> None:
        self._line = piece.strip().rpartition("\n")[2][:200] or self._line
        if self._later is None and self._line:
            self._later = self._loop.call_later(SECONDS_BETWEEN, self._show)

    def close(self) -> None:
        if self._later is not None:
            self._later.cancel()
            self._show()

    def _show(self) -> None:
        self._later = None
        # How much is left cannot be known; the share of the time limit is what can be said.
        self._job.progress(min((self._loop.time() - self._began) / self._limit, 1.0), self._line)
