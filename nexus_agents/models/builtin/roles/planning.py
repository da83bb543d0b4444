"""The built-in planner: a data application out of a sentence, or a refusal."""

from __future__ import annotations

from nexus_agents.core.errors import InputError
from nexus_agents.models.builtin.scaffold import plan_app
from nexus_agents.models.builtin.turn import Decision, Product, Say, Turn

__all__ = ["decide"]


def decide(turn: Turn) -> Decision:
    """Plan the application that the request describes."""
    try:
        return Product(plan_app(turn.request))
    except InputError as error:
        return Say(f"{error.message}\n{error.hint}")
