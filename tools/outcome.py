"""How a graph that a tool started ended, as the tool's result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nexus_agents.core.errors import ExitCode, RunFailed
from nexus_agents.core.runs import Outcome

__all__ = ["outcome_of"]


def outcome_of(result: Mapping[str, Any]) -> Outcome:
    """Return a graph's `result` channel as a typed outcome.

    Raises:
        RunFailed: The graph ended without what was asked for.
    """
    outcome = Outcome.model_validate(result)
    if outcome.status == "failed" and outcome.error:
        raise RunFailed(outcome.error.message, outcome.error.hint, ExitCode(outcome.error.exit_code))
    return outcome
