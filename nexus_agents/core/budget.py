"""What a run may use up, and what it has used."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Limits", "Meter", "Price", "Reading", "Spent"]


class Limits(BaseModel):
    """The most that a run, an agent or a model may use up; None is no limit."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tokens: int | None = Field(default=None, ge=1)
    """Tokens in and out."""
    money: float | None = Field(default=None, gt=0)
    """US dollars."""
    minutes: float | None = Field(default=None, gt=0)
    """Minutes at work; waiting for a person does not count."""
    turns: int | None = Field(default=None, ge=1)
    """Calls of a model."""

    def over(self, other: Limits) -> Limits:
        """Return these limits, with those of another where this says nothing."""
        return other.model_copy(update=self.model_dump(exclude_none=True))

    def reached(self, spent: Spent) -> list[str]:
        """Return which of these limits are used up: `turns`, `tokens`, ..."""
        limits = self.model_dump(exclude_none=True)
        return [kind for kind, most in limits.items() if getattr(spent, kind) >= most]

    def within(self, other: Limits) -> Limits:
        """Return the tighter of both limits of each kind."""
        mine, theirs = self.model_dump(exclude_none=True), other.model_dump(exclude_none=True)
        return Limits(
            **{kind: min(limits[kind] for limits in (mine, theirs) if kind in limits) for kind in mine | theirs}
        )

    @property
    def unlimited(self) -> bool:
        """Whether nothing is limited."""
        return not self.model_dump(exclude_none=True)


class Price(BaseModel):
    """What a model costs, in US dollars for a million tokens."""

    model_config = ConfigDict(frozen=True)

    input: float
    output: float

    def of(self, input_tokens: int, output_tokens: int) -> float:
        """Return what a call costs (US dollars)."""
        return (self.input * input_tokens + self.output * output_tokens) / 1_000_000


class Spent(BaseModel):
    """What has been used up."""

    tokens: int = 0
    money: float = 0.0
    """US dollars, as far as prices are known."""
    unpriced: int = 0
    """Calls whose price nobody knows: they are never counted as 0."""
    minutes: float = 0.0
    turns: int = 0


class Reading(Protocol):
    """One model call on the meter."""

    def used(self, input_tokens: int, output_tokens: int, seconds: float) -> float | None:
        """Count an answer; returns what it cost (US dollars), or None where that is unknown."""
        ...


class Meter(Protocol):
    """Counts what a run uses up and stops it at its limits: over all its agents, and over a resume."""

    @property
    def spent(self) -> Spent:
        """What the run has used up until now."""
        ...

    def call(self, agent: str, model: str, estimate: int) -> AbstractAsyncContextManager[Reading]:
        """Open before each model call, closed after it.

        Args:
            agent: Who calls.
            model: `provider:model`.
            estimate: Tokens that the call will use, as far as can be told before.

        Raises:
            LimitReached: A limit is reached; it says which.
            ConfigError: Money is limited and nobody knows what the model costs.
        """
        ...
