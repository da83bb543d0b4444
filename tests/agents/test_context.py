"""The conversation fits before each call: old tool output goes first, and what people said stays."""

from __future__ import annotations

from pathlib import Path

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from plays import Play, call, of

from nexus_agents.agents.middleware.context import compact
from nexus_agents.agents.tokens import tokens_of_message, tokens_of_text
from nexus_agents.core.config import ModelConfig


def conversation(rounds: int, size: int) -> list[BaseMessage]:
    said: list[BaseMessage] = [HumanMessage("the task " * 20)]
    for number in range(rounds):
        arguments = {"path": f"{number}.py", "content": "x = 1\n" * (size // 6)}
        said.append(AIMessage("", tool_calls=[{"name": "write_file", "args": arguments, "id": str(number)}]))
        said.append(ToolMessage("y = 2\n" * (size // 6), tool_call_id=str(number), name="read_file"))
    return said


def total(messages: list[BaseMessage]) -> int:
    return sum(map(tokens_of_message, messages))


def test_results_go_first_and_the_newest_last() -> None:
    whole = conversation(10, 3000)
    some = compact(whole, total(whole) - 500)
    assert [message.text for message in some[3:]] == [message.text for message in whole[3:]]
    assert "call read_file again" in some[2].text
    assert some[1].tool_calls == whole[1].tool_calls  # type: ignore[attr-defined]

    half = compact(whole, total(whole) // 3)
    assert total(half) <= total(whole) // 3
    assert half[0].text == whole[0].text
    assert half[-1].text == whole[-1].text
    assert "characters left out" in half[1].tool_calls[0]["args"]["content"]  # type: ignore[attr-defined]
    assert len(half) == len(whole)
    # The conversation itself is what it was.
    assert total(whole) == total(conversation(10, 3000))


def test_a_long_result_at_the_end_keeps_its_ends() -> None:
    said: list[BaseMessage] = [HumanMessage("task"), AIMessage("", tool_calls=[{"name": "t", "args": {}, "id": "1"}])]
    said.append(ToolMessage("begin " + "x" * 50_000 + " end", tool_call_id="1", name="t"))
    fitted = compact(said, 2000)
    assert total(fitted) <= 2000
    assert fitted[2].text.startswith("begin")
    assert fitted[2].text.endswith("end")


def test_signs_outside_of_ascii_count_whole() -> None:
    assert tokens_of_text("abcd" * 8) < 12
    assert tokens_of_text("漢字") >= 2


async def test_a_long_run_fits_into_a_small_model(play: Play, tmp_path: Path) -> None:
    small = {"small": ModelConfig(model=f"scripted:{tmp_path / 'script.yaml'}", context=2048)}
    steps = [call("note", text=f"{number} " + "word " * 60, times=3) for number in range(12)]
    run, events = await play([*steps, "done"], models=small, default_model="small")
    assert run.status == "done"
    compacted = of(events, "compacted")
    assert compacted
    assert all(event.after <= 1536 < event.before for event in compacted)


async def test_what_cannot_fit_ends_with_a_reason(play: Play, tmp_path: Path) -> None:
    small = {"small": ModelConfig(model=f"scripted:{tmp_path / 'script.yaml'}", context=1024)}
    run, events = await play(["done"], request="word " * 4000, models=small, default_model="small")
    assert (run.status, events[-1].error.exit_code) == ("interrupted", 4)
    assert "does not fit" in events[-1].error.message
