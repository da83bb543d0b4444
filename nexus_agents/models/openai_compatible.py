"""OpenAI, and every server that speaks its protocol."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pydantic import SecretStr

from nexus_agents.core.config import ModelConfig
from nexus_agents.core.errors import ConfigError

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

__all__ = ["create"]


def create(model: str, settings: ModelConfig, role: str) -> BaseChatModel:
    """Return a chat model of OpenAI, or of the server at `settings.base_url` or $OPENAI_BASE_URL.

    Raises:
        ConfigError: OpenAI itself is meant and there is no key.
    """
    from langchain_openai import ChatOpenAI

    base_url = settings.base_url or os.environ.get("OPENAI_BASE_URL")
    variable = settings.api_key_env or "OPENAI_API_KEY"
    key = os.environ.get(variable)
    if not key and not base_url:
        raise ConfigError(
            f"openai:{model} needs a key and ${variable} is not set.",
            f"Run: export {variable}=..., or give the model a base_url in agents.yaml.",
        )
    return ChatOpenAI(
        model=model,
        base_url=base_url,
        # A local server wants no key, but the client refuses to start without one.
        api_key=SecretStr(key or "none"),
        temperature=settings.temperature,
        timeout=settings.timeout,
        # Retries are made by the agent loop, where each one is an event.
        max_retries=0,
        # Servers that speak the protocol know the old name of this limit, OpenAI the new one.
        max_completion_tokens=None if base_url else settings.max_output,
        extra_body={"max_tokens": settings.max_output} if base_url and settings.max_output else None,
        use_responses_api=False if base_url else None,
        stream_usage=True,
        metadata={"nexus_role": role},
    )
