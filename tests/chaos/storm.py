"""A run with everything that a crash can cut, and an independent record of what really happened.

The graph of a run: a node that thinks, three tool calls side by side, a graph inside a tool, a call that waits for a
person, a file that is written, a long call that goes on where it was, and an agent whose scripted model calls tools in
parallel. What happened is written by the nodes and tools themselves, one line in one write, past the memory.
"""

from __future__ import annotations

import asyncio
import json
import operator
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, TypedDict

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolCall
from langchain_core.outputs import ChatGeneration, ChatResult
from langgraph.config import get_config
from langgraph.graph import END, START, StateGraph
from langgraph.types import Send
from pydantic import BaseModel

from nexus_agents.core.config import AgentConfig, Config, ModelConfig
from nexus_agents.core.ports import Kit
from nexus_agents.core.runs import Outcome
from nexus_agents.core.tool import Job, tool
from nexus_agents.runtime.approvals import ToolDenied

BELLS = ("first", "second", "third")
PIECES = 5
"""Steps of the call that goes on where it was."""


class Said(BaseModel):
    """What a tool answers."""

    summary: str


def note(**what: Any) -> None:
    """Write down what happens, in one write: a killed process leaves a whole line or none."""
    descriptor = os.open(os.environ["STORM_LOG"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(descriptor, json.dumps(what).encode() + b"\n")
    os.close(descriptor)


def noted(log: Path) -> list[dict[str, Any]]:
    """Return what was written down."""
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


@tool(risk="write", resumable=False)
async def ring(job: Job, bell: str) -> Said:
    """Ring a bell, which cannot be taken back.

    Args:
        job: The call.
        bell: Which.
    """
    note(effect=f"ring {bell}", call=job.call_id)
    return Said(summary=f"{bell} rang")


@tool(risk="spend", resumable=False)
async def pay(job: Job, amount: int) -> Said:
    """Pay, which asks first and cannot be taken back.

    Args:
        job: The call.
        amount: How much.
    """
    note(effect=f"pay {amount}", call=job.call_id)
    return Said(summary=f"paid {amount}")


@tool(risk="write")
async def scribe(job: Job, text: str) -> Said:
    """Write a file: twice the same leaves what once leaves.

    Args:
        job: The call.
        text: What is written.
    """
    target = job.workspace / "scroll.txt"
    half = target.with_suffix(".half")
    half.write_text(text * 1000)
    await asyncio.sleep(0)
    half.replace(target)
    note(wrote=target.name, call=job.call_id)
    return Said(summary="written")


@tool(risk="write")
async def dig(job: Job) -> Said:
    """Do a long work piece by piece, each piece once.

    Args:
        job: The call.
    """
    for piece in range(PIECES):
        # Made by one call of the system, or not at all: that is how such a tool knows where it was.
        with suppress(FileExistsError):
            os.close(os.open(job.folder / f"piece-{piece}", os.O_CREAT | os.O_EXCL))
            note(dug=piece, call=job.call_id)
        await asyncio.sleep(0)
    return Said(summary=f"{PIECES} pieces")


@tool(risk="write")
async def descend(job: Job) -> Said:
    """Work a graph of its own.

    Args:
        job: The call.
    """
    result = await job.graphs.run("cave", {"request": "go down"})
    return Said(summary=result["summary"])


class Script(BaseChatModel):
    """Calls two bells at once, then a file, and then says that it is done."""

    @property
    def _llm_type(self) -> str:
        return "storm"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        """Need no tools."""
        return self

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        last = max(place for place, message in enumerate(messages) if isinstance(message, HumanMessage))
        turn = sum(isinstance(message, AIMessage) for message in messages[last + 1 :])
        # The same ids in each turn, as some servers number them.
        rounds = ([("ring", {"bell": "fourth"}), ("ring", {"bell": "fifth"})], [("ring", {"bell": "sixth"})])
        if turn < len(rounds):
            calls = [ToolCall(name=name, args=args, id=f"call_{at}") for at, (name, args) in enumerate(rounds[turn])]
            return ChatResult(generations=[ChatGeneration(message=AIMessage("", tool_calls=calls))])
        return ChatResult(generations=[ChatGeneration(message=AIMessage("All bells have rung."))])


def create(model: str, settings: ModelConfig, role: str) -> BaseChatModel:
    """Make the model, as a provider in agents.yaml does."""
    return Script()


class State(TypedDict, total=False):
    """What the storm knows."""

    request: str
    heard: Annotated[list[str], operator.add]
    bell: str
    result: dict[str, Any]


def watched(
    name: str, act: Callable[[State], Awaitable[dict[str, Any]]]
) -> Callable[[State], Awaitable[dict[str, Any]]]:
    """Write down when a node begins, under the id of its task."""

    async def node(state: State) -> dict[str, Any]:
        note(begins=task_id(), node=name)
        return await act(state)

    return node


def task_id() -> str:
    """Return the id of the task that runs here."""
    return str(get_config()["configurable"]["checkpoint_ns"]).rsplit(":", 1)[-1]


def build_cave(kit: Kit) -> StateGraph[State]:
    """Return the graph that a tool works: two nodes, one of which rings."""

    async def enter(state: State) -> dict[str, Any]:
        return {"heard": ["echo"]}

    async def shout(state: State) -> dict[str, Any]:
        answer = await called(kit, "ring", {"bell": "cave"}, call_id=f"{kit.graphs.place()}shout")
        return {"heard": [answer], "result": Outcome(summary="was below").model_dump(mode="json")}

    graph = StateGraph(State)
    graph.add_node("enter", watched("cave.enter", enter))
    graph.add_node("shout", watched("cave.shout", shout))
    graph.add_edge(START, "enter")
    graph.add_edge("enter", "shout")
    graph.add_edge("shout", END)
    return graph


def build(kit: Kit) -> StateGraph[State]:
    """Return the graph of the run."""

    async def think(state: State) -> dict[str, Any]:
        return {"heard": ["thunder"]}

    def spread(state: State) -> list[Send]:
        return [Send("toll", {"bell": bell}) for bell in BELLS]

    async def toll(state: State) -> dict[str, Any]:
        bell = state.get("bell", "")
        return {"heard": [await called(kit, "ring", {"bell": bell}, call_id=f"toll-{bell}")]}

    def one(name: str, arguments: dict[str, Any]) -> Callable[[State], Awaitable[dict[str, Any]]]:
        async def call(state: State) -> dict[str, Any]:
            return {"heard": [await called(kit, name, arguments, call_id=f"one-{name}")]}

        return call

    async def talk(state: State) -> dict[str, Any]:
        from nexus_agents import AssistantAgent

        said = await AssistantAgent().converse(kit, [HumanMessage("ring them", id="ring-them")])
        return {"heard": [said[-1].text]}

    async def finish(state: State) -> dict[str, Any]:
        heard = state.get("heard", [])
        return {"result": Outcome(summary=f"{len(heard)} sounds", data={"heard": heard}).model_dump(mode="json")}

    graph = StateGraph(State)
    graph.add_node("think", watched("think", think))
    graph.add_node("toll", watched("toll", toll))
    calls: list[tuple[str, str, dict[str, Any]]] = [
        ("cave", "descend", {}),
        ("pay", "pay", {"amount": 7}),
        ("scribe", "scribe", {"text": "storm"}),
        ("dig", "dig", {}),
    ]
    for node, name, arguments in calls:
        graph.add_node(node, watched(node, one(name, arguments)))
    graph.add_node("talk", watched("talk", talk))
    graph.add_node("finish", watched("finish", finish))
    graph.add_edge(START, "think")
    graph.add_conditional_edges("think", spread, ["toll"])
    order = ["toll", "cave", "pay", "scribe", "dig", "talk", "finish", END]
    for before, after in pairwise(order):
        graph.add_edge(before, after)
    return graph


async def called(kit: Kit, name: str, arguments: dict[str, Any], *, call_id: str) -> str:
    """Call a tool; where a person said that a cut call took effect, there is no more to say of it."""
    try:
        result = await kit.tools.call(name, arguments, call_id=call_id, agent="storm")
    except ToolDenied as error:
        return error.message
    return str(getattr(result, "summary", ""))


EFFECTS = {f"ring {bell}" for bell in (*BELLS, "cave", "fourth", "fifth", "sixth")}
EFFECTS |= {"pay 7"}
"""What a whole run does that cannot be taken back, each of it once."""

HEARD = 9
"""Sounds in the state of a run that is done."""


def config() -> Config:
    """Return settings in which the tools, the graphs and the model of this file are known."""
    tools = {name: f"storm:{name}" for name in ("ring", "pay", "scribe", "dig", "descend")}
    return Config(
        default_model="storm:plain",
        providers={"storm": "storm:create"},
        tools=tools,
        agents={"assistant": AgentConfig(tools=["ring"])},
        more_graphs={"cave": "storm:build_cave", "storm": "storm:build"},
    )
