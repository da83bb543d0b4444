"""What is known about a chat model before it is asked."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field

from nexus_agents.core.runs import now

__all__ = ["ModelProfile"]


class ModelProfile(BaseModel):
    """What a model can do, as its server or a probe said; None where nobody knows."""

    name: str
    """`provider:model`."""
    base_url: str | None = None
    server: str = ""
    """What serves it: Ollama, LM Studio, llama.cpp, ..., or the provider."""
    context: int | None = None
    """Tokens that fit into one call, question and answer together: at run time, not as trained."""
    max_output: int | None = None
    tools: bool | None = None
    json_schema: bool | None = None
    """Whether an answer can be held to a JSON schema by the server itself."""
    streaming: bool | None = None
    vision: bool | None = None
    source: str = ""
    """Where this is known from, in words."""
    probed_at: datetime = Field(default_factory=now)
