from __future__ import annotations

import asyncio
import operator
import random
from collections.abc import Callable
from typing import Annotated, Any, cast

import pytest
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from typing_extensions import TypedDict

from memory import SqlMemory, open_memory
from memory.checkpoints import SqliteCheckpointer, serializer
from nexus_agents.core.errors import ConfigError, StorageFull
from nexus_agents.core.events import Message
from nexus_agents.core.runs import Run
from nexus_agents.core.work import Plan

CONFIG: RunnableConfig = {"configurable": {"thread_id": "t-1", "checkpoint_ns": ""}}


class State(TypedDict, total=False):
    done: Annotated[list[str], operator.add]
    messages: Annotated[list[AnyMessage], operator.add]
    plan: Plan
    anything: dict[str, Any]


class Crash(Exception):
    pass


def graph(memory: SqlMemory, log: list[str], *, crash: bool = False) -> CompiledStateGraph[State, None]:
    async def think(state: State) -> State:
        log.append("think")
        plan = Plan(title="T", summary="S")
        return {
            "done": ["think"],
            "messages": [HumanMessage("hi"), AIMessage("hello")],
            "plan": plan,
            "anything": {"plan": plan},
        }

    async def build(state: State) -> State:
        log.append("build")
        if crash:
            raise Crash
        return {"done": ["build"]}

    builder = StateGraph(State)
    builder.add_node("think", think)
    builder.add_node("build", build)
    builder.add_edge(START, "think")
    builder.add_edge("think", "build")
    builder.add_edge("build", END)
    return builder.compile(checkpointer=memory.checkpointer)


async def test_a_graph_goes_on_where_it_broke(url: str) -> None:
    log: list[str] = []
    async with open_memory(url) as memory:
        with pytest.raises(Crash):
            await graph(memory, log, crash=True).ainvoke({"done": []}, CONFIG, durability="sync")
    async with open_memory(url) as memory:
        result = cast("State", await graph(memory, log).ainvoke(None, CONFIG, durability="sync"))
    assert log == ["think", "build", "build"]
    assert result.get("done") == ["think", "build"]
    assert result.get("plan") == Plan(title="T", summary="S")
    assert result.get("anything") == {"plan": Plan(title="T", summary="S")}, "also where no schema names it"
    assert [message.text for message in result.get("messages", [])] == ["hi", "hello"]


async def test_the_connection_is_set_as_it_must_be(url: str) -> None:
    async with open_memory(url) as memory:
        saver = checkpointer(memory)
        for pragma, value in {"journal_mode": "wal", "synchronous": 1, "busy_timeout": 30_000}.items():
            rows = await saver.conn.execute_fetchall(f"PRAGMA {pragma}")
            assert [tuple(row) for row in rows] == [(value,)]


async def test_history_and_deletion(url: str) -> None:
    async with open_memory(url) as memory:
        compiled = graph(memory, [])
        await compiled.ainvoke({"done": []}, CONFIG, durability="sync")
        states = [state async for state in compiled.aget_state_history(CONFIG)]
        assert [state.next for state in states] == [(), ("build",), ("think",), ("__start__",)]
        await checkpointer(memory).adelete_thread("t-1")
        assert [item async for item in memory.checkpointer.alist(CONFIG)] == []


class Evil:
    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return (print, ("never",))


def test_a_checkpoint_imports_and_runs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    import ormsgpack
    from langgraph.checkpoint.serde.jsonplus import EXT_CONSTRUCTOR_SINGLE_ARG

    payload = ormsgpack.packb(("os", "getenv", "HOME"))
    data = ormsgpack.packb({"x": ormsgpack.Ext(EXT_CONSTRUCTOR_SINGLE_ARG, payload)})
    assert serializer().loads_typed(("msgpack", data)) == {"x": "HOME"}
    assert "Blocked" in caplog.text
    with pytest.raises(TypeError):
        serializer().dumps_typed(Evil())


async def test_a_full_disk_stops_the_graph_and_frees_the_lock(
    url: str, make_run: Callable[..., Run], say: Callable[[str], Message]
) -> None:
    log: list[str] = []
    async with open_memory(url) as memory:
        await memory.runs.create(make_run())
        await graph(memory, log).ainvoke({"done": []}, CONFIG, durability="sync")
        saver = checkpointer(memory)
        ((pages,),) = await saver.conn.execute_fetchall("PRAGMA page_count")
        await saver.conn.execute_fetchall(f"PRAGMA max_page_count = {pages + 2}")
        big: State = {"done": ["x" * 100_000]}
        with pytest.raises(StorageFull, match="full"):
            await graph(memory, log).ainvoke(big, CONFIG, durability="sync")
        async with asyncio.timeout(5):
            await memory.events.append("run-1", say("the lock is free"))
        state = await graph(memory, log).aget_state(CONFIG)
        assert state.values["done"] == ["think", "build"]


async def test_cancelled_steps_leave_the_lock_free_and_are_kept(
    url: str, make_run: Callable[..., Run], say: Callable[[str], Message]
) -> None:
    dice = random.Random(11)
    async with open_memory(url) as memory:
        await memory.runs.create(make_run())

        async def put() -> str:
            checkpoint = empty_checkpoint()
            await memory.checkpointer.aput(CONFIG, checkpoint, {}, {})
            await memory.checkpointer.aput_writes(
                {"configurable": {**CONFIG["configurable"], "checkpoint_id": checkpoint["id"]}},
                [("a", 1), ("b", 2)],
                "task",
            )
            return checkpoint["id"]

        tasks = [asyncio.create_task(put()) for _ in range(60)]
        for task in tasks:
            await asyncio.sleep(dice.random() * 0.002)
            task.cancel()
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        async with asyncio.timeout(5):
            await memory.events.append("run-1", say("the lock is free"))
            await put()
        found = {item.checkpoint["id"]: item async for item in memory.checkpointer.alist(CONFIG)}
        assert {answer for answer in answers if isinstance(answer, str)} <= found.keys()
        assert all(len(item.pending_writes or []) in (0, 2) for item in found.values())


async def test_a_damaged_file_is_reported(url: str) -> None:
    async with open_memory(url) as memory:
        path = memory.path
        await graph(memory, []).ainvoke({"done": []}, CONFIG, durability="sync")
    whole = bytearray(path.read_bytes())
    whole[8192:] = b"\xff" * (len(whole) - 8192)
    path.write_bytes(whole)
    with pytest.raises(ConfigError, match="damaged"):
        async with open_memory(url) as memory:
            await graph(memory, []).aget_state(CONFIG)


def checkpointer(memory: SqlMemory) -> SqliteCheckpointer:
    assert isinstance(memory.checkpointer, SqliteCheckpointer)
    return memory.checkpointer
