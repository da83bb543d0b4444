"""Ollama through its own API, with the context that is wanted: its OpenAI endpoint cuts at 4,096 tokens in silence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexus_agents.core.config import ModelConfig
from nexus_agents.models.providers import missing_package
from nexus_agents.models.served import trained_context
from nexus_agents.models.servers import ollama_address

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

__all__ = ["context_of", "create", "sensible_context"]

GIB = 1024**3


def create(model: str, settings: ModelConfig, role: str) -> BaseChatModel:
    """Return a model of Ollama, with `num_ctx` set.

    Raises:
        ConfigError: langchain-ollama is not installed.
    """
    try:
        from langchain_ollama import ChatOllama
    except ImportError as error:
        raise missing_package("ollama", model) from error
    root = settings.base_url or ollama_address()
    context = settings.context or context_of(trained_context(root, model))
    return ChatOllama(
        model=model,
        base_url=root,
        num_ctx=context,
        num_predict=settings.max_output,
        temperature=settings.temperature,
        client_kwargs={"timeout": settings.timeout},
        metadata={"nexus_role": role},
    )


def context_of(trained: int | None) -> int:
    """Return the context that a model is run with: what it was trained for, or what this machine bears, if smaller.

    Args:
        trained: Tokens, or None where Ollama does not say.
    """
    return min(trained or sensible_context(), sensible_context())


def sensible_context(memory: int | None = None) -> int:
    """Return the tokens of context that fit beside a model into memory.

    A token of context takes about 128 KiB in a model of 8 billion parameters (32 layers, 8 key-value heads of 128, 16
    bits): 16,384 tokens are 2 GiB.

    Args:
        memory: Bytes of memory of the machine; as it is by default.
    """
    if memory is None:
        import psutil

        memory = psutil.virtual_memory().total
    return 8192 if memory < 12 * GIB else 16384 if memory < 48 * GIB else 32768
