"""Names of models, checked before anything is made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nexus_agents.core.config import Config
from nexus_agents.core.errors import ConfigError
from nexus_agents.core.names import nearest
from nexus_agents.models.providers import ELSEWHERE

__all__ = ["check_fallbacks", "check_name", "fallbacks_of"]


def check_name(name: str, providers: Iterable[str], aliases: Iterable[str]) -> tuple[str, str]:
    """Return provider and model of a name.

    Args:
        name: `provider:model`.
        providers: The providers that are registered.
        aliases: Names under `models` in agents.yaml, for the nearest right one.

    Raises:
        ConfigError: It has no provider, or one that there is not, or names no built-in model.
    """
    provider, colon, model = name.partition(":")
    known = {*providers, *ELSEWHERE}
    if not colon or not model:
        close = nearest(name, [*aliases, "auto"])
        raise ConfigError(
            f"{name!r} is not a model: it has no provider.",
            f"Did you mean {close!r}?"
            if close
            else "Write provider:model, for instance builtin:nexus or openai:gpt-5-mini.",
        )
    if provider not in known:
        close = nearest(provider, known)
        raise ConfigError(
            f"There is no model provider named {provider!r} (in {name!r}).",
            f"Did you mean '{close}:{model}'?" if close else f"There are: {', '.join(sorted(known))}.",
        )
    if provider == "builtin":
        from nexus_agents.models.builtin import NAMES

        if model not in NAMES:
            raise ConfigError(
                f"There is no built-in model named {model!r}.",
                f"There are: {', '.join(f'builtin:{known_name}' for known_name in NAMES)}.",
            )
    return provider, model


def check_fallbacks(config: Config, providers: Iterable[str]) -> None:
    """Check the fallbacks of all models.

    Raises:
        ConfigError: One does not exist, or they go round in a circle.
    """
    for alias, settings in config.models.items():
        for name in settings.fallbacks:
            if name not in config.models and name != "auto":
                try:
                    check_name(name, providers, config.models)
                except ConfigError as error:
                    raise ConfigError(f"models.{alias}.fallbacks: {error.message}", error.hint) from error
        _walk(config, alias, ())


def fallbacks_of(config: Config, alias: str) -> Sequence[str]:
    """Return the names to ask after an alias, in order: each followed by its own fallbacks, none of them twice."""
    found: dict[str, None] = {}

    def add(name: str) -> None:
        for other in config.models[name].fallbacks if name in config.models else ():
            found.setdefault(other)
            add(other)

    add(alias)
    return [name for name in found if name != alias]


def _walk(config: Config, name: str, path: tuple[str, ...]) -> None:
    if name in path:
        raise ConfigError(
            f"models.{path[0]}.fallbacks go round in a circle: {' -> '.join([*path, name])}.",
            "Take one of them out of agents.yaml.",
        )
    for other in config.models[name].fallbacks if name in config.models else ():
        _walk(config, other, (*path, name))
