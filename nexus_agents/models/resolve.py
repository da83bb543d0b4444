"""Which model `auto` means on this machine, and why."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from nexus_agents.models.providers import ELSEWHERE
from nexus_agents.models.servers import LocalServer, find_servers

__all__ = ["BUILTIN", "KEYS", "Resolved", "resolve_auto"]

BUILTIN = "builtin:nexus"

KEYS = (
    ("OPENAI_API_KEY", "openai", "gpt-5-mini"),
    ("ANTHROPIC_API_KEY", "anthropic", "claude-sonnet-4-5"),
    ("GOOGLE_API_KEY", "google_genai", "gemini-2.5-flash"),
    ("OPENROUTER_API_KEY", "openrouter", "openrouter/auto"),
    ("MISTRAL_API_KEY", "mistralai", "mistral-medium-latest"),
    ("GROQ_API_KEY", "groq", "openai/gpt-oss-120b"),
    ("DEEPSEEK_API_KEY", "deepseek", "deepseek-chat"),
    ("XAI_API_KEY", "xai", "grok-4"),
)
"""Environment variable, provider, and the model of it that is taken unless $NEXUS_MODEL names another."""


@dataclass(frozen=True)
class Resolved:
    """A model by name, where it is served, and why it was chosen."""

    name: str
    """`provider:model`."""
    reason: str
    base_url: str | None = None


def resolve_auto(*, probe: bool = True, servers: Sequence[LocalServer] | None = None) -> Resolved:
    """Choose a model: $NEXUS_MODEL, then API keys, then local servers, then the built-in one.

    What is found and cannot be used, for want of a package or of a model, is passed over, and the reason says so.

    Args:
        probe: Whether to look for local servers (at most 150 ms each, all at once, on loopback).
        servers: The local servers, where they have been looked for already.
    """
    if named := os.environ.get("NEXUS_MODEL"):
        return Resolved(named, "named by $NEXUS_MODEL")
    passed: list[str] = []
    for variable, provider, model in KEYS:
        if os.environ.get(variable):
            if _usable(provider):
                return Resolved(f"{provider}:{model}", _because(f"${variable} is set", passed))
            passed.append(f"${variable} is set, and {_wants(provider)}")
    for server in (find_servers() if servers is None else servers) if probe else ():
        if not server.model:
            passed.append(f"{server.kind} at {server.base_url} lists no model")
        elif not _usable(server.provider):
            passed.append(f"{server.kind} at {server.base_url} {_wants(server.provider)}")
        else:
            reason = f"{server.kind} serves it at {server.base_url}"
            return Resolved(f"{server.provider}:{server.model}", _because(reason, passed), server.base_url)
    nothing = "no key and no local server was found" if not passed else "nothing else can be used"
    return Resolved(BUILTIN, _because(f"{nothing}: the built-in rules, not a language model", passed))


def _usable(provider: str) -> bool:
    return provider not in ELSEWHERE or ELSEWHERE[provider].installed


def _wants(provider: str) -> str:
    package = ELSEWHERE[provider]
    return f"needs {package.module.replace('_', '-')} (pip install 'nexus-agents[{package.extra}]')"


def _because(reason: str, passed: Sequence[str]) -> str:
    return f"{reason}; passed over: {'; '.join(passed)}" if passed else reason
