"""An agent that goes in circles is warned once, and then stopped."""

from __future__ import annotations

from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from plays import Play, call, of

from nexus_agents.agents.middleware.stuck import circle

NOTE = call("note", text="a")


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


def test_what_is_a_circle() -> None:
    there = ("edit_file", {"path": "a", "old": "x", "new": "y"}, "1 replaced")
    back = ("edit_file", {"path": "a", "old": "y", "new": "x"}, "1 replaced")
    run = ("run_tests", {}, "1 failed")
    assert circle(rounds(there, run, back, run)) is None
    assert "taken back again" in str(circle(rounds(there, run, back, run, there)))
    # Tests that are run again after each change are none, as long as they say something else.
    assert circle(rounds(("t", {}, "3 failed"), ("t", {}, "2 failed"), ("t", {}, "1 failed"))) is None
    assert circle(rounds(("t", {"a": 1}, "x"), ("t", {"a": 2}, "x"), ("t", {"a": 3}, "x"))) is None
