"""builtin:nexus as an ordinary LangChain chat model."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, ToolMessage
from langchain_core.tools import tool

from nexus_agents.core.work import Answer, Plan, Review, TestReport, TurnReport, to_block
from nexus_agents.models.builtin.chat import BuiltinChatModel


@tool
def debate(question: str) -> str:
    """Debate."""
    return question


@tool
def clone_voice(reference_audio: str, speaker_name: str = "") -> str:
    """Clone."""
    return reference_audio


@tool
def make_podcast(sources: list[str], host_voice: str = "") -> str:
    """Make."""
    return host_voice


TOOLS = [debate, clone_voice, make_podcast]


def ask(text: str, *more: BaseMessage, model: BuiltinChatModel | None = None, tools: Any = TOOLS) -> AIMessage:
    answer = (model or BuiltinChatModel()).bind_tools(tools).invoke([HumanMessage(text), *more])
    assert isinstance(answer, AIMessage)
    return answer


def test_it_calls_the_tool_that_fits_and_tells_what_came_of_it() -> None:
    first = ask("debate: is 91 prime?")
    assert [(call["name"], call["args"]) for call in first.tool_calls] == [("debate", {"question": "is 91 prime?"})]
    result = ToolMessage('{"summary": "no, 7 * 13"}', tool_call_id=first.tool_calls[0]["id"] or "", name="debate")
    assert ask("debate: is 91 prime?", first, result).text == "no, 7 * 13"


def test_a_compound_request_is_worked_step_by_step_with_the_result_of_the_first() -> None:
    request = "clone this voice ref.wav and make a podcast about notes.md"
    first = ask(request)
    assert first.tool_calls[0]["name"] == "clone_voice"
    done = ToolMessage('{"voice": {"name": "ref-2"}}', tool_call_id=first.tool_calls[0]["id"] or "", name="clone_voice")
    second = ask(request, first, done)
    assert second.tool_calls[0]["name"] == "make_podcast"
    assert second.tool_calls[0]["args"] == {"sources": ["notes.md"], "host_voice": "ref-2"}


def test_a_failed_tool_is_not_called_again() -> None:
    first = ask("debate: is 91 prime?")
    failed = ToolMessage("no\nway", tool_call_id=first.tool_calls[0]["id"] or "", name="debate", status="error")
    said = ask("debate: is 91 prime?", first, failed)
    assert not said.tool_calls
    assert "no\nway" in said.text


def test_it_says_what_it_is_when_it_cannot() -> None:
    for request in ("write a poem about autumn", "what is the weather in Oslo?", "book me a flight"):
        said = ask(request)
        assert not said.tool_calls
        assert "I am the built-in model" in said.text
        assert "name a model" in said.text


def test_it_never_calls_a_tool_that_it_was_not_given() -> None:
    said = ask("debate: is 91 prime?", tools=[clone_voice])
    assert not said.tool_calls
    assert "debate" in said.text


def test_it_asks_one_question_and_understands_the_answer() -> None:
    question = ask("make a podcast")
    assert not question.tool_calls
    assert question.text.count("?") == 1
    model = BuiltinChatModel().bind_tools(TOOLS)
    answer = model.invoke([HumanMessage("make a podcast"), question, HumanMessage("notes.md")])
    assert answer.tool_calls[0]["args"]["sources"] == ["notes.md"]


def test_the_same_transcript_gets_the_same_ids() -> None:
    one, two, other = ask("debate: is 91 prime?"), ask("debate: is 91 prime?"), ask("debate: is 97 prime?")
    assert one.tool_calls == two.tool_calls
    assert one.tool_calls[0]["id"] != other.tool_calls[0]["id"]


async def test_it_streams_words_then_calls_then_usage() -> None:
    model = BuiltinChatModel().bind_tools(TOOLS)
    for request in ("write a poem about autumn", "debate: is 91 prime?"):
        whole = await model.ainvoke(request)
        chunks = [chunk async for chunk in model.astream(request)]
        assert all(isinstance(chunk, AIMessageChunk) for chunk in chunks)
        joined = chunks[0]
        for chunk in chunks[1:]:
            joined = joined + chunk
        assert joined.text == whole.text
        assert [(c["name"], c["args"]) for c in joined.tool_calls] == [(c["name"], c["args"]) for c in whole.tool_calls]
        assert joined.usage_metadata == whole.usage_metadata
        assert whole.usage_metadata is not None
        assert whole.usage_metadata["input_tokens"] > 0


def test_typed_products_come_back_typed() -> None:
    plan = (
        BuiltinChatModel(role="planning").with_structured_output(Plan).invoke("create a user API with name and email")
    )
    assert isinstance(plan, Plan)
    assert [entity.name for entity in plan.entities] == ["user"]
    answer = BuiltinChatModel(model="search").with_structured_output(Answer).invoke("Question: is 91 prime?")
    assert isinstance(answer, Answer)
    assert "not prime" in answer.answer or answer.answer.startswith("no")


def test_a_planner_refuses_what_it_cannot_plan() -> None:
    said = BuiltinChatModel(role="planning").bind_tools([Plan]).invoke("build a compiler for C")
    assert not said.tool_calls
    assert said.text


def test_a_reviewer_never_accepts_red_tests_or_unrun_checks() -> None:
    red = TestReport(passed=1, failed=1, command="pytest", sandbox="floor", summary="1 failed")
    reviewer = BuiltinChatModel(role="review")
    first = ask(to_block(red), model=reviewer, tools=[Review])
    assert first.tool_calls[0]["name"] == "check_code"
    for content, status in (('{"findings": [], "tools": ["ruff"]}', "success"), ("no ruff", "error")):
        result = ToolMessage(content, tool_call_id=first.tool_calls[0]["id"] or "", name="check_code", status=status)
        verdict = ask(to_block(red), first, result, model=reviewer, tools=[Review])
        assert verdict.tool_calls[0]["args"]["accepted"] is False


def test_an_engineer_that_cannot_mend_says_so() -> None:
    plan = BuiltinChatModel(role="planning").with_structured_output(Plan).invoke("create a user API with name")
    red = TestReport(passed=0, failed=1, command="pytest", sandbox="floor", summary="1 failed")
    text = f"{to_block(plan)}\n\n{to_block(red)}"  # type: ignore[arg-type]
    said = ask(text, model=BuiltinChatModel(role="backend"), tools=[TurnReport])
    assert said.tool_calls[0]["args"]["open_points"]


@pytest.mark.parametrize("role", ["backend", "frontend", "testing", "media"])
def test_a_role_without_its_input_says_what_is_missing(role: str) -> None:
    assert "built-in model" in ask("please go on", model=BuiltinChatModel(role=role)).text


def test_an_unknown_role_is_honest() -> None:
    assert "no rules for the role" in ask("hello", model=BuiltinChatModel(role="poet")).text
