"""Providers that have a LangChain package of their own."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from nexus_agents.core.config import ModelConfig
from nexus_agents.core.errors import ConfigError
from nexus_agents.models.providers import ELSEWHERE, missing_package

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

__all__ = ["create_elsewhere"]


def create_elsewhere(provider: str, model: str, settings: ModelConfig) -> BaseChatModel:
    """Return a chat model through `init_chat_model`.

    Raises:
        ConfigError: The provider's package is not installed, there is no key, or it refuses its settings.
    """
    package = ELSEWHERE[provider]
    if not package.installed:
        raise missing_package(provider, model)
    variable = settings.api_key_env or package.key
    if not os.environ.get(variable):
        raise ConfigError(
            f"{provider}:{model} needs a key and ${variable} is not set.",
            f"Run: export {variable}=..., or name another model.",
        )
    from langchain import chat_models

    options: dict[str, Any] = {"timeout": settings.timeout, "max_retries": 0, "api_key": os.environ[variable]}
    if settings.temperature is not None:
        options["temperature"] = settings.temperature
    if settings.base_url:
        options["base_url"] = settings.base_url
    if settings.max_output:
        options["max_tokens"] = settings.max_output
    # The declared type of the function has holes; this is what it returns when it is given a model.
    make = cast("Callable[..., BaseChatModel]", chat_models.init_chat_model)  # pyright: ignore[reportUnknownMemberType]
    try:
        return make(model, model_provider=provider, **options)
    except ImportError as error:
        raise missing_package(provider, model) from error
    except (ValueError, TypeError) as error:
        raise ConfigError(
            f"{provider}:{model} cannot be used: {str(error).splitlines()[0]}",
            "Check the key of the provider in the environment, and the model's settings in agents.yaml.",
        ) from error
