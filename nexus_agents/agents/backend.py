"""The backend agent: API, database models, logic."""

from __future__ import annotations

from nexus_agents.agents.base import Agent
from nexus_agents.core.work import TurnReport

__all__ = ["BackendAgent"]


class BackendAgent(Agent[TurnReport]):
    """Writes the files of the plan that belong to the backend, and mends them."""

    name = "backend"
    tools = ("list_files", "read_file", "write_file", "edit_file", "search_files", "format_code", "run_command")
    shares = True
    output = TurnReport
