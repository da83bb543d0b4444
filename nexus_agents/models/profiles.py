"""What is known about a model: from agents.yaml, its server, a probe, its provider; or assumed, and said so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from nexus_agents.core.models import ModelProfile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_core.language_models import BaseChatModel

    from nexus_agents.core.config import ModelConfig

__all__ = ["ASSUMED", "assumed", "fixed_profile", "hosted_profile", "settled"]

ASSUMED = 32_768
"""Tokens of context that are assumed where nobody knows. Servers that people use on their machine all tell; with much
less, what an agent has just read would be left out again before it is seen."""

UNLIMITED = 1_000_000
"""Tokens of context of models that read all that they are given."""


def fixed_profile(name: str) -> ModelProfile | None:
    """Return the profile of a model that ships with Nexus, or None for any other."""
    provider = name.partition(":")[0]
    if provider == "builtin":
        return ModelProfile(
            name=name,
            server="Nexus",
            context=UNLIMITED,
            tools=True,
            json_schema=False,
            streaming=True,
            vision=False,
            source="rules that ship with Nexus",
        )
    if provider == "scripted":
        return ModelProfile(
            name=name,
            server="Nexus",
            context=UNLIMITED,
            tools=True,
            json_schema=True,
            streaming=True,
            vision=False,
            source="a script",
        )
    return None


def hosted_profile(name: str, chat: BaseChatModel) -> ModelProfile:
    """Return what LangChain's data say of a hosted model; no call is made."""
    told = cast("Mapping[str, Any]", chat.profile or {})
    return ModelProfile(
        name=name,
        server=name.partition(":")[0],
        context=told.get("max_input_tokens"),
        max_output=told.get("max_output_tokens"),
        tools=told.get("tool_calling"),
        json_schema=told.get("structured_output"),
        streaming=True,
        vision=told.get("image_inputs"),
        source="the model profiles of LangChain" if told else "",
    )


def assumed(name: str, base_url: str | None = None) -> ModelProfile:
    """Return the profile of a model of which nothing is known."""
    return ModelProfile(name=name, base_url=base_url, server=name.partition(":")[0])


def settled(profile: ModelProfile, settings: ModelConfig) -> ModelProfile:
    """Return a profile with what agents.yaml says in the first place, and an assumption where nobody says anything."""
    changes: dict[str, Any] = {}
    told = [profile.source] if profile.source else []
    if settings.context:
        changes["context"] = settings.context
        told.append("context: agents.yaml")
    elif profile.context is None:
        changes["context"] = ASSUMED
        told.append(f"context: nobody says, {ASSUMED:,} tokens are assumed")
    if settings.max_output:
        changes["max_output"] = settings.max_output
        told.append("max_output: agents.yaml")
    return profile.model_copy(update={**changes, "source": "; ".join(told)})
