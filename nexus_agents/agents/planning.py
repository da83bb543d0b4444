"""The planning agent: architecture, design, specification."""

from __future__ import annotations

from nexus_agents.agents.base import Agent
from nexus_agents.core.work import Plan

__all__ = ["PlanningAgent"]


class PlanningAgent(Agent[Plan]):
    """Turns a request into a plan that others can build side by side."""

    name = "planning"
    tools = ("list_files", "read_file", "search_files", "repository_map")
    shares = True
    output = Plan
