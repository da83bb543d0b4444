from __future__ import annotations

from collections.abc import Callable

import pytest

from memory import SqlMemory
from nexus_agents.core.errors import InputError
from nexus_agents.core.events import (
    AgentFinished,
    AgentStarted,
    AnyEvent,
    ApprovalAsked,
    ArtifactMade,
    Message,
    Retried,
    RunFinished,
    RunResumed,
    RunStarted,
    ToolFinished,
    Usage,
)
from nexus_agents.core.runs import Run, RunError

MakeRun = Callable[..., Run]
ERROR = RunError(message="no room", hint="free some")

KEPT: list[AnyEvent] = [
    RunStarted(
        run_id="run-1",
        graph="assistant",
        request="hé",
        workspace="/w",
        model="builtin:nexus",
        model_reason="built in",
    ),
    RunResumed(run_id="run-1", finished_calls=2),
    AgentStarted(agent="planning", task="plan", model="builtin:nexus"),
    Message(agent="planning", text="# Plan\n🎙", data={"steps": [1, {"a": None}]}),
    ApprovalAsked(
        agent="backend",
        tool="run",
        call_id="c",
        risk="execute",
        arguments={"argv": ["ls"]},
        question="Run?",
        how="nexus approve",
    ),
    ToolFinished(agent="b", tool="t", call_id="c", ok=False, summary="no", seconds=1.5, error=ERROR),
    ArtifactMade(path="/w/a.wav", kind="audio", title="", bytes=2**40),
    Usage(agent="b", model="m", input_tokens=1, output_tokens=2),
    Retried(what="model", attempt=2, wait=0.5, reason="429"),
    AgentFinished(agent="planning", summary="ok"),
    RunFinished(run_id="run-1", status="failed", next=["nexus resume"], error=ERROR, seconds=2.0),
]


async def test_every_kind_comes_back_in_order_with_its_seq(memory: SqlMemory, make_run: MakeRun) -> None:
    await memory.runs.create(make_run())
    written = [await memory.events.append("run-1", event) for event in KEPT]
    assert [event.seq for event in written] == list(range(1, len(KEPT) + 1))
    assert await memory.events.read("run-1") == written
    assert await memory.events.read("run-1", after=9) == written[9:]
    assert KEPT[0].seq == 0, "the event that was given is left as it is"


async def test_each_run_counts_for_itself(memory: SqlMemory, make_run: MakeRun, say: Callable[[str], Message]) -> None:
    await memory.runs.create(make_run("a"))
    await memory.runs.create(make_run("b"))
    assert [(await memory.events.append(run, say(run))).seq for run in "abaab"] == [1, 1, 2, 3, 2]


async def test_usage_of_several_runs_is_read_at_once(
    memory: SqlMemory, make_run: MakeRun, say: Callable[[str], Message]
) -> None:
    for run in "abc":
        await memory.runs.create(make_run(run))
        await memory.events.append(run, say(run))
    used = [Usage(agent="x", model="m", input_tokens=number, output_tokens=0) for number in (1, 2, 3)]
    for run, usage in zip("aba", used, strict=True):
        await memory.events.append(run, usage)
    many = [f"none-{number}" for number in range(600)]
    found = await memory.events.usage(["a", "b", *many, "c"])
    assert {run: [one.input_tokens for one in usage] for run, usage in found.items() if usage} == {
        "a": [1, 3],
        "b": [2],
    }
    assert set(found) == {"a", "b", "c", *many}
    assert await memory.events.usage([]) == {}


async def test_an_event_of_no_run_is_refused(memory: SqlMemory, say: Callable[[str], Message]) -> None:
    with pytest.raises(InputError, match="no run nobody"):
        await memory.events.append("nobody", say("hello"))
    assert await memory.events.read("nobody") == []


async def test_an_event_without_json_form_is_refused_and_leaves_no_gap(
    memory: SqlMemory, make_run: MakeRun, say: Callable[[str], Message]
) -> None:
    await memory.runs.create(make_run())
    for bad in (Message(agent="a", text="x", data={"o": object()}), say("\ud800")):
        with pytest.raises(InputError, match="no JSON form"):
            await memory.events.append("run-1", bad)
    assert (await memory.events.append("run-1", say("next"))).seq == 1
