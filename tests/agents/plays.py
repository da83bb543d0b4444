"""Words in which tests of agents say what a model does and what came of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from nexus_agents.core.events import AnyEvent

Play = Callable[..., Awaitable[tuple[Any, list[AnyEvent]]]]


def of(events: list[AnyEvent], *types: str) -> list[Any]:
    """Return the events of some types."""
    return [event for event in events if event.type in types]


def call(name: str, **arguments: Any) -> dict[str, Any]:
    """Return a step that calls one tool."""
    return {"calls": [{"name": name, "args": arguments}]}
