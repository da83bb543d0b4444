"""The testing agent: unit and integration tests."""

from __future__ import annotations

from nexus_agents.agents.base import CODING, Agent
from nexus_agents.core.work import TestReport

__all__ = ["TestingAgent"]


class TestingAgent(Agent[TestReport]):
    """Writes tests for what the plan promises and runs them in the sandbox."""

    __test__ = False  # pytest, this is not a test class

    name = "testing"
    tools = (*CODING, "run_tests", "run_command")
    shares = True
    output = TestReport
