"""All agents by name: those that ship with Nexus, those of other packages, and those of agents.yaml."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from nexus_agents.agents.custom import CustomAgent
from nexus_agents.core.config import ROLES
from nexus_agents.core.registry import Registry

if TYPE_CHECKING:
    from nexus_agents.agents.base import Agent
    from nexus_agents.core.config import Config

__all__ = ["AGENTS", "Roster"]

AGENTS = {
    "assistant": "nexus_agents.agents.assistant:AssistantAgent",
    "backend": "nexus_agents.agents.backend:BackendAgent",
    "frontend": "nexus_agents.agents.frontend:FrontendAgent",
    "media": "nexus_agents.agents.media:MediaAgent",
    "planning": "nexus_agents.agents.planning:PlanningAgent",
    "review": "nexus_agents.agents.review:ReviewAgent",
    "testing": "nexus_agents.agents.testing:TestingAgent",
}


class Roster(Mapping[str, "Agent[Any]"]):
    """The agents that a workflow may name; each is imported when it is asked for.

    Args:
        config: agents.yaml: an entry under `agents` that is no agent of Nexus, and has a prompt, is one of its own.
    """

    def __init__(self, config: Config) -> None:
        self._registry = Registry("agent", AGENTS, "nexus.agents")
        self._own = {
            name: settings
            for name, settings in config.agents.items()
            if settings.prompt and name not in ROLES and name not in self._registry
        }

    @property
    def own(self) -> list[str]:
        """The names of those that agents.yaml describes."""
        return list(self._own)

    def __getitem__(self, name: str) -> Agent[Any]:
        if name in self._own:
            return CustomAgent(name, self._own[name])
        if name not in self._registry:
            raise KeyError(name)
        return self._registry.load(name)()

    def __iter__(self) -> Iterator[str]:
        return iter([*self._registry, *self._own])

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, name: object) -> bool:
        # To be asked for is not yet to be imported.
        return name in self._own or (isinstance(name, str) and name in self._registry)
