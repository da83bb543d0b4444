"""Tool: keep a fact for other agents and later runs."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field

from nexus_agents.core.facts import Fact, FactKind, Scope, namespace_of
from nexus_agents.core.tool import Job, tool

__all__ = ["Remembered", "remember"]

Text = Annotated[str, Field(min_length=1, max_length=4_000)]


class Remembered(BaseModel):
    """A fact as it is kept."""

    id: int
    key: str
    scope: Scope
    text: str

    @property
    def summary(self) -> str:
        """What was remembered, in a line."""
        return f"remembered for this {self.scope}: {' '.join(self.text.split())[:120]}"


@tool(risk="write", timeout=30)
async def remember(
    job: Job,
    text: Text,
    kind: FactKind = "fact",
    scope: Scope = "project",
    key: Annotated[str, Field(max_length=200)] = "",
    source: Annotated[str, Field(max_length=500)] = "",
) -> Remembered:
    """Remember one fact, so that other agents and later runs can recall it.

    Write it as one plain sentence that is understood without this conversation: names, not "he" or "this file". Never
    remember passwords or keys.

    Args:
        job: The call.
        text: The fact, in one sentence.
        kind: fact, preference (what somebody likes), episode (what happened), procedure (how something is done here),
            or summary.
        scope: Who needs it: run (the agents of this run), project (every run in this workspace), or user (every run
            of this person).
        key: A short name; remembering under the same name again replaces what was said before, for instance when it
            has changed.
        source: Where it comes from: a file, a page, what the user said.
    """
    namespace = namespace_of(scope, run_id=job.run_id, workspace=job.project)
    fact = await job.facts.put(
        Fact(
            namespace=namespace,
            key=key.strip(),
            kind=kind,
            text=text.strip(),
            author=job.agent,
            run_id=job.run_id,
            source=source.strip() or f"call {job.call_id}",
        )
    )
    return Remembered(id=fact.id or 0, key=fact.key, scope=scope, text=fact.text)
