"""The frontend agent: pages and components."""

from __future__ import annotations

from nexus_agents.agents.base import CODING, Agent
from nexus_agents.core.work import TurnReport

__all__ = ["FrontendAgent"]


class FrontendAgent(Agent[TurnReport]):
    """Writes the files of the plan that belong to the frontend, and mends them."""

    name = "frontend"
    tools = (*CODING, "run_command")
    shares = True
    output = TurnReport
