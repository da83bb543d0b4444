"""The backend agent: API, database models, logic."""

from __future__ import annotations

from nexus_agents.agents.base import CODING, Agent
from nexus_agents.core.work import TurnReport

__all__ = ["BackendAgent"]


class BackendAgent(Agent[TurnReport]):
    """Writes the files of the plan that belong to the backend, and mends them."""

    name = "backend"
    tools = (*CODING, "run_tests", "run_command", "start_process", "read_process", "stop_process")
    shares = True
    output = TurnReport
