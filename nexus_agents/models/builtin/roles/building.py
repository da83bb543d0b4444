"""What the built-in backend and frontend engineers have in common: files of a plan, written by tool calls."""

from __future__ import annotations

from collections.abc import Callable

from nexus_agents.core.work import Plan, Review, TestReport, TurnReport, from_block
from nexus_agents.models.builtin.turn import Calls, Decision, Product, Say, Turn

__all__ = ["build"]


def build(turn: Turn, files_of: Callable[[Plan], dict[str, str]], what: str) -> Decision:
    """Write the files of the plan; or, when something is to be mended, what a formatter can mend.

    Args:
        turn: The conversation.
        files_of: Gives path and content of each file of this engineer.
        what: What the files are, for the report.
    """
    plan = from_block(turn.request, Plan)
    if plan is None:
        return Say("I am the built-in model and build only from a plan; there is none in this message.")
    if from_block(turn.request, TestReport) or from_block(turn.request, Review):
        return _mend(turn)
    files = files_of(plan)
    if not turn.results:
        return Calls([("write_file", {"path": path, "content": content}) for path, content in files.items()])
    failed = [result.text.strip() for result in turn.results if not result.ok]
    return Product(TurnReport(summary=f"{len(files)} files: {what}", files=sorted(files), open_points=failed))


def _mend(turn: Turn) -> Decision:
    if not turn.results and "format_code" in turn.tools:
        return Calls([("format_code", {})])
    return Product(
        TurnReport(
            summary="formatted, and fixed what the linter can fix",
            open_points=["The built-in model mends only what ruff can mend; name a language model for the rest."],
        )
    )
