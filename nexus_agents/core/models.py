"""What is known about a chat model before it is asked."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from nexus_agents.core.budget import Price
from nexus_agents.core.runs import now

__all__ = ["ModelCard", "ModelListing", "ModelProfile"]


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


class ModelListing(BaseModel):
    """A model that can be named, or could be."""

    name: str
    """What a person writes: a name of agents.yaml, or `provider:model`."""
    model: str
    """`provider:model`."""
    kind: Literal["alias", "variable", "server", "key", "builtin"]
    """Where it comes from: agents.yaml, $NEXUS_MODEL, a server of this machine, a key, or Nexus itself."""
    where: str = ""
    """The address, or the variable that holds the key."""
    says: str = ""
    """What is to be known: why `auto` takes it, or what it wants before it can be used."""
    usable: bool = True
    auto: bool = False
    """Whether `auto` means this one."""


class ModelCard(BaseModel):
    """All that is known about one model."""

    name: str
    """As it was asked for."""
    model: str
    """`provider:model`."""
    reason: str = ""
    """How the name was read."""
    profile: ModelProfile
    price: Price | None = None
    price_source: str = ""
    """Where the price is known from, or why it is not."""
    fallbacks: list[str] = Field(default_factory=list[str])
