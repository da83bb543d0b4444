"""How a typed product is asked for: by the server's own form where that is safe, else by a tool call."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from langgraph.graph import END, START, StateGraph
from pydantic import BaseModel
from typing_extensions import TypedDict

from nexus_agents import ScriptedChatModel, Settings, open_runtime
from nexus_agents.agents.ask import ask
from nexus_agents.core.config import Config, ModelConfig

sys.modules["forms"] = sys.modules[__name__]
ASKED: list[ScriptedChatModel] = []


class Capital(BaseModel):
    """A capital."""

    city: str


class State(TypedDict, total=False):
    """The outcome."""

    result: dict[str, Any]


def create(model: str, settings: ModelConfig, role: str) -> ScriptedChatModel:
    """A provider whose model is the one that the test has made."""
    return ASKED[-1]


@pytest.mark.parametrize(
    ("able", "others", "tools", "native"),
    [
        (True, [], (), True),
        (False, [], (), False),
        (True, ["other:y"], (), False),
        (True, [], ("list_voices",), False),
    ],
    ids=["it holds a form", "it does not", "another may stand in", "beside tools"],
)
async def test_the_server_holds_the_form_where_it_can(
    own_home: Path, able: bool, others: list[str], tools: tuple[str, ...], native: bool
) -> None:
    own_home.mkdir()

    def graph(kit: Any) -> Any:
        async def node(state: State) -> State:
            said = await ask(kit, "Which?", Capital, agent="oracle", system="Say it.", tools=tools)
            return {"result": {"status": "done", "summary": said.city}}

        made = StateGraph(State)
        made.add_node("ask", node)
        made.add_edge(START, "ask")
        made.add_edge("ask", END)
        return made

    config = Config(
        default_model="mine",
        models={"mine": ModelConfig(model="here:x", fallbacks=others)},
        providers={"here": "forms:create", "other": "forms:create"},
    )
    with ScriptedChatModel([Capital(city="Paris")], profile={"structured_output": able}) as model:
        ASKED.append(model)
        async with open_runtime(Settings(own_home, config), builders={"capital": graph}) as runtime:
            run = await runtime.start("Which?", graph="capital")
            events = [event async for event in runtime.stream(run.id)]
    assert (events[-1].status, events[-1].summary) == ("done", "Paris"), events[-1]
    (asked,) = model.requests
    assert ("response_format" in asked.options) is native
    assert ("Capital" in [tool["function"]["name"] for tool in asked.tools]) is not native
