"""The embedded chat models: deterministic rules and solvers that need no weights, no key and no server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexus_agents.core.config import ModelConfig

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

__all__ = ["NAMES", "create"]

NAMES = ("nexus", "symbolic", "search", "judge")
"""`nexus` plays every agent; `symbolic` and `search` are the two debaters and `judge` is their judge."""


def create(model: str, settings: ModelConfig, role: str) -> BaseChatModel:
    """Return a built-in model for a role."""
    from nexus_agents.models.builtin.chat import BuiltinChatModel

    return BuiltinChatModel(model=model, role=role)
