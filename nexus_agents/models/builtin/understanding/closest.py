"""The abilities that lie nearest to a request that was refused; for the answer only, never to decide."""

from __future__ import annotations

from nexus_agents.models.builtin.understanding.meaning import ABILITIES

__all__ = ["closest"]


def closest(request: str, count: int = 2) -> list[str]:
    """Return the descriptions of the nearest abilities, nearest first."""
    from rapidfuzz import fuzz

    words = request.lower()
    others = [(intent, line) for intent, line in ABILITIES.items() if intent != "help"]
    ranked = sorted(others, key=lambda pair: -fuzz.token_set_ratio(words, pair[1].lower()))
    return [line for _, line in ranked[:count]]
