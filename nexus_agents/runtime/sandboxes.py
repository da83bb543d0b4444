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
        trusted=_is_trusted(config, models),
    )


def _is_trusted(config: Config, models: Models) -> bool:
    """Return whether every agent is played by a built-in model, whose code is made from templates of Nexus."""
    agents = dict.fromkeys((*ROLES, *config.agents))
    # Others may stand in for whoever cannot be reached.
    players = [(agent, name) for agent in agents for name in (None, *models.fallbacks(agent))]
    return all(models.by_rules(agent, name=name) for agent, name in players)
