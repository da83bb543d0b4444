"""Whatever a server answers ends in a retry, a repair or a clear stop."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from plays import Play, call, of

from nexus_agents.agents.middleware.repair import complete, mended
from nexus_agents.core.config import ModelConfig

NOTE = call("note", text="a")


@pytest.mark.parametrize("fault", [429, 500, 503, "timeout", "connection", "cut"])
async def test_a_transient_fault_is_met_again(play: Play, fault: Any) -> None:
    run, events = await play([{"text": "one two three", "fault": fault}, NOTE, "done"])
    assert len(of(events, "retried")) == 1
    assert (run.status, events[-1].summary) == ("done", "done")


async def test_a_server_that_stays_down_stops_the_run_and_it_goes_on_later(play: Play) -> None:
    run, events = await play([NOTE, {"fault": 500}, {"fault": "timeout"}, "done"])
    assert (run.status, events[-1].error.exit_code) == ("interrupted", 3)
    assert "does not answer" in events[-1].error.message
    # The script begins its faults anew in a new process: this time there is patience for them.
    run, events = await play(run_id=run.id, retries=4)
    assert run.status == "done"
    assert of(events, "tool_started") == []


async def test_a_refused_key_is_not_tried_again(play: Play) -> None:
    run, events = await play([{"fault": 401}, "done"])
    assert of(events, "retried") == []
    assert (run.status, events[-1].error.exit_code) == ("failed", 2)


async def test_half_a_tool_call_is_sent_back_and_made_again(play: Play) -> None:
    run, events = await play([{**NOTE, "fault": "bad_json"}, NOTE, "done"])
    assert "not valid JSON" in of(events, "repaired")[0].what
    assert run.status == "done"
    assert len(of(events, "tool_finished")) == 1


@pytest.mark.parametrize("fault", ["unknown_tool", "wrong_types"])
async def test_a_call_that_cannot_be_made_is_answered_with_what_can(play: Play, fault: str) -> None:
    run, events = await play([{**NOTE, "fault": fault}, NOTE, "done"])
    assert (run.status, events[-1].summary) == ("done", "done")
    assert [event.ok for event in of(events, "tool_finished")] == [True]


async def test_an_empty_answer_is_asked_again_three_times_in_all(play: Play) -> None:
    run, events = await play([{"fault": "empty"}, {"fault": "empty"}, "done"])
    assert (run.status, len(of(events, "repaired"))) == ("done", 2)
    run, events = await play([{"fault": "empty"}] * 3)
    assert (run.status, events[-1].error.exit_code) == ("failed", 1)
    assert "no answer that can be used" in events[-1].error.message


async def test_another_model_is_asked_where_one_is_down(play: Play, tmp_path: Any) -> None:
    models = {
        "first": ModelConfig(model=f"scripted:{tmp_path / 'script.yaml'}", fallbacks=["second", "third"]),
        "second": ModelConfig(model=f"scripted:{tmp_path / 'down.yaml'}"),
        "third": ModelConfig(model=f"scripted:{tmp_path / 'up.yaml'}"),
    }
    down: list[Any] = [{"fault": 500}, {"fault": 500}]
    run, events = await play(
        down, others={"down": down, "up": ["from the third"]}, models=models, default_model="first"
    )
    assert events[-1].summary == "from the third"
    assert [event.to.rpartition("/")[2] for event in of(events, "fell_back")] == ["down.yaml", "up.yaml"]
    assert of(events, "usage")[0].model.endswith("up.yaml")
    assert run.status == "done"


def test_calls_are_mended_where_the_meaning_is_plain() -> None:
    def bad(text: str, **more: Any) -> AIMessage:
        call = {"name": "write", "args": text, "id": "1", "error": "x", "type": "invalid_tool_call"}
        return AIMessage("", invalid_tool_calls=[call], **more)

    assert mended(bad('{"path": "a", "text": "one\ntwo"}')).tool_calls[0]["args"]["text"] == "one\ntwo"  # type: ignore[attr-defined]
    assert mended(bad("{'path': 'a', 'all': True}")).tool_calls[0]["args"] == {"path": "a", "all": True}  # type: ignore[attr-defined]
    for left in (bad('{"path": "a", "te'), bad("[1]"), bad("{'a': 1}", response_metadata={"finish_reason": "length"})):
        assert mended(left).tool_calls == []  # type: ignore[attr-defined]


def test_calls_that_were_left_open_get_an_answer() -> None:
    def calling(*ids: str) -> AIMessage:
        return AIMessage("", tool_calls=[{"name": "note", "args": {}, "id": one} for one in ids])

    done = ToolMessage("ok", tool_call_id="a")
    whole = complete([HumanMessage("x"), calling("a", "b"), done, calling("a"), HumanMessage("y")])
    assert [(one.type, getattr(one, "tool_call_id", "")) for one in whole] == [
        ("human", ""),
        ("ai", ""),
        ("tool", "b"),
        ("tool", "a"),
        ("ai", ""),
        ("tool", "a"),
        ("human", ""),
    ]
    assert "not carried out" in whole[2].text
