"""What graphs rely on: nothing finished is lost or done again, and every state of the past comes back as it was."""

from __future__ import annotations

import asyncio
import operator
import os
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, cast
from uuid import UUID

import pytest
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, RemoveMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver, empty_checkpoint
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.types import Command, Send, StateSnapshot, interrupt
from typing_extensions import TypedDict

from memory import open_memory
from memory.checkpoints import SqlCheckpointer
from memory.codec import serializer
from memory.database import Database, Transaction
from nexus_agents.core.errors import ConfigError, StorageFull
from nexus_agents.core.events import Message
from nexus_agents.core.runs import Run
from nexus_agents.core.work import Answer, Entity, FieldSpec, Plan, Step

CONFIG: RunnableConfig = {"configurable": {"thread_id": "t-1", "checkpoint_ns": ""}}

Graph = Any
Go = Callable[..., Awaitable[Any]]


@pytest.fixture(params=["async", "sync"])
def go(request: pytest.FixtureRequest) -> Go:
    """Run a graph, by its async or by its sync methods."""

    async def run(graph: Graph, given: Any, config: RunnableConfig = CONFIG) -> Any:
        if request.param == "async":
            return await graph.ainvoke(given, config, durability="sync")
        return await asyncio.to_thread(graph.invoke, given, config, durability="sync")

    return run


class Crash(Exception):
    pass


class State(TypedDict, total=False):
    done: Annotated[list[str], operator.add]
    messages: Annotated[list[AnyMessage], add_messages]
    plan: Plan
    anything: Any


def two_nodes(saver: BaseCheckpointSaver[str], log: list[str], *, crash: bool = False) -> Graph:
    def think(state: State) -> State:
        log.append("think")
        plan = Plan(title="T", summary="S")
        said: list[AnyMessage] = [HumanMessage("hi", id="m-1"), AIMessage("hello", id="m-2")]
        return {"done": ["think"], "messages": said, "plan": plan, "anything": {"plan": plan}}

    def build(state: State) -> State:
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
    return builder.compile(checkpointer=saver)


def talk(saver: BaseCheckpointSaver[str], change: Callable[[State], State] = lambda state: {}) -> Graph:
    """A graph of one node that changes the state; people may change it too."""
    builder = StateGraph(State)
    builder.add_node("change", change)
    builder.add_edge(START, "change")
    builder.add_edge("change", END)
    return builder.compile(checkpointer=saver)


def told(snapshot: StateSnapshot) -> tuple[object, ...]:
    """All of a state that does not depend on when and where it was saved."""
    tasks = [(task.name, task.path, bool(task.error), [i.value for i in task.interrupts]) for task in snapshot.tasks]
    metadata = snapshot.metadata or {}
    return snapshot.values, snapshot.next, tasks, metadata.get("step"), metadata.get("source")


async def history(graph: Graph) -> list[tuple[object, ...]]:
    states = [told(state) async for state in graph.aget_state_history(CONFIG)]
    assert states == [told(state) for state in await asyncio.to_thread(lambda: list(graph.get_state_history(CONFIG)))]
    return states


# -- going on -----------------------------------------------------------------------------------------


async def test_a_graph_goes_on_where_it_broke(url: str, go: Go) -> None:
    log: list[str] = []
    async with open_memory(url) as memory:
        with pytest.raises(Crash):
            await go(two_nodes(memory.checkpointer, log, crash=True), {"done": []})
    async with open_memory(url) as memory:
        result = cast("State", await go(two_nodes(memory.checkpointer, log), None))
    assert log == ["think", "build", "build"]
    assert result.get("done") == ["think", "build"]
    assert result.get("plan") == Plan(title="T", summary="S")
    assert result.get("anything") == {"plan": Plan(title="T", summary="S")}, "also where no schema names it"
    assert [message.text for message in result.get("messages", [])] == ["hi", "hello"]


async def test_the_history_is_that_of_the_saver_in_memory(saver: SqlCheckpointer, go: Go) -> None:
    expected = InMemorySaver(serde=serializer())
    for each in (saver, expected):
        with pytest.raises(Crash):
            await go(two_nodes(each, [], crash=True), {"done": ["start"]})
        await go(two_nodes(each, []), None)
        await go(two_nodes(each, []), {"done": ["again"]})
    found = await history(two_nodes(saver, []))
    assert found == await history(two_nodes(expected, []))
    assert [row[1] for row in found[:4]] == [(), ("build",), ("think",), ("__start__",)]
    await saver.adelete_thread("t-1")
    assert [item async for item in saver.alist(CONFIG)] == []


class Fan(TypedDict, total=False):
    numbers: list[int]
    squares: Annotated[list[int], operator.add]


def fan(saver: BaseCheckpointSaver[str], log: list[int], broken: int | None) -> Graph:
    async def square(given: dict[str, int]) -> Fan:
        number = given["number"]
        log.append(number)
        if number == broken:
            await asyncio.sleep(0.05)  # the siblings are done by then
            raise Crash
        return {"squares": [number**2]}

    builder = StateGraph(Fan)
    builder.add_node("square", square)
    builder.add_conditional_edges(
        START, lambda state: [Send("square", {"number": number}) for number in state["numbers"]], ["square"]
    )
    builder.add_edge("square", END)
    return builder.compile(checkpointer=saver)


async def test_parallel_tasks_that_finished_stay_finished(url: str) -> None:
    log: list[int] = []
    async with open_memory(url) as memory:
        with pytest.raises(Crash):
            await fan(memory.checkpointer, log, 2).ainvoke({"numbers": [0, 1, 2, 3, 4]}, CONFIG, durability="sync")
    async with open_memory(url) as memory:
        assert sorted(log) == [0, 1, 2, 3, 4]
        result = await fan(memory.checkpointer, log, None).ainvoke(None, CONFIG, durability="sync")
        assert sorted(log) == [0, 1, 2, 2, 3, 4]
        assert result["squares"] == [0, 1, 4, 9, 16]


def asking(saver: BaseCheckpointSaver[str], log: list[str]) -> Graph:
    """A graph whose sub-graph asks twice, and a node beside it that does not."""

    def before(state: State) -> State:
        log.append("before")
        return {"done": ["before"]}

    def ask(state: State) -> State:
        first = interrupt({"question": "first?"})
        second = interrupt("second?")
        log.append("answered")
        return {"done": [f"{first} {second}"]}

    def beside(state: State) -> State:
        log.append("beside")
        return {"messages": [AIMessage("beside", id="b")]}

    inner = StateGraph(State)
    inner.add_node("before", before)
    inner.add_node("ask", ask)
    inner.add_edge(START, "before")
    inner.add_edge("before", "ask")
    builder = StateGraph(State)
    builder.add_node("inner", inner.compile())
    builder.add_node("beside", beside)
    builder.add_edge(START, "inner")
    builder.add_edge(START, "beside")
    return builder.compile(checkpointer=saver)


async def test_a_sub_graph_waits_for_answers_over_restarts(url: str, go: Go) -> None:
    log: list[str] = []
    async with open_memory(url) as memory:
        result = await go(asking(memory.checkpointer, log), {"done": ["start"]})
        assert [question.value for question in result["__interrupt__"]] == [{"question": "first?"}]
    async with open_memory(url) as memory:
        result = await go(asking(memory.checkpointer, log), Command(resume="one"))
        assert [question.value for question in result["__interrupt__"]] == ["second?"]
    async with open_memory(url) as memory:
        graph = asking(memory.checkpointer, log)
        inside = (await graph.aget_state(CONFIG, subgraphs=True)).tasks[0].state
        assert inside.values["done"] == ["start", "before"]
        assert inside.next == ("ask",)
        result = await go(graph, Command(resume="two"))
        assert result["done"] == ["start", "start", "before", "one two"]
        assert log.count("before") == log.count("beside") == log.count("answered") == 1


async def test_the_history_of_questions_is_that_of_the_saver_in_memory(saver: SqlCheckpointer, go: Go) -> None:
    expected = InMemorySaver(serde=serializer())
    for each in (saver, expected):
        await go(asking(each, []), {"done": ["start"]})
        await go(asking(each, []), Command(resume="one"))
        await go(asking(each, []), Command(resume="two"))
    assert await history(asking(saver, [])) == await history(asking(expected, []))


# -- forks and changes --------------------------------------------------------------------------------


async def test_both_branches_of_a_fork_grow(saver: SqlCheckpointer, database: Database) -> None:
    graph = talk(saver)
    for number in range(30):
        said = AIMessage(f"{number} " + "x" * 200, id=f"m{number}")
        await graph.aupdate_state(CONFIG, {"messages": [said]}, as_node="change")
    states = [state async for state in graph.aget_state_history(CONFIG)]
    middle = next(state for state in states if len(state.values["messages"]) == 20)
    other: Any = middle.config
    for number in range(5):
        other = await graph.aupdate_state(other, {"messages": [AIMessage(f"fork {number}")]}, as_node="change")
    main: Any = states[0].config
    for number in range(30, 35):
        main = await graph.aupdate_state(main, {"messages": [AIMessage(f"{number}")]}, as_node="change")

    async def texts(config: RunnableConfig) -> list[str]:
        state = await talk(SqlCheckpointer(database)).aget_state(config)
        return [message.text.split(" x")[0] for message in state.values["messages"]]

    assert await texts(main) == [str(number) for number in range(35)]
    assert await texts(other) == [*(str(number) for number in range(20)), *(f"fork {number}" for number in range(5))]
    assert await texts(middle.config) == [str(number) for number in range(20)]
    shared = "SELECT list_id FROM channel_values UNION SELECT base_id FROM lists"
    ((items,),) = asked(database, f"SELECT count(*) FROM list_items WHERE list_id IN ({shared})")
    assert items <= 50, "what both have is there once, but for what was said since a state that was looked at last"


async def test_messages_are_replaced_and_removed_in_the_middle(saver: SqlCheckpointer, database: Database) -> None:
    graph, long = talk(saver), "long " * 50

    async def change(*messages: AnyMessage) -> list[str]:
        await graph.aupdate_state(CONFIG, {"messages": list(messages)}, as_node="change")
        state = await talk(SqlCheckpointer(database)).aget_state(CONFIG)
        assert state.values == (await graph.aget_state(CONFIG)).values
        return [message.text.replace(long, "") for message in state.values["messages"]]

    await change(*(HumanMessage(f"{number}{long}", id=f"m{number}") for number in range(12)))
    before = [str(number) for number in range(12)]
    assert await change(HumanMessage(f"new{long}", id="m9")) == [*before[:9], "new", *before[10:]]
    assert await change(cast("AnyMessage", RemoveMessage(id="m3"))) == [*before[:3], *before[4:9], "new", *before[10:]]
    assert (await change(AIMessage("last", id="z")))[-1] == "last"
    assert await change(cast("AnyMessage", RemoveMessage(id="__remove_all__")), AIMessage("alone")) == ["alone"]
    lengths = [len(state.values["messages"]) async for state in graph.aget_state_history(CONFIG)]
    assert lengths == [1, 12, 11, 12, 12]


async def test_what_a_node_changes_in_place_is_kept(saver: SqlCheckpointer, database: Database, go: Go) -> None:
    def start(state: State) -> State:
        entries = [{"number": number, "text": "x" * 200, "seen": []} for number in range(10)]
        return {"anything": entries, "messages": [AIMessage("a" * 300, id=str(number)) for number in range(20)]}

    def change(state: State) -> State:
        entries = state["anything"]
        entries[4]["seen"].append("here")
        said = state["messages"]
        said[-1].content = "changed"
        said[7].content = "also changed"
        return {"anything": entries, "messages": [AIMessage("more", id="more")]}

    builder = StateGraph(State)
    builder.add_node("start", start)
    builder.add_node("change", change)
    builder.add_edge(START, "start")
    builder.add_edge("start", "change")
    graph = builder.compile(checkpointer=saver)
    await go(graph, {})
    states = [
        state async for state in builder.compile(checkpointer=SqlCheckpointer(database)).aget_state_history(CONFIG)
    ]
    after, before = states[0].values, states[1].values
    assert [entry["seen"] for entry in after["anything"]] == [["here"] if number == 4 else [] for number in range(10)]
    assert all(entry["seen"] == [] for entry in before["anything"])
    assert [message.text for message in after["messages"]][7::12] == ["also changed", "changed"]
    assert {message.text for message in before["messages"]} == {"a" * 300}


# -- values -------------------------------------------------------------------------------------------

ODD: list[Any] = [
    b"\x00\xff",
    bytearray(b"ab"),
    {1, 2},
    frozenset({"a"}),
    {1: "a", None: "b", (1, 2): "c"},
    datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
    timedelta(days=1, microseconds=3),
    Path("/a/b"),
    UUID(int=5),
    Decimal("1.10"),
    float("inf"),
    2**63,
    -(2**63),
    "\x00 🎙 \ud7ff",
    None,
    [],
    {},
    [[[]]],
    Plan(title="T", summary="S", entities=[Entity(name="a", plural="as", fields=[FieldSpec(name="n")])]),
    Answer(answer="91", method="m", steps=[Step(claim="c", check="7 * 13 == 91")]),
    {"deep": [{"plan": Plan(title="T", summary="S"), "said": [AIMessage("x", id="1")]}]},
    AIMessage("calls", id="2", tool_calls=[{"name": "t", "args": {"a": [1]}, "id": "c"}]),
    ToolMessage("done", tool_call_id="c", artifact={"b": b"\x00"}, status="error"),
    HumanMessage([{"type": "text", "text": "x"}, {"type": "image", "base64": "AAAA", "mime_type": "image/png"}]),
]


@pytest.mark.parametrize("where", ["alone", "in a list", "in a long list"])
async def test_odd_values_come_back_as_from_the_saver_in_memory(
    saver: SqlCheckpointer, database: Database, where: str
) -> None:
    expected = InMemorySaver(serde=serializer())
    filler = ["y" * 300] * 3 if where == "in a long list" else []
    values = ODD if where == "alone" else [[*filler, value] for value in ODD]
    for each in (saver, expected):
        for number, value in enumerate(values):
            config: RunnableConfig = {"configurable": {"thread_id": str(number)}}
            await talk(each).aupdate_state(config, {"anything": value}, as_node="change")
    for number, value in enumerate(values):
        config = {"configurable": {"thread_id": str(number)}}
        found = (await talk(SqlCheckpointer(database)).aget_state(config)).values["anything"]
        assert found == (await talk(expected).aget_state(config)).values["anything"]
        assert found == value or (1, 2) in value
        assert type(found) is type(value)


async def test_huge_values_come_back(saver: SqlCheckpointer, database: Database, go: Go) -> None:
    noise = random.Random(1).randbytes(3_000_000)
    await go(talk(saver), {"anything": noise, "messages": [AIMessage("é" * 3_000_000, id="m")], "done": ["a" * 10**6]})
    values = (await talk(SqlCheckpointer(database)).aget_state(CONFIG)).values
    assert values["anything"] == noise
    assert values["messages"][0].text == "é" * 3_000_000
    assert values["done"] == ["a" * 10**6]


class Evil:
    def __reduce__(self) -> tuple[Callable[[str], object], tuple[str]]:
        return (print, ("never",))


async def test_what_cannot_be_kept_is_refused_and_leaves_nothing(saver: SqlCheckpointer, database: Database) -> None:
    with pytest.raises(TypeError):
        await talk(saver).aupdate_state(CONFIG, {"done": ["fine"], "anything": Evil()}, as_node="change")
    assert [counted(database, name) for name in ("checkpoints", "channel_values", "blobs")] == [0, 0, 0]


# -- what is stored -----------------------------------------------------------------------------------


class Busy(TypedDict, total=False):
    count: int
    still: list[str]
    big: str


async def test_unchanged_channels_store_no_rows(saver: SqlCheckpointer, database: Database, go: Go) -> None:
    builder = StateGraph(Busy)
    builder.add_node("tick", lambda state: {"count": state["count"] + 1})
    builder.add_edge(START, "tick")
    builder.add_conditional_edges("tick", lambda state: END if state["count"] >= 40 else "tick", ["tick", END])
    graph = builder.compile(checkpointer=saver)
    await go(graph, {"count": 0, "still": ["x" * 50] * 20, "big": "y" * 5000})
    of_channel = {
        row[0]: row[1]
        for row in asked(database, "SELECT channel, count(*) FROM channel_values GROUP BY channel ORDER BY channel")
    }
    assert of_channel["still"] == of_channel["big"] == 1
    assert of_channel["count"] == 41
    assert counted(database, "lists") <= 2, "one of the input's writes and one of the channel"
    state = await builder.compile(checkpointer=SqlCheckpointer(database)).aget_state(CONFIG)
    assert state.values == {"count": 40, "still": ["x" * 50] * 20, "big": "y" * 5000}


# -- when things go wrong -----------------------------------------------------------------------------


async def test_a_full_disk_stops_the_graph_and_frees_the_lock(
    file_url: str, make_run: Callable[..., Run], say: Callable[[str], Message]
) -> None:
    async with open_memory(file_url) as memory:
        await memory.runs.create(make_run())
        graph = two_nodes(memory.checkpointer, [])
        await graph.ainvoke({"done": []}, CONFIG, durability="sync")

        def limit(transaction: Transaction) -> None:
            pages = transaction.connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            transaction.connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 2}")

        await memory.database.write(limit)
        big: State = {"done": [random.Random(1).randbytes(50_000).hex()]}
        with pytest.raises(StorageFull, match="full"):
            await graph.ainvoke(big, CONFIG, durability="sync")
        async with asyncio.timeout(5):
            await memory.events.append("run-1", say("the lock is free"))
        state = await graph.aget_state(CONFIG)
        assert state.values["done"] == ["think", "build"]


async def test_cancelled_steps_leave_the_lock_free_and_are_kept_in_order(
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


async def test_writes_are_there_before_the_checkpoint_that_follows_from_them(saver: SqlCheckpointer) -> None:
    dice = random.Random(5)

    async def step(number: int) -> None:
        first, second = empty_checkpoint(), empty_checkpoint()
        thread: RunnableConfig = {"configurable": {"thread_id": str(number), "checkpoint_ns": ""}}
        at = await saver.aput(thread, first, {}, {})
        # As LangGraph does it: all are asked for at once, and whoever waits may be cancelled.
        writes = [asyncio.create_task(saver.aput_writes(at, [("a", n)], f"task-{n}")) for n in range(3)]
        follows = asyncio.create_task(saver.aput(at, second, {}, {}))
        await asyncio.sleep(dice.random() * 0.002)
        for task in (*writes, follows):
            task.cancel()
        await asyncio.gather(*writes, follows, return_exceptions=True)

    await asyncio.gather(*(step(number) for number in range(30)))
    await saver.aput(CONFIG, empty_checkpoint(), {}, {})
    followed = 0
    for number in range(30):
        items = [item async for item in saver.alist({"configurable": {"thread_id": str(number)}})]
        if len(items) == 2:
            followed += 1
            assert len(items[1].pending_writes or []) == 3
    assert followed > 0


async def test_a_damaged_file_is_reported(file_url: str, path: Path) -> None:
    async with open_memory(file_url) as memory:
        await two_nodes(memory.checkpointer, []).ainvoke({"done": []}, CONFIG, durability="sync")
    whole = bytearray(path.read_bytes())
    whole[8192:] = b"\xff" * (len(whole) - 8192)
    path.write_bytes(whole)
    with pytest.raises(ConfigError, match="damaged"):
        async with open_memory(file_url) as memory:
            await two_nodes(memory.checkpointer, []).aget_state(CONFIG)


# -- versions -----------------------------------------------------------------------------------------


def test_versions_sort_whatever_came_before(saver: SqlCheckpointer) -> None:
    versions = [saver.get_next_version(None)]
    for _ in range(300):
        versions.append(saver.get_next_version(versions[-1]))
    assert versions == sorted(versions)
    assert len(set(versions)) == 301
    official = InMemorySaver().get_next_version(InMemorySaver().get_next_version(None, None), None)
    assert len(official.partition(".")[0]) == 32
    assert saver.get_next_version(official) > official
    assert saver.get_next_version(official).startswith("00000003.")
    assert saver.get_next_version(7).startswith("00000008.")
    assert saver.get_next_version(7.0).startswith("00000008.")


def test_forked_processes_make_versions_of_their_own(saver: SqlCheckpointer) -> None:
    random.seed(1)
    made = {saver.get_next_version("00000001.0")}
    for _ in range(4):
        out, into = os.pipe()
        child = os.fork()
        if not child:
            os.write(into, saver.get_next_version("00000001.0").encode())
            os._exit(0)
        os.close(into)
        made.add(os.read(out, 100).decode())
        os.close(out)
        os.waitpid(child, 0)
    assert len(made) == 5


# -- parts --------------------------------------------------------------------------------------------


def asked(database: Database, query: str) -> list[tuple[Any, ...]]:
    return database.look(
        lambda transaction: [tuple(row) for row in transaction.connection.exec_driver_sql(query).all()]
    )


def counted(database: Database, table: str) -> int:
    return int(asked(database, f"SELECT count(*) FROM {table}")[0][0])
