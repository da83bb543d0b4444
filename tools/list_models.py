"""Tool: which models there are."""

from __future__ import annotations

from pydantic import BaseModel

from nexus_agents.core.models import ModelListing
from nexus_agents.core.tool import Job, tool

__all__ = ["ModelList", "list_models"]


class ModelList(BaseModel):
    """Models: those of agents.yaml first, then local servers, keys and the built-in ones."""

    models: list[ModelListing]

    @property
    def summary(self) -> str:
        """How many can be used, and which one is taken where none is named, in a line."""
        usable = [one for one in self.models if one.usable]
        chosen = next((one.name for one in usable if one.auto), "none")
        return f"{len(usable)} models can be used; auto takes {chosen}"


@tool(risk="read", timeout=30)
async def list_models(job: Job) -> ModelList:
    """List the models that can be named, where each is served, and which one is taken where none is named."""
    return ModelList(models=list(await job.models.list()))
