"""What a model server tells about one of its models: no model is called for it."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import urlsplit

from nexus_agents.core.models import ModelProfile
from nexus_agents.models.asking import ask, entries
from nexus_agents.models.servers import LM_STUDIO, OLLAMA

__all__ = ["is_near", "served_profile", "trained_context"]

PATIENCE = 2.0
"""Seconds for a question about one model: asked once, and a server that loads weights is slow to answer."""

OPENAI_ENDPOINT = 4096
"""Tokens at which Ollama's OpenAI endpoint cuts a conversation without a word, unless the server was told otherwise."""


def is_near(base_url: str) -> bool:
    """Return whether an address is this machine or a private network, where a call costs nobody money."""
    host = urlsplit(base_url).hostname or ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith((".local", ".lan", ".internal", ".localhost"))
    return address.is_private or address.is_loopback


def served_profile(name: str, base_url: str) -> ModelProfile | None:
    """Return what a server says of a model, or None where it does not answer or does not know it.

    Args:
        name: `provider:model`; `ollama:` is asked in Ollama's own way.
        base_url: The address of the server.
    """
    provider, _, model = name.partition(":")
    found = _ollama(base_url, model) if provider == "ollama" else _compatible(base_url, model)
    return found.model_copy(update={"name": name, "base_url": base_url}) if found else None


def trained_context(root: str, model: str) -> int | None:
    """Return the tokens that a model of Ollama was trained for, or None where it does not say."""
    return _trained(ask(root, "/api/show", timeout=PATIENCE, body={"model": model}))


def _trained(shown: Mapping[str, Any] | None) -> int | None:
    info = cast("Mapping[str, Any]", (shown or {}).get("model_info") or {})
    return next((_number(value) for key, value in info.items() if key.endswith(".context_length")), None)


def _ollama(root: str, model: str) -> ModelProfile | None:
    shown = ask(root, "/api/show", timeout=PATIENCE, body={"model": model})
    if shown is None:
        return None
    abilities = cast("list[str]", shown.get("capabilities") or [])
    told = bool(abilities)
    return ModelProfile(
        name=model,
        server=OLLAMA,
        context=_trained(shown),
        tools="tools" in abilities if told else None,
        vision="vision" in abilities if told else None,
        source="Ollama",
    )


def _compatible(base_url: str, model: str) -> ModelProfile | None:
    root = base_url.rstrip("/").removesuffix("/v1")
    listed = entries(ask(base_url, "/models", timeout=PATIENCE), "data")
    entry = next((one for one in listed if one.get("id") == model), listed[0] if len(listed) == 1 else None)
    if entry is None:
        return None
    owner = str(entry.get("owned_by", "")).lower()
    if (longest := _number(entry.get("max_model_len"))) or owner == "vllm":
        return ModelProfile(name=model, server="vLLM", context=longest, source="vLLM (max_model_len)")
    if owner == "llamacpp":
        return _llama_cpp(root, model)
    if studio := next((one for one in entries(_studio(root), "data") if one.get("id") == model), None):
        return _lm_studio(model, studio)
    if ask(root, "/api/version", timeout=PATIENCE):
        # The endpoint of OpenAI at Ollama: the context is that of the server, not that of the model.
        running = entries(ask(root, "/api/ps", timeout=PATIENCE), "models")
        used = next((_number(one.get("context_length")) for one in running if one.get("name") == model), None)
        source = f"Ollama's OpenAI endpoint, which cuts without a word: name it ollama:{model}"
        return ModelProfile(name=model, server=OLLAMA, context=used or OPENAI_ENDPOINT, source=source)
    context = _number(entry.get("context_length")) or _number(entry.get("context_window"))
    kind = "transformers serve" if ask(root, "/health", timeout=PATIENCE) == {"status": "ok"} else "a server"
    return ModelProfile(name=model, server=kind, context=context, source=f"{kind} at {base_url}")


def _studio(root: str) -> dict[str, Any] | None:
    return ask(root, "/api/v0/models", timeout=PATIENCE)


def _llama_cpp(root: str, model: str) -> ModelProfile:
    props = ask(root, "/props", timeout=PATIENCE) or {}
    settings = cast("Mapping[str, Any]", props.get("default_generation_settings") or {})
    sees = cast("Mapping[str, Any]", props.get("modalities") or {}).get("vision")
    vision = sees if isinstance(sees, bool) else None
    context = _number(settings.get("n_ctx"))
    return ModelProfile(name=model, server="llama.cpp", context=context, vision=vision, source="llama.cpp (n_ctx)")


def _lm_studio(model: str, entry: Mapping[str, Any]) -> ModelProfile:
    # A model that is not loaded will be, with a context that nobody knows before.
    context = _number(entry.get("loaded_context_length"))
    abilities = cast("list[str] | None", entry.get("capabilities"))
    return ModelProfile(
        name=model,
        server=LM_STUDIO,
        context=context,
        tools="tool_use" in abilities if abilities is not None else None,
        vision=entry.get("type") == "vlm",
        source="LM Studio (loaded_context_length)" if context else "LM Studio, which has not loaded it",
    )


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
