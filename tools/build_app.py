"""The tool that starts the development graph."""

from __future__ import annotations

from nexus_agents.core.runs import Outcome
from nexus_agents.core.tool import Job, tool
from tools.outcome import outcome_of

__all__ = ["build_app"]


@tool(risk="write", timeout=4 * 3600)
async def build_app(job: Job, request: str) -> Outcome:
    """Let a team of agents plan, build, test and review software in the workspace.

    Args:
        job: The call.
        request: What is to be built, in the user's own words, with every detail that was given.
    """
    return outcome_of(await job.graphs.run("development", {"request": request}))
