"""Figures for people: bars and time left."""

from __future__ import annotations

import time

from nexus_agents.core.text import duration

__all__ = ["bar", "time_left"]


def bar(fraction: float, width: int = 20) -> str:
    """Return a progress bar in plain characters."""
    filled = round(min(1.0, max(0.0, fraction)) * width)
    return "█" * filled + "░" * (width - filled)


def time_left(began: float, fraction: float | None, now: float | None = None) -> str:
    """Return the time that a piece of work still needs at its rate so far; empty while that cannot be known.

    Args:
        began: Seconds since the epoch.
        fraction: How much of it is done, 0 to 1.
        now: Seconds since the epoch; the clock's by default.
    """
    spent = (now if now is not None else time.time()) - began
    if not fraction or fraction >= 1 or spent < 1:
        return ""
    return f"{duration(spent / fraction - spent)} left"
