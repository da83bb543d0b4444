"""Budgets at the command line: named, reached, raised, refused and shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nexus_agents.core.budget import Limits, Spent
from nexus_agents.core.events import RunFinished, RunResumed, RunStarted, Usage
from nexus_agents.runtime.meter import minutes_at_work
from nexus_agents.runtime.tally import budget_lines, cost_text, spent_text, tally_of


def wrote(number: int, **more: Any) -> dict[str, Any]:
    """A step that writes a file of its own."""
    call = {"name": "write_file", "args": {"path": f"{number}.txt", "content": str(number)}}
    return {"calls": [call], "usage": [100, 10], **more}


def asked(served: Path) -> int:
    return len(served.read_text().splitlines())


def test_five_turns_hold_over_a_resume_and_can_be_raised(inside: Any, team: Any, here: Path) -> None:
    command = {"calls": [{"name": "run_command", "args": {"command": ["true"]}}], "usage": [100, 10]}
    served = team([wrote(1), wrote(2), command, *(wrote(number) for number in range(3, 10)), "All is written."])
    waits = inside("run", "write", "--turns", "5", "-w", "w")
    assert (waits.rc, asked(served)) == (5, 3), waits
    stopped = inside("resume", "--yes")
    stopped.failed(4, "The budget of this run is used up, 5 turns: 5 calls of a model were made.", "--turns N")
    assert asked(served) == 5
    assert "interrupted" in inside("runs").out
    again = inside("resume")
    again.failed(4, "5 turns")
    assert asked(served) == 5, "what is used up is used up"
    shown = inside("show", json.loads(inside("runs", "--json").out)["id"]).out
    assert "used 550 tokens in 5 calls of models\n" in shown, "a script costs nothing"
    assert "budget: 5 of 5 turns" in shown
    done = inside("resume", "--turns", "50")
    assert (done.rc, done.out.strip()) == (0, "All is written."), done
    assert [path.name for path in sorted((here / "w").glob("*.txt"))] == [f"{number}.txt" for number in range(1, 10)]


def test_tokens_and_money_are_limits_too(inside: Any, team: Any) -> None:
    price = {"model": "scripted:script.json", "price": {"input": 100, "output": 1000}}
    team([wrote(number) for number in range(1, 9)], models={"own": price})
    inside("run", "write", "--tokens", "250").failed(4, "used up, 250 tokens: 330 were used.")
    inside("run", "write", "--money", "0.05").failed(4, "used up, $0.05: $0.0600 was spent.")
    listed = [json.loads(line) for line in inside("runs", "--json").out.splitlines()]
    assert [run["spent"] for run in listed] == [
        {"tokens": 330, "money": pytest.approx(0.06), "unpriced": 0, "turns": 3},
        {"tokens": 330, "money": pytest.approx(0.06), "unpriced": 0, "turns": 3},
    ]
    assert listed[0]["budget"]["money"] == 0.05
    assert "$0.0600" in inside("runs").out
    shown = json.loads(inside("show", listed[1]["id"], "--json").out)
    assert (shown["limits"]["tokens"], shown["spent"]["turns"]) == (250, 3)


def test_money_on_a_model_without_a_price_is_refused_before_anything_is_written(
    inside: Any, on_server: Any, here: Path
) -> None:
    settings = here / "agents.yaml"
    settings.write_text(settings.read_text() + "approvals: {read: ask}\n")
    limited = ("run", "which voices are there?", "--money", "1", "-w", "w")
    inside(*limited).refused(2, "nobody knows what openai:fake costs", "price")
    inside(*limited, "-m", "openai:nobody-knows-it").refused(
        2, "nobody knows what openai:nobody-knows-it costs", "price"
    )
    assert inside("runs", "--json").out == ""
    assert not (here / "w").exists()
    assert on_server.requests == []
    assert inside("run", "which voices are there?", "-w", "w").rc == 5
    before = inside("show", json.loads(inside("runs", "--json").out)["id"], "--json").out
    asked_before = len(on_server.requests)
    inside("resume", "--money", "1").refused(2, "nobody knows what openai:fake costs")
    assert inside("show", json.loads(inside("runs", "--json").out)["id"], "--json").out == before
    assert len(on_server.requests) == asked_before


@pytest.mark.parametrize("command", [["run", "x"], ["resume"], ["debate", "x"], ["podcast", "x.md"]])
def test_a_limit_that_is_none_is_refused(inside: Any, command: list[str]) -> None:
    wrong = [("--tokens", "0"), ("--tokens", "1.5"), ("--turns", "-3"), ("--turns", "many"), ("--money", "0")]
    wrong += [("--money", "nan"), ("--money", "-1"), ("--money", "inf")]
    wrong += [] if command[0] == "podcast" else [("--minutes", "0"), ("--minutes", "long")]
    for option, value in wrong:
        inside(*command, option, value).refused(2, option)
    assert inside("runs", "--json").out == ""


def test_a_debate_keeps_to_its_budget(inside: Any, team: Any) -> None:
    answer = {"product": "Answer", "value": {"answer": "yes", "method": "by heart"}, "usage": [10, 5]}
    served = team([answer])
    stopped = inside("debate", "is 91 prime?", "--turns", "1")
    stopped.failed(4, "1 turns")
    assert asked(served) == 1


# -- the sums ------------------------------------------------------------------------------------------


def usage(cost: float | None, model: str = "a") -> Usage:
    return Usage(agent="x", model=model, input_tokens=1000, output_tokens=234, cost=cost, seconds=1)


def test_what_was_spent_in_words() -> None:
    assert spent_text(Spent()) == ""
    assert spent_text(tally_of([usage(0.0)]).spent) == "1,234 tokens in 1 call of models"
    both = tally_of([usage(0.0123), usage(None), usage(None, "b")])
    assert spent_text(both.spent) == "3,702 tokens in 3 calls of models, $0.0123 + 2 calls of unknown price"
    assert spent_text(tally_of([usage(None)]).spent) == "1,234 tokens in 1 call of models, 1 call of unknown price"
    assert [(name, use.calls, use.unpriced) for name, use in both.models.items()] == [("a", 2, 1), ("b", 1, 1)]
    assert (cost_text(0, 0), cost_text(0, 3), cost_text(0.00001, 0)) == ("", "cost unknown", "under $0.0001")
    limits = Limits(turns=5, tokens=50_000, money=1, minutes=10)
    lines = ["3 of 5 turns", "3,702 of 50,000 tokens", "$0.0123 of $1", "0.0 of 10 minutes"]
    assert budget_lines(both.spent, limits) == lines
    assert budget_lines(both.spent, Limits()) == []


def test_minutes_are_those_of_the_meter() -> None:
    from datetime import UTC, datetime, timedelta

    def at(minute: float) -> datetime:
        return datetime(2026, 3, 14, tzinfo=UTC) + timedelta(minutes=minute)

    started = RunStarted(run_id="r", graph="g", request="x", workspace="/", model="m", model_reason="", at=at(0))
    events: list[Any] = [
        started,
        usage(None).model_copy(update={"at": at(2)}),
        usage(None).model_copy(update={"at": at(3)}),
        RunFinished(run_id="r", status="waiting", at=at(4)),
        RunResumed(run_id="r", finished_calls=0, at=at(60)),
        usage(None).model_copy(update={"at": at(61)}),
        RunResumed(run_id="r", finished_calls=0, at=at(70)),
    ]
    for end in range(1, len(events) + 1):
        told = tally_of(events[:end]).spent.minutes
        begins_again = [*events[:end], RunResumed(run_id="r", finished_calls=0, at=events[end - 1].at)]
        assert told == pytest.approx(minutes_at_work(begins_again))
    assert tally_of(events).spent.minutes == pytest.approx(5)
