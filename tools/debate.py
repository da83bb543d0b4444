"""The tool that starts the debate graph."""

from __future__ import annotations

from nexus_agents.core.runs import Outcome
from nexus_agents.core.tool import Job, tool
from tools.outcome import outcome_of

__all__ = ["debate"]


@tool(risk="write", timeout=3600)
async def debate(job: Job, question: str) -> Outcome:
    """Let two models answer a question alone, criticise each other and have a judge decide.

    Args:
        job: The call.
        question: The question, as it was asked.
    """
    return outcome_of(await job.graphs.run("debate", {"request": question}))
