"""Tool: let a fact hold no longer."""

from __future__ import annotations

from pydantic import BaseModel

from nexus_agents.core.errors import ToolInputError
from nexus_agents.core.facts import USER, project_namespace, run_namespace
from nexus_agents.core.tool import Job, tool

__all__ = ["Forgotten", "forget"]


class Forgotten(BaseModel):
    """A fact that holds no longer."""

    id: int
    text: str

    @property
    def summary(self) -> str:
        """What was forgotten, in a line, and how to take that back."""
        return f"forgotten: {' '.join(self.text.split())[:120]} (nexus memory restore {self.id})"


@tool(risk="write", timeout=30)
async def forget(job: Job, id: int) -> Forgotten:
    """Forget one fact that is no longer true or was never wanted; a person can restore it.

    Args:
        job: The call.
        id: Number of the fact, as `recall` shows it.
    """
    fact = await job.facts.find(id)
    if fact is None or fact.namespace not in (run_namespace(job.run_id), project_namespace(job.project), USER):
        raise ToolInputError(f"There is no fact {id} here.", "Recall it first, and give the number that is shown.")
    if fact.valid_to is None:
        await job.facts.forget(fact.namespace, fact.key)
    return Forgotten(id=id, text=fact.text)
