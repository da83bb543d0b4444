"""What a run uses up, counted from its events, and the limits that stop it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import reduce
from typing import TYPE_CHECKING

from nexus_agents.core.budget import Limits, Price, Spent
from nexus_agents.core.config import ROLES
from nexus_agents.core.errors import ConfigError, LimitReached
from nexus_agents.core.events import RunFinished, RunForked, RunResumed, RunRewound, RunStarted, Usage, UserSaid

if TYPE_CHECKING:
    from datetime import datetime

    from nexus_agents.core.config import Config
    from nexus_agents.core.events import AnyEvent
    from nexus_agents.core.ports import EventLog, ModelSource
    from nexus_agents.core.runs import Run

__all__ = ["FROM_OUTSIDE", "RunMeter", "check_prices", "minutes_at_work"]

FROM_OUTSIDE = (UserSaid, RunRewound, RunForked)
"""What a person does to a run, maybe long after a crash: no time at work ends with it."""


@dataclass
class _Scope:
    """One thing with limits: the run, an agent in it, or a model."""

    what: str
    limits: Limits
    raise_it: str
    """What a person does about it."""
    spent: Spent = field(default_factory=Spent)
    flying: int = 0
    """Calls that are under way."""
    reserved: int = 0
    """Tokens that those are taken to use."""
    reserved_money: float = 0.0

    def add(self, usage: Usage) -> None:
        """Count an answer."""
        spent = self.spent
        self.spent = Spent(
            tokens=spent.tokens + usage.input_tokens + usage.output_tokens,
            money=spent.money + (usage.cost or 0.0),
            unpriced=spent.unpriced + (usage.cost is None),
            minutes=spent.minutes + usage.seconds / 60,
            turns=spent.turns + 1,
        )

    def used_up(self, minutes: float | None) -> str | None:
        """Return in words which limit is reached, or None."""
        spent = self.spent if minutes is None else self.spent.model_copy(update={"minutes": minutes})
        limits, reached = self.limits, self.limits.reached(spent)
        if "turns" in reached:
            return f"{limits.turns} turns: {spent.turns} calls of a model were made"
        if "tokens" in reached:
            return f"{limits.tokens:,} tokens: {spent.tokens:,} were used"
        if "money" in reached:
            return f"${limits.money:g}: ${spent.money:.4f} was spent"
        return f"{limits.minutes:g} minutes: {spent.minutes:.1f} were worked" if reached else None

    def has_room(self, tokens: int, money: float) -> bool:
        """Return whether one more call beside those under way is sure to stay within the limits."""
        limits, spent = self.limits, self.spent
        return (
            (limits.turns is None or spent.turns + self.flying < limits.turns)
            and (limits.tokens is None or spent.tokens + self.reserved + tokens <= limits.tokens)
            and (limits.money is None or spent.money + self.reserved_money + money <= limits.money)
        )


class _Reading:
    def __init__(self, price: Price | None) -> None:
        self._price = price

    def used(self, input_tokens: int, output_tokens: int, seconds: float) -> float | None:
        """Return what an answer cost (US dollars), or None where that is unknown."""
        return self._price.of(input_tokens, output_tokens) if self._price else None


class RunMeter:
    """Implements `Meter` of core.

    What was used stands in the `Usage` events of the run, so it is known again after a crash. Near a limit calls go one
    after the other: so at most one call goes beyond it, however many agents work side by side.

    Args:
        config: agents.yaml.
        run: The run.
        events: The events of the run.
        models: Tells prices.
    """

    def __init__(self, config: Config, run: Run, events: EventLog, models: ModelSource) -> None:
        self._config = config
        self._run = run
        self._events = events
        self._models = models
        self._total = _Scope(
            "The budget of this run",
            run.budget.over(config.budget),
            f"Give it more: F5 in the app, or nexus resume {run.id} --tokens N, --money N, --minutes N or --turns N.",
        )
        self._scopes: dict[str, _Scope] = {}
        self._begun = time.monotonic()
        self._earlier = 0.0
        self._loaded = False
        self._changed = asyncio.Condition()

    @property
    def spent(self) -> Spent:
        """What the run has used up until now."""
        return self._total.spent.model_copy(update={"minutes": self._minutes()})

    @property
    def limits(self) -> Limits:
        """What the run may use up."""
        return self._total.limits

    def count(self, event: AnyEvent) -> None:
        """Take an event of this run into account; others than `Usage` change nothing."""
        if isinstance(event, Usage) and self._loaded:
            for scope in (self._total, self._agent(event.agent), self._model(event.model)):
                scope.add(event)

    @asynccontextmanager
    async def call(self, agent: str, model: str, estimate: int) -> AsyncGenerator[_Reading]:
        """Open before each model call, closed after it; see `Meter` of core."""
        await self.load()
        price = self._models.price(model)
        scopes = (self._total, self._agent(agent), self._model(model))
        if price is None and any(scope.limits.money is not None for scope in scopes):
            raise _no_price(model)
        money = price.of(0, estimate) if price else 0.0
        await self._enter(scopes, estimate, money)
        try:
            yield _Reading(price)
        finally:
            async with self._changed:
                for scope in scopes:
                    scope.flying -= 1
                    scope.reserved -= estimate
                    scope.reserved_money -= money
                self._changed.notify_all()

    async def load(self) -> None:
        """Read what was used before; done by itself at the first call."""
        if self._loaded:
            return
        kept = await self._events.read(self._run.id)
        if not self._loaded:
            self._loaded = True
            self._earlier = minutes_at_work(kept)
            for event in kept:
                self.count(event)

    async def _enter(self, scopes: Sequence[_Scope], tokens: int, money: float) -> None:
        async with self._changed:
            while True:
                for scope in scopes:
                    reached = scope.used_up(self._minutes() if scope is self._total else None)
                    if reached:
                        raise LimitReached(f"{scope.what} is used up, {reached}.", scope.raise_it)
                if all(scope.has_room(tokens, money) or not scope.flying for scope in scopes):
                    break
                await self._changed.wait()
            for scope in scopes:
                scope.flying += 1
                scope.reserved += tokens
                scope.reserved_money += money

    def _minutes(self) -> float:
        return self._earlier + (time.monotonic() - self._begun) / 60

    def _agent(self, name: str) -> _Scope:
        # Whoever has a seat in a debate is called by the model; an alias may be named like an agent.
        by_model = ":" in name or name.partition("#")[0] in self._config.models
        seat = by_model and name not in (*ROLES, *self._config.agents)
        role = "debater" if seat else name
        own = self._config.agents.get(role)
        where = f"Raise agents.{role}.limits in agents.yaml, then: nexus resume {self._run.id}"
        return self._scope(f"agent {name}", own.limits if own else Limits(), f"The budget of the {name} agent", where)

    def _model(self, name: str) -> _Scope:
        # Several names may stand for one model: each of their limits holds for all of its calls.
        budgets = {
            alias: one.budget
            for alias, one in self._config.models.items()
            if one.model == name and not one.budget.unlimited
        }
        where = f"Raise models.{' or '.join(budgets)}.budget in agents.yaml, then: nexus resume {self._run.id}"
        return self._scope(
            f"model {name}", reduce(Limits.within, budgets.values(), Limits()), f"The budget of {name}", where
        )

    def _scope(self, key: str, limits: Limits, what: str, raise_it: str) -> _Scope:
        if key not in self._scopes:
            self._scopes[key] = _Scope(what, limits, raise_it)
        return self._scopes[key]


def minutes_at_work(events: Sequence[AnyEvent]) -> float:
    """Return how long a run was worked (minutes): from each start or resume to the last event before the next one.

    Time after the last event before a crash is not known. The span that is open, where there is one, counts not.
    """
    total = 0.0
    begun: datetime | None = None
    last: datetime | None = None
    for event in events:
        if isinstance(event, RunStarted | RunResumed):
            total += (last - begun).total_seconds() if begun and last else 0.0
            begun = event.at
        if not isinstance(event, FROM_OUTSIDE):
            last = event.at
        if isinstance(event, RunFinished) and begun:
            total += (event.at - begun).total_seconds()
            begun = None
    return total / 60


def check_prices(
    config: Config, budget: Limits, models: ModelSource, players: Iterable[tuple[str, str | None]]
) -> None:
    """Refuse a limit of money on a model whose price nobody knows, before anything is spent.

    Args:
        config: agents.yaml.
        budget: What the run may use up.
        models: Tells prices.
        players: Roles, each with the model that is named for it, or None for its own.

    Raises:
        ConfigError: It is so, for one of them.
    """
    for role, named in players:
        agent = config.agents.get(role)
        model = models.describe(role, name=named)
        own = [one.budget.money for one in config.models.values() if one.model == model]
        if all(limit is None for limit in (budget.money, agent.limits.money if agent else None, *own)):
            continue
        others = (models.describe(role, name=other) for other in models.fallbacks(role, name=named))
        for name in (model, *others):
            if models.price(name) is None:
                raise _no_price(name)


def _no_price(model: str) -> ConfigError:
    return ConfigError(
        f"Money is limited, and nobody knows what {model} costs.",
        "Declare its `price: {input: ..., output: ...}` under `models` in agents.yaml (US dollars a million tokens, 0 "
        "where it is free), or limit tokens instead.",
    )
