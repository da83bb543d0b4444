"""The built-in backend engineer."""

from __future__ import annotations

from nexus_agents.models.builtin.roles.building import build
from nexus_agents.models.builtin.scaffold import backend_files
from nexus_agents.models.builtin.turn import Decision, Turn

__all__ = ["decide"]


def decide(turn: Turn) -> Decision:
    """Write the API, the tables and the project files of the plan."""
    return build(turn, backend_files, "API, tables, validation and project settings")
