"""The review agent: quality and security."""

from __future__ import annotations

from nexus_agents.agents.base import Agent
from nexus_agents.core.work import Review

__all__ = ["ReviewAgent"]


class ReviewAgent(Agent[Review]):
    """Reads what was made, with linters beside it, and accepts it or names what must change."""

    name = "review"
    tools = ("list_files", "read_file", "search_files", "read_diff", "check_code", "run_tests")
    shares = True
    output = Review
