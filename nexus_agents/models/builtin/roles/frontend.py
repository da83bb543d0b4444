"""The built-in frontend engineer."""

from __future__ import annotations

from nexus_agents.models.builtin.roles.building import build
from nexus_agents.models.builtin.scaffold import frontend_files
from nexus_agents.models.builtin.turn import Decision, Turn

__all__ = ["decide"]


def decide(turn: Turn) -> Decision:
    """Write the pages of the plan."""
    return build(turn, frontend_files, "pages that need no build and no network")
