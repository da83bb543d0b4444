"""A workflow as it is written down: steps of agents, what each waits for, and what all of them know."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, JsonValue

__all__ = ["Step", "Workflow"]


class Step(BaseModel):
    """One step of a workflow."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    agent: str
    """Who does it: an agent of Nexus, or one of your own."""
    action: str
    """What to do; `{name}` stands for a value of the shared context."""
    id: str = ""
    """Name of the step in `depends_on` and in the shared context; the agent's name by default."""
    depends_on: tuple[str, ...] = ()
    """Steps that must be done before; steps that wait for nothing in common run side by side."""
    retry: int = Field(default=3, ge=1, le=20)
    """Attempts where a transient fault is met."""


class Workflow(BaseModel):
    """What stands in a workflow file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = ""
    """What it is called; the name of the file by default."""
    context: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    """Values that all steps see; one that is null must be given when the workflow is run."""
    steps: list[Step] = Field(min_length=1)
    """In any order: what waits for what stands in `depends_on`."""
