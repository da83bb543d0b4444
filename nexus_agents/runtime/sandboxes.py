"""What the programs of a run are held to: settings, what people have allowed, and who writes the code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nexus_agents.core.config import ROLES
from nexus_agents.core.sandbox import SandboxPolicy

if TYPE_CHECKING:
    from nexus_agents.core.config import Config
    from nexus_agents.core.runs import Run
    from nexus_agents.models.source import Models

__all__ = ["policy_of"]

BUILTIN = "builtin:"


def policy_of(config: Config, run: Run, models: Models) -> SandboxPolicy:
    """Return what the programs of a run are held to.

    Args:
        config: agents.yaml.
        run: The run, with what was approved for all of it.
        models: The models that play its roles.
    """
    settings = config.sandbox
    return SandboxPolicy(
        level=settings.level,
        domains=tuple(settings.domains),
        memory_mb=settings.memory_mb,
        image=settings.image,
        unsafe="unsafe" in run.approved,
        trusted=_is_trusted(config, run, models),
    )


def _is_trusted(config: Config, run: Run, models: Models) -> bool:
    """Return whether every role is played by a built-in model, whose code is made from templates of Nexus."""
    if not all(models.describe(role).startswith(BUILTIN) for role in ROLES):
        return False
    # What a role names may have others that stand in for it.
    named = {run.model, config.default_model, *(agent.model for agent in config.agents.values())}
    fallbacks = {name for model in named if model in config.models for name in config.models[model].fallbacks}
    return all(_full_name(config, name).startswith(BUILTIN) for name in fallbacks)


def _full_name(config: Config, name: str) -> str:
    return config.models[name].model if name in config.models else name
