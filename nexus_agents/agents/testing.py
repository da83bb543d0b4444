"""The testing agent: unit and integration tests."""

from __future__ import annotations

from nexus_agents.agents.base import Agent
from nexus_agents.core.work import TestReport

__all__ = ["TestingAgent"]


class TestingAgent(Agent[TestReport]):
    """Writes tests for what the plan promises and runs them in the sandbox."""

    __test__ = False  # pytest, this is not a test class

    name = "testing"
    tools = ("list_files", "read_file", "write_file", "edit_file", "search_files", "run_tests")
    shares = True
    output = TestReport
