"""Providers by name: what ships with Nexus, what needs a package, and which variable holds the key."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from nexus_agents.core.errors import ConfigError

__all__ = ["ELSEWHERE", "PROVIDERS", "Package", "missing_package"]

PROVIDERS = {
    "builtin": "nexus_agents.models.builtin:create",
    "ollama": "nexus_agents.models.ollama:create",
    "openai": "nexus_agents.models.openai_compatible:create",
    "scripted": "nexus_agents.models.scripted:create",
}
"""Providers that ship with Nexus."""


@dataclass(frozen=True)
class Package:
    """A package of LangChain that brings a provider.

    Attributes:
        module: What it is imported as.
        extra: The extra of Nexus that installs it.
        key: The environment variable that holds the key; empty where none is needed.
    """

    module: str
    extra: str
    key: str = ""

    @property
    def installed(self) -> bool:
        """Whether it can be imported."""
        return find_spec(self.module) is not None


ELSEWHERE = {
    "anthropic": Package("langchain_anthropic", "anthropic", "ANTHROPIC_API_KEY"),
    "deepseek": Package("langchain_deepseek", "deepseek", "DEEPSEEK_API_KEY"),
    "google_genai": Package("langchain_google_genai", "google", "GOOGLE_API_KEY"),
    "groq": Package("langchain_groq", "groq", "GROQ_API_KEY"),
    "mistralai": Package("langchain_mistralai", "mistral", "MISTRAL_API_KEY"),
    "ollama": Package("langchain_ollama", "ollama"),
    "openrouter": Package("langchain_openrouter", "openrouter", "OPENROUTER_API_KEY"),
    "xai": Package("langchain_xai", "xai", "XAI_API_KEY"),
}
"""Providers that come with an extra, by their name at LangChain's `init_chat_model`."""


def missing_package(provider: str, model: str) -> ConfigError:
    """Return the error for a provider whose package is not installed."""
    package = ELSEWHERE[provider]
    name = package.module.replace("_", "-")
    return ConfigError(
        f"{provider}:{model} needs the package {name}, which is not installed.",
        f"Run: pip install 'nexus-agents[{package.extra}]'",
    )
