"""The scripted model: what it says, how it fails, which step comes next, and that none is forgotten."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest
from langchain.agents import create_agent
from langchain.agents.structured_output import ProviderStrategy, ToolStrategy
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.tools import tool
from pydantic import BaseModel

from nexus_agents import ScriptedChatModel
from nexus_agents.agents.retry import is_transient
from nexus_agents.core.config import Config
from nexus_agents.core.errors import ConfigError
from nexus_agents.models.scripted.script import ScriptEnded
from nexus_agents.models.scripted.steps import Call, Step
from nexus_agents.models.source import Models


class Point(BaseModel):
    """A place."""

    x: int
    y: int


@tool
def add(a: int, b: int) -> str:
    """Add two numbers."""
    return str(a + b)


ADD = Step(calls=[Call(name="add", args={"a": 2, "b": 3})])


def test_says_its_steps_in_order_and_counts_tokens() -> None:
    with ScriptedChatModel(["one", Step(text="two", usage=(11, 7))]) as model:
        first, second = model.invoke("a question"), model.invoke("another")
    assert (first.text, second.text) == ("one", "two")
    assert first.usage_metadata == {"input_tokens": 2, "output_tokens": 1, "total_tokens": 3}
    assert second.usage_metadata == {"input_tokens": 11, "output_tokens": 7, "total_tokens": 18}
    assert [request.messages[-1].text for request in model.requests] == ["a question", "another"]


def test_what_is_left_and_what_is_too_much_is_told() -> None:
    left = pytest.raises(AssertionError, match=r"1 scripted steps were not taken: assistant, step 2")
    with left, ScriptedChatModel(["one", "two"]) as model:
        model.invoke("hello")
    model = ScriptedChatModel(["one"], role="review")
    model.invoke("hello")
    with pytest.raises(ScriptEnded, match="script of 'review' ends after 1 steps") as caught:
        model.bind_tools([add]).invoke("and the tides?")
    assert "human: and the tides?" in str(caught.value)
    assert "tools: add" in str(caught.value)
    with pytest.raises(ValueError, match="mine"), ScriptedChatModel(["one"]):
        raise ValueError("mine")


async def test_streams_text_and_calls_in_pieces() -> None:
    step = Step(text="Let me add these.", calls=[ADD.calls[0], Call(name="add", args={"a": 10, "b": -10})])
    model = ScriptedChatModel([step, step]).bind_tools([add], tool_choice="any")
    for chunks in (list(model.stream("?")), [chunk async for chunk in model.astream("?")]):
        said = [cast("AIMessageChunk", chunk) for chunk in chunks]
        assert len([chunk for chunk in said if chunk.text]) == 4
        assert len([chunk for chunk in said if chunk.tool_call_chunks]) > 4
        whole = said[0]
        for chunk in said[1:]:
            whole = whole + chunk
        assert whole.text == "Let me add these."
        assert [call["args"] for call in whole.tool_calls] == [{"a": 2, "b": 3}, {"a": 10, "b": -10}]
        assert whole.usage_metadata
        assert whole.usage_metadata["output_tokens"] > 4


async def test_an_agent_works_with_it_streamed_and_whole() -> None:
    for stream in (True, False):
        with ScriptedChatModel([ADD, lambda messages: f"It is {messages[-1].text}."]) as model:
            agent: Any = create_agent(model, [add])
            if stream:
                heard = [
                    chunk
                    async for chunk in agent.astream({"messages": [("user", "2 + 3?")]}, stream_mode="messages")
                    if isinstance(chunk[0], AIMessageChunk)
                ]
                assert "".join(chunk.text for chunk, _ in heard) == "It is 5."
            else:
                state = await agent.ainvoke({"messages": [("user", "2 + 3?")]})
                assert state["messages"][-1].text == "It is 5."


@pytest.mark.parametrize("strategy", [ToolStrategy, ProviderStrategy])
def test_a_product_is_handed_over_as_an_agent_asks(strategy: Any) -> None:
    with ScriptedChatModel([ADD, Point(x=1, y=2)]) as model:
        agent: Any = create_agent(model, [add], response_format=strategy(Point))
        state = agent.invoke({"messages": [("user", "where?")]})
    assert state["structured_response"] == Point(x=1, y=2)
    offered = [tool["function"]["name"] for tool in model.requests[-1].tools]
    assert offered == (["add", "Point"] if strategy is ToolStrategy else ["add"])


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
async def test_structured_output(method: str) -> None:
    model = ScriptedChatModel([Point(x=1, y=2), "no idea", {"product": "Point", "value": {"x": "here", "y": 2}}] * 2)
    asked = model.with_structured_output(Point, method=method)
    assert await asked.ainvoke("where?") == Point(x=1, y=2)
    raw = model.with_structured_output(Point, include_raw=True, method=method)
    for _ in range(2):
        answer = cast("dict[str, Any]", await raw.ainvoke("where?"))
        assert answer["parsed"] is None
        assert answer["parsing_error"]
        assert isinstance(answer["raw"], AIMessage)
    assert cast("dict[str, Any]", raw.invoke("where?"))["parsed"] == Point(x=1, y=2)
    options = model.requests[0].options
    assert options == (
        {"tool_choice": "any"} if method == "function_calling" else {"response_format": options["response_format"]}
    )


@pytest.mark.parametrize(("fault", "again"), [(429, True), (500, True), (401, False), ("timeout", True)])
def test_a_fault_is_raised_as_clients_raise_it(fault: Any, again: bool) -> None:
    model = ScriptedChatModel([Step(fault=fault), "hello"])
    with pytest.raises(Exception) as caught:
        model.invoke("hi")
    assert is_transient(caught.value) is again
    assert model.invoke("hi").text == "hello"


async def test_a_connection_is_cut_in_the_middle() -> None:
    model = ScriptedChatModel([Step(text="one two three four", fault="cut", after=3)])
    heard: list[str] = []

    async def listen() -> None:
        async for chunk in model.astream("count"):
            heard.append(chunk.text)

    with pytest.raises(ConnectionError):
        await listen()
    assert "".join(heard) == "one two three "


def test_bad_answers() -> None:
    bound = ScriptedChatModel(
        [ADD.model_copy(update={"fault": fault}) for fault in ("bad_json", "unknown_tool", "wrong_types", "empty")]
        + [Step(fault="wrong_types")]
    ).bind_tools([add])
    broken, unknown, wrong, empty, made_up = (bound.invoke("2 + 3?") for _ in range(5))
    assert broken.tool_calls == []
    assert broken.invalid_tool_calls[0]["args"] == '{"a": 2,'
    assert unknown.tool_calls[0]["name"] == "no_such_tool"
    assert wrong.tool_calls[0]["args"] == {"a": {"wrong": "type"}, "b": {"wrong": "type"}}
    assert (empty.text, empty.tool_calls) == ("", [])
    assert made_up.tool_calls[0]["name"] == "add"


def test_an_exception_and_a_wrong_step() -> None:
    with pytest.raises(KeyError):
        ScriptedChatModel([KeyError("mine")]).invoke("x")
    with pytest.raises(TypeError, match="not list"):
        ScriptedChatModel([cast("Any", ["x"])]).invoke("x")


TEAM = """
served: served.jsonl
roles:
  backend:
    - when: Round 2
      steps: [mended]
    - steps:
        - calls: [{name: write_file, args: {path: a.py, content: "x = 1"}}]
        - fault: 429
        - fault: timeout
        - {product: TurnReport, value: {summary: built}}
  debater: [mine]
  "*": [whatever]
"""


@pytest.fixture
def team(tmp_path: Path) -> Path:
    path = tmp_path / "team.yaml"
    path.write_text(TEAM)
    return path


def test_a_file_goes_by_the_transcript(team: Path) -> None:
    task: list[BaseMessage] = [HumanMessage("Build it.")]
    model = ScriptedChatModel.from_file(team, "backend")
    first = model.invoke(task)
    assert first.tool_calls[0]["name"] == "write_file"
    # The same request again, here or in another process, is the same place in the script, with the same ids.
    again = ScriptedChatModel.from_file(team, "backend").invoke(task)
    assert (again.tool_calls, again.id) == (first.tool_calls, first.id)
    for fault in (Exception, TimeoutError):
        with pytest.raises(fault):
            model.invoke([*task, first])
    assert "built" in model.invoke([*task, first]).text
    # Answers whose number is lost are counted.
    fresh = ScriptedChatModel.from_file(team, "backend")
    with pytest.raises(Exception, match="429"):
        fresh.invoke([*task, AIMessage("I wrote it")])
    with pytest.raises(ScriptEnded):
        fresh.invoke([*task, first, AIMessage("x"), HumanMessage("that is no report")])
    assert model.invoke([HumanMessage("Round 2: mend it.")]).text == "mended"


def test_roles_of_a_file(team: Path) -> None:
    models = Models(Config(folder=str(team.parent)), override="scripted:team.yaml")
    assert models.get("debater-2").invoke("?").text == "mine"
    assert models.get("review").invoke("?").text == "whatever"


def test_consumption_is_counted_over_processes(team: Path) -> None:
    code = (
        "import sys; from nexus_agents import ScriptedChatModel\n"
        "ScriptedChatModel.from_file(sys.argv[1], 'debater').invoke('?')"
    )
    subprocess.run([sys.executable, "-c", code, str(team)], check=True)
    ScriptedChatModel.from_file(team, "debater").assert_consumed()
    with pytest.raises(AssertionError, match="5 scripted steps"):
        ScriptedChatModel.from_file(team, "backend").assert_consumed()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("roles: {review: [x]}", "no steps for the role 'backend'"),
        ("[1]", "is no script"),
        ("roles: {backend: [{txt: x}]}", "step 1: txt: Extra inputs"),
        ("roles: {backend: [{when: '(', steps: [x]}]}", "no regular expression"),
        ("roles: {backend: [{wen: x, steps: [x]}]}", "there is no 'wen'"),
        ("roles: {backend: [[x]]}", "a step is a text"),
        ("roles: {", "cannot be read"),
    ],
)
def test_a_wrong_file_is_refused(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=says):
        Models(Config(), override=f"scripted:{path}").get("backend")
    with pytest.raises(ConfigError, match="cannot be read"):
        Models(Config(), override="scripted:nowhere.yaml").get("backend")
