"""Which model `auto` means on this machine, and why."""

from __future__ import annotations

import os
from dataclasses import dataclass

from nexus_agents.models.servers import find_servers

__all__ = ["BUILTIN", "Resolved", "resolve_auto"]

BUILTIN = "builtin:nexus"

KEYS = (
    ("OPENAI_API_KEY", "openai", "gpt-5-mini"),
    ("ANTHROPIC_API_KEY", "anthropic", "claude-sonnet-4-5"),
    ("GOOGLE_API_KEY", "google_genai", "gemini-2.5-flash"),
    ("OPENROUTER_API_KEY", "openrouter", "openrouter/auto"),
)
"""Environment variable, provider, and the model of it that is taken unless $NEXUS_MODEL names another."""


@dataclass(frozen=True)
class Resolved:
    """A model by name, where it is served, and why it was chosen."""

    name: str
    """`provider:model`."""
    reason: str
    base_url: str | None = None


def resolve_auto(*, probe: bool = True) -> Resolved:
    """Choose a model: $NEXUS_MODEL, then API keys, then local servers, then the built-in one.

    Args:
        probe: Whether to look for local servers (at most 150 ms each, all at once, on loopback).
    """
    if named := os.environ.get("NEXUS_MODEL"):
        return Resolved(named, "named by $NEXUS_MODEL")
    for variable, provider, model in KEYS:
        if os.environ.get(variable):
            return Resolved(f"{provider}:{model}", f"${variable} is set")
    for server in find_servers() if probe else ():
        return Resolved(f"openai:{server.model}", f"{server.kind} serves it at {server.base_url}", server.base_url)
    return Resolved(BUILTIN, "no key and no local server was found: the built-in rules, not a language model")
