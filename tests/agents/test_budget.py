"""A budget stops a run within one model call: over all agents, and over a resume."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from plays import Play, call, of

from nexus_agents import Settings
from nexus_agents.core.budget import Limits, Price, Spent
from nexus_agents.core.config import AgentConfig, Config, ModelConfig, PriceConfig
from nexus_agents.core.errors import ConfigError, LimitReached
from nexus_agents.core.events import RunFinished, RunResumed, RunStarted, Usage, UserSaid
from nexus_agents.core.models import ModelProfile
from nexus_agents.core.runs import Run
from nexus_agents.runtime.meter import RunMeter, minutes_at_work

FOREVER = [{**call("note", text=str(turn)), "usage": (100, 50)} for turn in range(60)]


@pytest.mark.parametrize(
    ("budget", "calls", "says"),
    [
        (Limits(turns=5), 5, "5 turns"),
        (Limits(tokens=2000), 14, "2,000 tokens"),
        (Limits(money=0.01), 5, "$0.01"),
    ],
)
async def test_a_budget_stops_within_one_call_and_again_after_a_resume(
    play: Play, tmp_path: Path, budget: Limits, calls: int, says: str
) -> None:
    file = tmp_path / "script.yaml"
    dear = {"dear": ModelConfig(model=f"scripted:{file}", price=PriceConfig(input=10, output=20))}
    run, events = await play(FOREVER, budget=budget, models=dear, default_model="dear")

    assert len(of(events, "usage")) == calls
    assert (events[-1].status, events[-1].error.exit_code) == ("interrupted", 4)
    assert says in events[-1].error.message
    assert "nexus resume" in events[-1].error.hint

    run, events = await play(run_id=run.id, models=dear, default_model="dear")
    assert of(events, "usage") == []
    assert says in events[-1].error.message

    more = Limits(turns=calls + 3, tokens=100_000, money=5)
    run, events = await play(run_id=run.id, models=dear, default_model="dear", resume={"budget": more})
    assert len(of(events, "usage")) == 3
    assert run.budget == more


async def test_minutes_stop_within_one_call_and_again_after_a_resume(play: Play) -> None:
    slow = [{**call("note", text=str(turn)), "latency": 0.4} for turn in range(60)]
    run, events = await play(slow, budget=Limits(minutes=1 / 40))
    assert (events[-1].status, events[-1].error.exit_code) == ("interrupted", 4)
    assert "minutes" in events[-1].error.message
    # A second and a half has room for three calls that take two fifths of one, and one goes beyond it.
    assert 1 <= len(of(events, "usage")) <= 4

    run, events = await play(run_id=run.id)
    assert of(events, "usage") == []
    assert "minutes" in events[-1].error.message
    run, events = await play(run_id=run.id, resume={"budget": Limits(minutes=10, turns=8)})
    assert of(events, "usage") != []


async def test_the_budget_of_an_agent_and_of_a_model(play: Play, tmp_path: Path) -> None:
    agents = {"assistant": AgentConfig(tools=["note"], limits=Limits(turns=2))}
    _, events = await play(FOREVER, agents=agents)
    assert len(of(events, "usage")) == 2
    assert "budget of the assistant agent is used up, 2 turns" in events[-1].error.message
    few = {"few": ModelConfig(model=f"scripted:{tmp_path / 'script.yaml'}", budget=Limits(turns=3))}
    _, events = await play(FOREVER, models=few, default_model="few")
    assert len(of(events, "usage")) == 3


async def test_money_on_a_model_of_unknown_price_is_refused_before_anything_begins(play: Play) -> None:
    with pytest.raises(ConfigError, match=r"nobody knows what openai:my-own costs") as refused:
        await play(FOREVER, budget=Limits(money=1), default_model="openai:my-own")
    assert refused.value.exit_code == 2


class Priced:
    """Prices of two models; nothing else is asked of it here."""

    def price(self, name: str) -> Price | None:
        return Price(input=1, output=1) if name == "a:b" else None


async def kept(*_: Any, **__: Any) -> list[Any]:
    return []


class Nothing:
    """A run without a past."""

    read = staticmethod(kept)


def meter(config: Config | None = None, **limits: Any) -> RunMeter:
    run = Run(id="r", thread_id="r", graph="g", request="x", workspace="/", origin="/", budget=Limits(**limits))
    return RunMeter(config or Config(), run, Nothing(), Priced())  # type: ignore[arg-type]


def usage(tokens: int) -> Usage:
    return Usage(agent="a", model="a:b", input_tokens=tokens, output_tokens=0)


async def test_each_seat_of_a_debate_has_the_limits_of_a_debater_and_all_names_of_a_model_count() -> None:
    names = {
        "cheap": ModelConfig(model="a:b", budget=Limits(turns=9, tokens=5)),
        "dear": ModelConfig(model="a:b", budget=Limits(turns=2)),
        "backend": ModelConfig(model="e:f"),
    }
    config = Config(models=names, agents={"debater": AgentConfig(limits=Limits(turns=1))})
    counter = meter(config)
    assert counter._model("a:b").limits == Limits(turns=2, tokens=5)
    for seat in ("a:b#1", "a:b#2", "cheap"):
        async with counter.call(seat, "c:d", 1):
            counter.count(Usage(agent=seat, model="c:d", input_tokens=1, output_tokens=0))
        with pytest.raises(LimitReached, match=f"The budget of the {seat} agent.*1 turn") as caught:
            async with counter.call(seat, "c:d", 1):
                pass
        assert "agents.debater.limits" in caught.value.hint
    assert counter._agent("judge").limits.unlimited
    assert counter._agent("backend").limits.unlimited, "an agent, although a model is called the same"


async def test_agents_side_by_side_go_one_after_the_other_near_the_limit() -> None:
    counter = meter(tokens=1000)
    most = now = 0

    async def work() -> int:
        nonlocal most, now
        made = 0
        while True:
            async with counter.call("a", "a:b", 300):
                now += 1
                most = max(most, now)
                await asyncio.sleep(0)
                counter.count(usage(300))
                made += 1
                now -= 1

    with pytest.raises(LimitReached):
        await asyncio.gather(work(), work(), work(), work())
    # The fourth call is the one that goes beyond the limit; no fifth was begun beside it.
    assert counter.spent.tokens == 1200
    assert most == 3


async def test_turns_are_never_exceeded_side_by_side() -> None:
    counter = meter(turns=2)

    async def once() -> None:
        async with counter.call("a", "a:b", 10):
            await asyncio.sleep(0)
            counter.count(usage(1))

    done = await asyncio.gather(*(once() for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(one, LimitReached) for one in done) == 3
    assert counter.spent.turns == 2


async def test_a_call_that_fails_frees_its_place() -> None:
    counter = meter(turns=1)
    with pytest.raises(ValueError):
        async with counter.call("a", "a:b", 10):
            raise ValueError
    async with counter.call("a", "a:b", 10):
        counter.count(usage(1))
    assert counter.spent.model_copy(update={"minutes": 0}) == Spent(tokens=1, turns=1, unpriced=1)


async def test_minutes_count_what_was_worked_before() -> None:
    from datetime import UTC, datetime, timedelta

    start = datetime(2026, 1, 1, tzinfo=UTC)

    def at(minutes: float) -> datetime:
        return start + timedelta(minutes=minutes)

    begun = RunStarted(run_id="r", graph="g", request="x", workspace="/", model="m", model_reason="", at=at(0))
    cut = Usage(agent="a", model="m", input_tokens=1, output_tokens=1, at=at(2))
    resumed = RunResumed(run_id="r", finished_calls=0, at=at(60))
    ended = RunFinished(run_id="r", status="waiting", at=at(61))
    assert minutes_at_work([begun, cut]) == 0
    assert minutes_at_work([begun, cut, resumed]) == 2
    assert minutes_at_work([begun, cut, resumed, ended]) == 3
    # What a person says while nobody works is no work.
    assert minutes_at_work([begun, cut, UserSaid(text="wait", at=at(50)), resumed]) == 2

    class Past:
        async def read(self, run_id: str, *, after: int = 0) -> list[Any]:
            return [begun, cut, resumed, ended]

    run = Run(id="r", thread_id="r", graph="g", request="x", workspace="/", origin="/", budget=Limits(minutes=2.5))
    counter = RunMeter(Config(), run, Past(), Priced())  # type: ignore[arg-type]
    with pytest.raises(LimitReached, match=r"2\.5 minutes: 3\.0 were worked"):
        async with counter.call("a", "a:b", 1):
            pass


def test_settings_of_the_home_are_the_default_and_those_of_the_run_come_first(own_home: Path) -> None:
    config = Config(budget=Limits(turns=9, tokens=7))
    run = Run(id="r", thread_id="r", graph="g", request="x", workspace="/", origin="/", budget=Limits(turns=2))
    counter = RunMeter(config, run, Nothing(), Priced())  # type: ignore[arg-type]
    assert counter.limits == Limits(turns=2, tokens=7)
    assert Settings(own_home, config).config.budget.tokens == 7
    assert ModelProfile(name="a:b").context is None
