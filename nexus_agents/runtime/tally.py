"""What runs have used up, summed over their events and put into words, the same in every face."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nexus_agents.core.budget import Limits, Spent
from nexus_agents.core.events import RunFinished, RunResumed, RunStarted, Usage
from nexus_agents.runtime.meter import FROM_OUTSIDE, minutes_at_work

if TYPE_CHECKING:
    from nexus_agents.core.events import AnyEvent

__all__ = ["ModelUse", "Tally", "budget_lines", "cost_text", "spent_text", "tally_of"]

TURNS = (RunStarted, RunResumed, RunFinished)
"""Where a span of work begins or ends."""

LEAST = 0.0001
"""US dollars: what costs less is not written as nothing."""


@dataclass
class ModelUse:
    """What the calls of one model, or of several together, used."""

    input_tokens: int = 0
    output_tokens: int = 0
    calls: int = 0
    cost: float = 0.0
    """US dollars, as far as prices are known."""
    unpriced: int = 0
    """Calls whose price nobody knows."""

    def add(self, usage: Usage) -> None:
        """Count one call."""
        self.input_tokens += usage.input_tokens
        self.output_tokens += usage.output_tokens
        self.calls += 1
        self.cost += usage.cost or 0.0
        self.unpriced += usage.cost is None


@dataclass
class Tally:
    """A sum that grows with the events of one run, or with those of several one after the other.

    Attributes:
        models: What each model used, by its name, in order of appearance.
    """

    models: dict[str, ModelUse] = field(default_factory=dict[str, ModelUse])
    _total: ModelUse = field(default_factory=ModelUse, repr=False)
    _times: list[AnyEvent] = field(default_factory=list["AnyEvent"], repr=False)

    def take(self, event: AnyEvent) -> None:
        """Take one event into account."""
        if isinstance(event, Usage):
            self._total.add(event)
            self.models.setdefault(event.model, ModelUse()).add(event)
        if isinstance(event, FROM_OUTSIDE):
            return
        # Of the events between two starts only the last one tells how long was worked.
        if self._times and not isinstance(event, TURNS) and not isinstance(self._times[-1], TURNS):
            self._times.pop()
        self._times.append(event)

    @property
    def spent(self) -> Spent:
        """What was used up; minutes until the newest event."""
        total = self._total
        until = [RunResumed(run_id="", finished_calls=0, at=self._times[-1].at)] if self._times else []
        return Spent(
            tokens=total.input_tokens + total.output_tokens,
            money=total.cost,
            unpriced=total.unpriced,
            minutes=minutes_at_work([*self._times, *until]),
            turns=total.calls,
        )


def tally_of(events: Iterable[AnyEvent]) -> Tally:
    """Return the sum over some events."""
    tally = Tally()
    for event in events:
        tally.take(event)
    return tally


def cost_text(money: float, unpriced: int) -> str:
    """Return what was paid; empty where it is known to be nothing.

    Args:
        money: US dollars, as far as prices are known.
        unpriced: Calls of a model whose price nobody knows.
    """
    known = f"${money:.4f}" if money >= LEAST else f"under ${LEAST}" if money > 0 else ""
    if not unpriced:
        return known
    return f"{known} + {_count(unpriced, 'call')} of unknown price" if known else "cost unknown"


def spent_text(spent: Spent) -> str:
    """Return in one line what was used up; empty where no model was called."""
    if not spent.turns:
        return ""
    cost = cost_text(spent.money, spent.unpriced)
    if cost == "cost unknown":
        cost = f"{_count(spent.unpriced, 'call')} of unknown price"
    words = f"{_count(spent.tokens, 'token')} in {_count(spent.turns, 'call')} of models"
    return f"{words}, {cost}" if cost else words


def budget_lines(spent: Spent, limits: Limits) -> list[str]:
    """Return how much of each limit is used up, a line each: `3 of 5 turns`."""
    lines: list[str] = []
    if limits.turns is not None:
        lines.append(f"{spent.turns:,} of {_count(limits.turns, 'turn')}")
    if limits.tokens is not None:
        lines.append(f"{spent.tokens:,} of {_count(limits.tokens, 'token')}")
    if limits.money is not None:
        lines.append(f"${spent.money:.4f} of ${limits.money:g}")
    if limits.minutes is not None:
        lines.append(f"{spent.minutes:.1f} of {limits.minutes:g} minutes")
    return lines


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
