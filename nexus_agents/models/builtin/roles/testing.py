"""The built-in test engineer: tests from the plan, run for real."""

from __future__ import annotations

from nexus_agents.core.work import Plan, TestReport, from_block
from nexus_agents.models.builtin.scaffold import test_files
from nexus_agents.models.builtin.turn import Calls, Decision, Product, Say, Turn

__all__ = ["decide"]


def decide(turn: Turn) -> Decision:
    """Write the tests of the plan, run them, and report what the run said."""
    plan = from_block(turn.request, Plan)
    if plan is None:
        return Say("I am the built-in model and test only from a plan; there is none in this message.")
    ran = turn.result("run_tests")
    if ran is not None:
        if ran.ok:
            return Product(TestReport.model_validate(ran.data))
        reason = ran.text.strip()
        return Product(TestReport(passed=0, failed=0, errors=1, command="", sandbox="", summary=reason))
    if not turn.results and from_block(turn.request, TestReport) is None:
        files = test_files(plan)
        return Calls([("write_file", {"path": path, "content": content}) for path, content in files.items()])
    return Calls([("run_tests", {})])
