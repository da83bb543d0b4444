"""Channels that store only what was written to them: rebuilt after forks, copies and pruning."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.channels.delta import DeltaChannel
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Overwrite, Send
from typing_extensions import TypedDict

from memory.checkpoints import SqlCheckpointer
from memory.codec import serializer
from memory.database import Database

CONFIG: RunnableConfig = {"configurable": {"thread_id": "t-1", "checkpoint_ns": ""}}
OTHER: RunnableConfig = {"configurable": {"thread_id": "t-2", "checkpoint_ns": ""}}


def joined(state: list[str], writes: Sequence[list[str]]) -> list[str]:
    return [*state, *(item for write in writes for item in write)]


class State(TypedDict, total=False):
    often: Annotated[list[str], DeltaChannel(joined, snapshot_frequency=3)]
    seldom: Annotated[list[str], DeltaChannel(joined, snapshot_frequency=1000)]
    count: int


def loop(saver: BaseCheckpointSaver[str], *, until: int = 10) -> Any:
    def tick(state: State) -> State:
        number = state.get("count", 0)
        more: State = {"often": [f"o{number}" + "x" * 300]} if number % 4 else {}
        return {"count": number + 1, "seldom": [f"s{number}"], **more}

    builder = StateGraph(State)
    builder.add_node("tick", tick)
    builder.add_edge(START, "tick")
    builder.add_conditional_edges("tick", lambda state: END if state["count"] >= until else "tick", ["tick", END])
    return builder.compile(checkpointer=saver)


async def values(database: Database, config: RunnableConfig = CONFIG) -> dict[str, Any]:
    """What a saver that remembers nothing reads, by its sync and by its async methods."""
    graph = loop(SqlCheckpointer(database))
    found = (await graph.aget_state(config)).values
    assert found == (await asyncio.to_thread(graph.get_state, config)).values
    return found


async def test_each_state_is_that_of_the_saver_in_memory(saver: SqlCheckpointer, database: Database) -> None:
    expected = InMemorySaver(serde=serializer())
    for each in (saver, expected):
        await loop(each).ainvoke({"count": 0, "seldom": ["start"]}, CONFIG, durability="sync")
        await loop(each, until=14).ainvoke({"often": ["again"]}, CONFIG, durability="sync")
        await loop(each).aupdate_state(CONFIG, {"seldom": Overwrite(["anew"])}, as_node="tick")
        await loop(each).aupdate_state(CONFIG, {"seldom": ["more"]}, as_node="tick")
    found = [state.values async for state in loop(SqlCheckpointer(database)).aget_state_history(CONFIG)]
    assert found == [state.values async for state in loop(expected).aget_state_history(CONFIG)]
    assert found[0]["seldom"] == ["anew", "more"]
    assert len(found[2]["seldom"]) == 15


async def test_both_branches_of_a_fork_are_rebuilt(saver: SqlCheckpointer, database: Database) -> None:
    graph = loop(saver)
    await graph.ainvoke({"count": 0}, CONFIG, durability="sync")
    states = [state async for state in graph.aget_state_history(CONFIG)]
    middle = next(state for state in states if state.values.get("count") == 5)
    branch = await graph.aupdate_state(middle.config, {"seldom": ["fork"], "often": ["fork"]}, as_node="tick")
    branch = await graph.aupdate_state(branch, {"seldom": ["fork 2"]}, as_node="tick")
    assert (await values(database, branch))["seldom"] == [*(f"s{number}" for number in range(5)), "fork", "fork 2"]
    assert [text[:4].strip("x") for text in (await values(database, branch))["often"]] == ["o1", "o2", "o3", "fork"]
    assert (await values(database, states[0].config))["seldom"] == [f"s{number}" for number in range(10)]


@pytest.mark.parametrize("steps", [1, 2, 3, 5, 10])
async def test_pruning_keeps_what_the_newest_state_is_rebuilt_from(
    saver: SqlCheckpointer, database: Database, steps: int
) -> None:
    await loop(saver, until=steps).ainvoke({"count": 0, "often": ["first"]}, CONFIG, durability="sync")
    before = await values(database)
    await saver.aprune(["t-1"])
    assert await values(database) == before
    await loop(saver, until=steps + 5).ainvoke({"often": ["on"]}, CONFIG, durability="sync")
    found = await values(database)
    assert found["seldom"] == [f"s{number}" for number in range(steps + 5)]
    assert len(found["often"]) == len(before["often"]) + 1 + sum(number % 4 > 0 for number in range(steps, steps + 5))
    await saver.aprune(["t-1"])
    assert await values(database) == found


async def test_pruning_drops_what_nothing_is_rebuilt_from(saver: SqlCheckpointer, database: Database) -> None:
    class Snapshots(TypedDict, total=False):
        often: Annotated[list[str], DeltaChannel(joined, snapshot_frequency=3)]

    builder = StateGraph(Snapshots)
    builder.add_node("say", lambda state: {"often": ["x"]})
    builder.add_edge(START, "say")
    graph = builder.compile(checkpointer=saver)
    for _ in range(12):
        await graph.ainvoke({"often": ["y"]}, CONFIG, durability="sync")
    assert len([item async for item in saver.alist(CONFIG)]) == 36
    await saver.aprune(["t-1"])
    assert len([item async for item in saver.alist(CONFIG)]) <= 6
    assert (await graph.aget_state(CONFIG)).values == {"often": ["y", "x"] * 12}


async def test_a_copied_thread_is_rebuilt_by_itself(saver: SqlCheckpointer, database: Database) -> None:
    await loop(saver).ainvoke({"count": 0, "often": ["first"]}, CONFIG, durability="sync")
    before = await values(database)
    await saver.acopy_thread("t-1", "t-2")
    assert await values(database, OTHER) == before
    await loop(saver, until=12).ainvoke({"often": ["ours"]}, CONFIG, durability="sync")
    await saver.adelete_thread("t-1")
    assert await values(database, OTHER) == before
    await loop(saver, until=12).ainvoke({"often": ["theirs"]}, OTHER, durability="sync")
    assert (await values(database, OTHER))["often"][-3:] == ["theirs", "o10" + "x" * 300, "o11" + "x" * 300]
    assert await values(database) == {}


async def test_parallel_writes_are_replayed_in_the_order_in_which_they_were_applied(
    saver: SqlCheckpointer, database: Database
) -> None:
    class Fan(TypedDict, total=False):
        said: Annotated[list[str], DeltaChannel(joined)]

    async def say(given: dict[str, int]) -> Fan:
        await asyncio.sleep(0.01 * (12 - given["number"]) / 12)  # the last one is ready first
        return {"said": [str(given["number"])]}

    builder = StateGraph(Fan)
    builder.add_node("say", say)
    builder.add_node("end", lambda state: {"said": ["end"]})
    builder.add_conditional_edges(START, lambda _: [Send("say", {"number": number}) for number in range(12)], ["say"])
    builder.add_edge("say", "end")
    result = await builder.compile(checkpointer=saver).ainvoke({"said": ["start"]}, CONFIG, durability="sync")
    found = await builder.compile(checkpointer=SqlCheckpointer(database)).aget_state(CONFIG)
    assert found.values == result
    assert sorted(result["said"]) == sorted(["start", *(str(number) for number in range(12)), "end"])
