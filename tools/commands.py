"""The tool that runs a command in the workspace."""

from __future__ import annotations

import asyncio
import shlex

from nexus_agents.core.errors import ToolInputError
from nexus_agents.core.tool import Job, tool
from tools.paths import require_workspace
from tools.sandbox import Completed, run_for

__all__ = ["LONGEST", "run_command"]

LONGEST = 600.0
"""Seconds that a command may ask for."""

OUTPUT_BYTES = 40_000
"""Kept of each output, from its end: what a model can still read."""


@tool(risk="execute", timeout=LONGEST + 30, in_turn=True)
async def run_command(
    job: Job,
    command: list[str] | str,
    timeout: float = 120.0,  # noqa: ASYNC109 - the limit of the command, not of the coroutine
) -> Completed:
    """Run a command in the workspace and wait for its end; nothing that it starts in the background stays alive.

    A command that was cut off by a crash is run again: use commands that may be repeated. Standard input is empty.
    Only the end of a long output is returned. The returncode is 0 where the command says that it went well.

    Args:
        job: The call.
        command: The program and its arguments; or one text, which `sh` reads.
        timeout: Seconds after which it is ended, 600 at most.
    """
    if not 0 < timeout <= LONGEST:
        raise ToolInputError(f"A command may not take {timeout:g} seconds.", f"Ask for up to {LONGEST:.0f} seconds.")
    if isinstance(command, str):
        if not command.strip():
            raise ToolInputError("There is no command to run.", "Name a program and its arguments.")
        argv = ["sh", "-c", command]
    else:
        argv = command
    workspace = require_workspace(job.workspace)
    loop = asyncio.get_running_loop()
    started = shown_at = loop.time()

    def show(piece: str) -> None:
        nonlocal shown_at
        if loop.time() - shown_at < 0.2:
            return
        shown_at = loop.time()
        last = piece.strip().rpartition("\n")[2][:200]
        # How much is left cannot be known; the share of the time limit is what can be said.
        job.progress(min((loop.time() - started) / timeout, 1.0), last)

    done = await run_for(job, argv, workspace, timeout=timeout, output_limit=OUTPUT_BYTES, on_output=show)
    shown = command if isinstance(command, str) else shlex.join(command)
    return done.model_copy(update={"command": shown})
