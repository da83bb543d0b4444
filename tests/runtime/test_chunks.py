"""Chunks: who speaks, what is heard, and what is not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypedDict

from langchain.agents import create_agent
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langgraph.graph import END, START, StateGraph

from nexus_agents.core.events import TextChunk
from nexus_agents.runtime.chunks import Chunks


class Reader(BaseChatModel):
    """Reads three words, one after the other where it is asked to stream."""

    @property
    def _llm_type(self) -> str:
        return "reader"

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=AIMessage("one two three"))])

    def _stream(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> Iterator[ChatGenerationChunk]:
        run_manager = args[1] if len(args) > 1 else kwargs.get("run_manager")
        for word in ("one ", "", "two ", "three"):
            chunk = ChatGenerationChunk(message=AIMessageChunk(word))
            if run_manager:
                run_manager.on_llm_new_token(word, chunk=chunk)
            yield chunk


class State(TypedDict):
    said: str


async def heard(node: Any) -> list[TextChunk]:
    shown: list[TextChunk] = []
    graph = StateGraph(State)
    graph.add_node("reading", node)
    graph.add_edge(START, "reading")
    graph.add_edge("reading", END)
    config: Any = {"callbacks": [Chunks(shown.append, "whole")]}
    async for _ in graph.compile().astream({"said": ""}, config, stream_mode=[]):
        pass
    return shown


async def test_a_node_speaks_by_its_own_name() -> None:
    async def node(state: State) -> State:
        return {"said": (await Reader().ainvoke("read")).text}

    shown = await heard(node)
    assert [chunk.text for chunk in shown] == ["one ", "two ", "three"]
    assert {chunk.agent for chunk in shown} == {"reading"}


async def test_an_agent_speaks_by_its_name() -> None:
    agent = create_agent(Reader(), [], name="clerk")

    async def node(state: State) -> State:
        done = await agent.ainvoke({"messages": [("user", "read")]})
        return {"said": done["messages"][-1].text}

    shown = await heard(node)
    assert "".join(chunk.text for chunk in shown) == "one two three"
    assert {chunk.agent for chunk in shown} == {"clerk"}


async def test_what_is_marked_is_not_heard() -> None:
    async def node(state: State) -> State:
        return {"said": (await Reader().with_config(tags=["nostream"]).ainvoke("read")).text}

    assert await heard(node) == []


async def test_a_model_outside_of_a_graph_speaks_for_the_whole() -> None:
    shown: list[TextChunk] = []
    await Reader().ainvoke("read", {"callbacks": [Chunks(shown.append, "whole")]})
    assert {chunk.agent for chunk in shown} == {"whole"}


async def test_a_model_that_fails_is_forgotten() -> None:
    class Broken(Reader):
        def _stream(self, *args: Any, **kwargs: Any) -> Iterator[ChatGenerationChunk]:
            raise ConnectionError("gone")
            yield

    chunks = Chunks(lambda chunk: None, "whole")
    for model in (Broken(), Reader()):
        try:
            await model.ainvoke("read", {"callbacks": [chunks]})
        except ConnectionError:
            continue
    assert not chunks._speakers
