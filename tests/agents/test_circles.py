"""An agent that goes in circles is warned once, and then stopped."""

from __future__ import annotations

from pathlib import Path

import yaml
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from plays import Play, call, of

from nexus_agents import Settings, open_runtime
from nexus_agents.agents.middleware.stuck import circle
from nexus_agents.core.config import AgentConfig, Config

NOTE = call("note", text="a")
TOOLS = {"note": "probes:note"}


async def test_the_same_call_three_times_brings_a_warning_that_may_help(play: Play) -> None:
    run, events = await play([NOTE, NOTE, NOTE, call("note", text="b"), "done"])
    assert run.status == "done"
    said = [event.text for event in of(events, "message")]
    assert "note was called 3 times with the same arguments and the same result" in said[0]


async def test_who_goes_on_is_stopped(play: Play) -> None:
    run, events = await play([NOTE] * 20)
    assert (run.status, events[-1].error.exit_code) == ("failed", 1)
    assert "went in circles" in events[-1].error.message
    assert len(of(events, "usage")) == 6


def rounds(*calls: tuple[str, dict[str, object], str]) -> list[BaseMessage]:
    said: list[BaseMessage] = []
    for number, (name, arguments, result) in enumerate(calls):
        said.append(AIMessage("", tool_calls=[{"name": name, "args": arguments, "id": str(number)}]))
        said.append(ToolMessage(result, tool_call_id=str(number), name=name))
    return said


def test_calls_that_are_numbered_anew_in_each_answer_are_told_apart() -> None:
    said: list[BaseMessage] = []
    for path in ("a", "b", "c"):
        said.append(AIMessage("", tool_calls=[{"name": "read", "args": {"path": path}, "id": "0"}]))
        said.append(ToolMessage("empty", tool_call_id="0", name="read"))
    assert circle(said) is None
    assert circle([*said[:2]] * 3) is not None


async def test_the_same_call_in_each_turn_of_a_thread_is_no_circle(own_home: Path, tmp_path: Path) -> None:
    own_home.mkdir()
    script = tmp_path / "script.yaml"
    # The script goes on from its newest answer in the thread.
    script.write_text(yaml.safe_dump({"roles": {"assistant": [NOTE, "done"] * 4}}))
    config = Config(
        default_model=f"scripted:{script}", tools=TOOLS, agents={"assistant": AgentConfig(tools=list(TOOLS))}
    )
    thread: str | None = None
    async with open_runtime(Settings(own_home, config)) as runtime:
        for _ in range(4):
            run = await runtime.start("note it", thread_id=thread)
            thread = run.thread_id
            events = [event async for event in runtime.stream(run.id)]
            assert events[-1].status == "done", events[-1]
            assert not [event for event in of(events, "message") if "circles" in event.text]


def test_what_is_a_circle() -> None:
    there = ("edit_file", {"path": "a", "old": "x", "new": "y"}, "1 replaced")
    back = ("edit_file", {"path": "a", "old": "y", "new": "x"}, "1 replaced")
    run = ("run_tests", {}, "1 failed")
    assert circle(rounds(there, run, back, run)) is None
    assert "taken back again" in str(circle(rounds(there, run, back, run, there)))
    # Tests that are run again after each change are none, as long as they say something else.
    assert circle(rounds(("t", {}, "3 failed"), ("t", {}, "2 failed"), ("t", {}, "1 failed"))) is None
    assert circle(rounds(("t", {"a": 1}, "x"), ("t", {"a": 2}, "x"), ("t", {"a": 3}, "x"))) is None
