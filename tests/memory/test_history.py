"""History: what is listed, what changed between two checkpoints, what a fork shares and what a rewind leaves."""

from __future__ import annotations

import operator
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.types import Send
from sqlalchemy import func, select, text, update

from memory import SqlMemory, open_memory
from memory.tables import blobs, checkpoint_writes, checkpoints, list_items, lists
from nexus_agents.core.errors import ConfigError, InputError, RunLost
from nexus_agents.core.events import Message, RunForked, RunRewound, ToolFinished, ToolStarted
from nexus_agents.core.history import CheckpointInfo, compare, short_text
from nexus_agents.core.runs import Owner, Run, ToolCall

MakeRun = Callable[..., Run]


class State(TypedDict, total=False):
    messages: Annotated[list[AnyMessage], add_messages]
    seen: Annotated[list[str], operator.add]
    text: str


@pytest.fixture
async def memory(url: str) -> AsyncIterator[SqlMemory]:
    async with open_memory(url) as opened:
        yield opened


def inner(ran: list[str]) -> Any:
    graph = StateGraph(State)
    for name in ("first", "second"):

        def node(state: State, name: str = name) -> dict[str, Any]:
            ran.append(name)
            return {"seen": [name], "messages": [AIMessage(f"{name} was here", id=name)]}

        graph.add_node(name, node)
    graph.add_edge(START, "first")
    graph.add_edge("first", "second")
    graph.add_edge("second", END)
    return graph


def outer(memory: SqlMemory, ran: list[str]) -> Any:
    """Begin, then a nested graph and another node side by side, then end."""
    graph = StateGraph(State)

    async def nested(state: State) -> dict[str, Any]:
        made = await inner(ran).compile().ainvoke({"seen": [], "messages": state["messages"]})
        ran.append("nested")
        return {"seen": made["seen"]}

    def begin(state: State) -> dict[str, Any]:
        ran.append("begin")
        return {"text": "one\ntwo\n", "messages": [AIMessage("begun", id="begun")]}

    def beside(state: State) -> dict[str, Any]:
        ran.append("beside")
        return {"seen": ["beside"]}

    def end(state: State) -> dict[str, Any]:
        ran.append("end")
        return {"text": "one\nthree\n"}

    for name, node in (("begin", begin), ("nested", nested), ("beside", beside), ("end", end)):
        graph.add_node(name, node)
    graph.add_edge(START, "begin")
    graph.add_edge("begin", "nested")
    graph.add_edge("begin", "beside")
    graph.add_edge(["nested", "beside"], "end")
    graph.add_edge("end", END)
    return graph.compile(checkpointer=memory.checkpointer)


def config(run: Run) -> Any:
    return {"configurable": {"thread_id": run.thread_id}, "metadata": {"nexus_run": run.id}}


ASKED = {"messages": [HumanMessage("go", id="ask")], "seen": []}


@pytest.fixture
async def run(memory: SqlMemory, make_run: MakeRun) -> Run:
    run = make_run("run-1", thread_id="run-1")
    await memory.runs.create(run)
    await outer(memory, []).ainvoke(ASKED, config(run), durability="sync")
    return run


def found(steps: list[CheckpointInfo], does: str, *, inside: bool = False) -> CheckpointInfo:
    return next(step for step in steps if step.does == does and bool(step.path) == inside and not step.left)


def forked(run: Run, step: CheckpointInfo) -> RunForked:
    return RunForked(
        run_id=run.id,
        parent_id=run.parent_id or "",
        checkpoint_id=step.checkpoint_id,
        step=step.number,
        does=step.does,
        finished_calls=0,
        files="",
    )


def rewound(run: Run, step: CheckpointInfo) -> RunRewound:
    return RunRewound(
        run_id=run.id, checkpoint_id=step.checkpoint_id, step=step.number, does=step.does, left=0, files=""
    )


async def count(memory: SqlMemory, table: Any) -> int:
    return int((await memory.database.read(select(func.count().label("n")).select_from(table)))[0]["n"])


# -- looking ------------------------------------------------------------------------------------------


async def test_steps_say_what_ran_what_comes_and_what_changed(memory: SqlMemory, run: Run) -> None:
    steps = await memory.history.list("run-1", run_id="run-1")
    assert [step.number for step in steps] == list(range(1, len(steps) + 1))
    own = [step for step in steps if not step.path]
    assert [step.wrote for step in own] == [[], ["__start__"], ["begin"], ["beside", "nested"], ["end"]]
    assert [step.next for step in own] == [["__start__"], ["begin"], ["beside", "nested"], ["end"], []]
    assert [step.source for step in own] == ["input", "loop", "loop", "loop", "loop"]
    assert found(steps, "begin").changed == ["messages", "text"]
    nested = [step for step in steps if step.path]
    assert {tuple(step.path) for step in nested} == {("nested",)}
    assert [step.wrote for step in nested] == [[], ["__start__"], ["first"], ["second"]]
    assert nested[-1].around == {"": found(steps, "begin").checkpoint_id}
    assert {step.run_id for step in steps} == {"run-1"}
    assert all(step.at and not step.left and not step.damaged for step in steps)


async def test_nodes_that_were_sent_for_have_names(memory: SqlMemory, run: Run) -> None:
    graph = StateGraph(State)
    graph.add_node("split", lambda state: {})
    graph.add_node("part", lambda state: {"seen": ["part"]})
    graph.add_edge(START, "split")
    graph.add_conditional_edges("split", lambda state: [Send("part", {}), Send("part", {})])
    graph.add_edge("part", END)
    compiled = graph.compile(checkpointer=memory.checkpointer)
    await compiled.ainvoke({"seen": []}, {"configurable": {"thread_id": "sent"}}, durability="sync")
    steps = await memory.history.list("sent")
    assert steps[-1].wrote == ["part"]
    assert steps[-2].next == ["part"]


async def test_each_run_of_a_thread_has_its_own_steps(memory: SqlMemory, run: Run, make_run: MakeRun) -> None:
    later = make_run("run-2", thread_id="run-1")
    await memory.runs.create(later)
    await outer(memory, []).ainvoke(ASKED, config(later), durability="sync")
    first = await memory.history.list("run-1", run_id="run-1")
    second = await memory.history.list("run-1", run_id="run-2")
    both = await memory.history.list("run-1")
    assert len(first) == len(second) == 9
    assert len(both) == 18
    assert {step.run_id for step in second} == {"run-2"}


async def test_the_state_at_a_step(memory: SqlMemory, run: Run) -> None:
    steps = await memory.history.list("run-1")
    state = await memory.history.state(found(steps, "begin"))
    assert state["text"] == "one\ntwo\n"
    assert [message["content"] for message in state["messages"]] == ["go", "begun"]
    assert not any(channel.startswith(("branch:", "__")) for channel in state)
    gone = found(steps, "begin").model_copy(update={"checkpoint_id": "gone"})
    with pytest.raises(InputError, match="not there any more"):
        await memory.history.state(gone)


async def test_what_changed_between_two_steps(memory: SqlMemory, run: Run) -> None:
    steps = await memory.history.list("run-1")
    changes = await memory.history.changes(found(steps, "begin"), found(steps, "end"))
    by_channel = {change.channel: change for change in changes}
    assert set(by_channel) == {"seen", "text"}
    assert by_channel["seen"].says == "3 new elements"
    assert sorted(by_channel["seen"].elements) == ["beside", "first", "second"]
    assert by_channel["text"].says == "1 lines added, 1 removed"
    assert "-two\n+three" in by_channel["text"].diff
    assert await memory.history.changes(found(steps, "end"), found(steps, "end")) == []
    everything = await memory.history.changes(None, found(steps, "begin"))
    assert {(change.channel, change.kind) for change in everything} >= {("text", "added"), ("messages", "added")}


def test_every_kind_of_change_has_words() -> None:
    before = {"gone": 1, "list": [1, 2, 3], "same": "x", "number": 1, "none": None, "long": [0]}
    after = {"list": [1, 5], "same": "x", "number": 2, "none": "y", "new": "z", "long": list(range(9))}
    said = {change.channel: (change.kind, change.says) for change in compare(before, after)}
    assert said == {
        "gone": ("removed", "1"),
        "list": ("changed", "1 new element, 2 replaced or removed"),
        "long": ("changed", "8 new elements"),
        "new": ("added", "z"),
        "none": ("changed", "set to y"),
        "number": ("changed", "1 -> 2"),
    }
    assert compare({"list": [1, 2]}, {"list": [1]})[0].says == "1 elements removed"
    assert compare({}, {"long": list(range(9))})[0].elements[-1] == "... 4 more"
    many = "\n".join(str(number) for number in range(200))
    assert compare({"text": "x\ny"}, {"text": many})[0].diff.endswith("more lines")
    assert short_text({"type": "ai", "content": "", "tool_calls": [{"name": "add"}]}) == "ai: [calls add]"
    assert len(short_text("word " * 100)) == 160


async def test_a_damaged_step_hides_no_other(memory: SqlMemory, run: Run) -> None:
    steps = await memory.history.list("run-1")
    broken = found(steps, "begin")
    await memory.database.change(
        update(checkpoints).where(checkpoints.c.checkpoint_id == broken.checkpoint_id).values(body=b"P\x00\x01")
    )
    again = await memory.history.list("run-1")
    assert len(again) == len(steps)
    assert [step.number for step in again if step.damaged] == [broken.number]
    assert again[broken.number - 1].does == "damaged"
    with pytest.raises(ConfigError, match="cannot be read"):
        await memory.history.state(broken)
    last = again[-1]
    assert (await memory.history.state(last))["text"] == "one\nthree\n"


async def test_looking_needs_no_checkpointer(url: str, memory: SqlMemory, run: Run) -> None:
    async with open_memory(url, checkpoints=False) as other:
        steps = await other.history.list("run-1")
        assert len(steps) == 9
        assert (await other.history.state(steps[-1]))["text"] == "one\nthree\n"


# -- forks --------------------------------------------------------------------------------------------


async def test_a_fork_goes_on_and_the_parent_stays(memory: SqlMemory, run: Run, make_run: MakeRun) -> None:
    before = await memory.history.list("run-1")
    values = [await memory.history.state(step) for step in before]
    step = found(before, "begin")
    fork = make_run("run-2", thread_id="run-2", parent_id="run-1")
    await memory.history.fork(fork, step, forked(fork, step))
    ran: list[str] = []
    end = await outer(memory, ran).ainvoke(None, config(fork), durability="sync")
    assert sorted(ran) == ["beside", "end", "first", "nested", "second"]
    assert end["text"] == "one\nthree\n"
    assert [message.content for message in end["messages"]] == ["go", "begun"]
    after = await memory.history.list("run-1")
    assert after == before
    assert [await memory.history.state(one) for one in after] == values
    assert [branch.run_id for branch in await memory.history.branches("run-1")] == ["run-2"]
    steps = await memory.history.list("run-2", run_id="run-2")
    assert [one.run_id for one in steps][:3] == ["run-1", "run-1", "run-2"]


async def test_a_fork_inside_a_nested_graph(memory: SqlMemory, run: Run, make_run: MakeRun) -> None:
    step = found(await memory.history.list("run-1"), "first", inside=True)
    fork = make_run("run-2", thread_id="run-2", parent_id="run-1")
    await memory.history.fork(fork, step, forked(fork, step))
    ran: list[str] = []
    await outer(memory, ran).ainvoke(None, config(fork), durability="sync")
    assert "begin" not in ran
    assert "first" not in ran
    assert sorted(ran) == ["beside", "end", "nested", "second"]


async def test_a_fork_shares_what_is_large(memory: SqlMemory, make_run: MakeRun) -> None:
    run = make_run("run-1", thread_id="run-1")
    await memory.runs.create(run)
    graph = StateGraph(State)
    # Random text, so that nothing is saved by compression.
    graph.add_node("say", lambda state: {"messages": [AIMessage(os.urandom(2_000).hex())]})
    graph.add_edge(START, "say")
    graph.add_edge("say", END)
    compiled = graph.compile(checkpointer=memory.checkpointer)
    for _ in range(30):
        await compiled.ainvoke({"messages": [HumanMessage("again")]}, config(run), durability="sync")
    tables = (blobs, lists, list_items)
    before = [await count(memory, table) for table in tables]
    step = (await memory.history.list("run-1"))[-1]
    fork = make_run("run-2", thread_id="run-2", parent_id="run-1")
    await memory.history.fork(fork, step, forked(fork, step))
    assert [await count(memory, table) for table in tables] == before
    found = await compiled.aget_state(config(fork))
    assert len(found.values["messages"]) == 60


async def test_calls_that_were_finished_by_then_are_taken_over(memory: SqlMemory, run: Run, make_run: MakeRun) -> None:
    steps = await memory.history.list("run-1")
    step = found(steps, "begin")
    for number, moment in enumerate((steps[0].at, steps[-1].at)):
        call = ToolCall(run_id="run-1", call_id=f"c-{number}", tool="send", agent="a", arguments={})
        told = {"agent": "a", "tool": "send", "call_id": call.call_id}
        await memory.ledger.start(call, ToolStarted(**told, arguments={}))
        done = call.model_copy(update={"status": "done", "finished_at": moment})
        await memory.ledger.finish(done, ToolFinished(**told, ok=True, summary="", seconds=0))
    fork = make_run("run-2", thread_id="run-2", parent_id="run-1")
    await memory.history.fork(fork, step, forked(fork, step))
    assert [(call.call_id, call.status) for call in await memory.ledger.list("run-2")] == [("c-0", "done")]
    other = make_run("run-3", thread_id="run-3", parent_id="run-1")
    await memory.history.fork(other, step, forked(other, step), begun=False)
    assert await memory.ledger.list("run-3") == []


async def test_a_fork_that_cannot_be_made_leaves_nothing(memory: SqlMemory, run: Run, make_run: MakeRun) -> None:
    steps = await memory.history.list("run-1")
    gone = steps[-1].model_copy(update={"checkpoint_id": "gone"})
    fork = make_run("run-2", thread_id="run-2", parent_id="run-1")
    with pytest.raises(InputError, match="not there any more"):
        await memory.history.fork(fork, gone, forked(fork, gone))
    assert await memory.runs.get("run-2") is None
    nobody = make_run("run-2", thread_id="run-2", parent_id="nobody")
    with pytest.raises(InputError, match="exists already, or its parent nobody"):
        await memory.history.fork(nobody, steps[-1], forked(nobody, steps[-1]))


async def test_a_fork_past_a_damaged_step(memory: SqlMemory, run: Run, make_run: MakeRun) -> None:
    steps = await memory.history.list("run-1")
    await memory.database.change(
        update(checkpoints).where(checkpoints.c.checkpoint_id == steps[0].checkpoint_id).values(body=b"?")
    )
    fork = make_run("run-2", thread_id="run-2", parent_id="run-1")
    step = found(steps, "end")
    await memory.history.fork(fork, step, forked(fork, step))
    copied = await memory.history.list("run-2")
    assert [one.damaged != "" for one in copied] == [True, *[False] * 8]
    broken = make_run("run-3", thread_id="run-3", parent_id="run-1")
    with pytest.raises(ConfigError, match="cannot be read"):
        await memory.history.fork(broken, steps[0], forked(broken, steps[0]))
    assert await memory.runs.get("run-3") is None


# -- rewinds ------------------------------------------------------------------------------------------


async def test_a_rewind_keeps_what_it_leaves(memory: SqlMemory, run: Run, me: Owner) -> None:
    before = await memory.history.list("run-1", run_id="run-1")
    step = found(before, "first", inside=True)
    claimed = await memory.runs.claim("run-1", me)
    await memory.history.rewind(claimed, step, rewound(run, step))
    now = await memory.runs.get("run-1")
    assert now is not None
    assert (now.status, now.owner, now.rewinds) == ("interrupted", None, 1)
    steps = await memory.history.list("run-1", run_id="run-1")
    assert [one.checkpoint_id for one in steps] == [one.checkpoint_id for one in before]
    left = [one.number for one in steps if one.left]
    assert left == [one.number for one in before if one.number > step.number]
    ran: list[str] = []
    end = await outer(memory, ran).ainvoke(None, config(run), durability="sync")
    assert sorted(ran) == ["beside", "end", "nested", "second"]
    assert end["text"] == "one\nthree\n"
    assert (await memory.history.state(steps[-1]))["text"] == "one\nthree\n", "what was left can be looked at"
    grown = await memory.history.list("run-1", run_id="run-1")
    assert [one.checkpoint_id for one in grown][: len(steps)] == [one.checkpoint_id for one in steps]
    assert not any(one.left for one in grown[len(steps) :])


async def test_back_to_what_a_rewind_left(memory: SqlMemory, run: Run, me: Owner) -> None:
    before = await memory.history.list("run-1", run_id="run-1")
    claimed = await memory.runs.claim("run-1", me)
    await memory.history.rewind(claimed, before[1], rewound(run, before[1]))
    last = (await memory.history.list("run-1", run_id="run-1"))[-1]
    assert last.left
    claimed = await memory.runs.claim("run-1", me)
    await memory.history.rewind(claimed, last, rewound(run, last))
    steps = await memory.history.list("run-1", run_id="run-1")
    assert not any(one.left for one in steps)
    ran: list[str] = []
    await outer(memory, ran).ainvoke(None, config(run), durability="sync")
    assert ran == []


async def test_later_calls_are_undone_and_get_ids_of_their_own(memory: SqlMemory, run: Run, me: Owner) -> None:
    steps = await memory.history.list("run-1")
    for number, moment in enumerate((steps[0].at, steps[-1].at)):
        call = ToolCall(run_id="run-1", call_id=f"c-{number}", tool="send", agent="a", arguments={})
        told = {"agent": "a", "tool": "send", "call_id": call.call_id}
        await memory.ledger.start(call, ToolStarted(**told, arguments={}))
        done = call.model_copy(update={"status": "done", "finished_at": moment})
        await memory.ledger.finish(done, ToolFinished(**told, ok=True, summary="", seconds=0))
    assert await memory.ledger.name("run-1", "c-1", 0) == "c-1"
    claimed = await memory.runs.claim("run-1", me)
    step = found(steps, "begin")
    await memory.history.rewind(claimed, step, rewound(run, step))
    assert [call.status for call in await memory.ledger.list("run-1")] == ["done", "undone"]
    assert await memory.ledger.name("run-1", "c-0", 1) == "c-0"
    assert await memory.ledger.name("run-1", "c-1", 1) == "c-1~1"
    assert await memory.ledger.name("run-1", "c-1", 2) == "c-1~2"


async def test_whoever_lost_the_run_cannot_rewind_it(memory: SqlMemory, run: Run, me: Owner) -> None:
    steps = await memory.history.list("run-1")
    claimed = await memory.runs.claim("run-1", me)
    await memory.runs.claim("run-1", me)
    with pytest.raises(RunLost):
        await memory.history.rewind(claimed, steps[1], rewound(run, steps[1]))
    assert await memory.history.list("run-1") == steps
    assert [event for event in await memory.events.read("run-1") if event.type == "run_rewound"] == []


# -- cleaning -----------------------------------------------------------------------------------------


async def test_cleaning_frees_what_was_deleted_and_nothing_else(
    memory: SqlMemory, run: Run, make_run: MakeRun, me: Owner
) -> None:
    steps = await memory.history.list("run-1")
    fork = make_run("run-2", thread_id="run-2", parent_id="run-1")
    await memory.history.fork(fork, steps[-1], forked(fork, steps[-1]))
    claimed = await memory.runs.claim("run-1", me)
    await memory.history.rewind(claimed, steps[3], rewound(run, steps[3]))
    claimed = await memory.runs.claim("run-1", me)
    await memory.events.append("run-1", Message(agent="a", text="bye"))
    kept = [await memory.history.state(step) for step in await memory.history.list("run-2")]
    await memory.runs.delete("run-1")
    assert (await memory.cleaning.clean(dry=True)).runs == [], "it is being worked on"
    await memory.runs.settle("run-1", claimed.fence, "cancelled")
    assert (await memory.cleaning.clean(keep_days=1, dry=True)).runs == []
    would = await memory.cleaning.clean(dry=True)
    assert await memory.runs.get("run-1") is not None
    freed = await memory.cleaning.clean()
    assert freed == would
    assert freed.runs == ["run-1"]
    assert freed.bytes > 0
    assert await memory.runs.get("run-1") is None
    assert await memory.events.read("run-1") == []
    assert await memory.history.list("run-1") == []
    assert await count(memory, select(checkpoints).where(checkpoints.c.thread_id.contains("~")).subquery()) == 0
    steps = await memory.history.list("run-2")
    assert [await memory.history.state(step) for step in steps] == kept
    assert (await memory.cleaning.clean()).nothing


async def test_pruning_keeps_the_newest_step_of_finished_threads(
    memory: SqlMemory, run: Run, make_run: MakeRun, me: Owner
) -> None:
    busy = make_run("run-2", thread_id="run-2", status="interrupted")
    await memory.runs.create(busy)
    await outer(memory, []).ainvoke(ASKED, config(busy), durability="sync")
    claimed = await memory.runs.claim("run-1", me)
    await memory.runs.settle("run-1", claimed.fence, "done")
    assert (await memory.cleaning.clean(dry=True)).nothing
    freed = await memory.cleaning.clean(prune=True)
    assert freed.checkpoints == 7
    steps = await memory.history.list("run-1")
    assert [(step.does, len(step.path)) for step in steps] == [("second", 1), ("end", 0)]
    assert (await memory.history.state(steps[-1]))["text"] == "one\nthree\n"
    assert len(await memory.history.list("run-2")) == 9
    assert (await memory.cleaning.clean(prune=True)).nothing


async def test_a_damaged_step_stops_no_cleaning(memory: SqlMemory, run: Run, me: Owner) -> None:
    claimed = await memory.runs.claim("run-1", me)
    await memory.runs.settle("run-1", claimed.fence, "done")
    await memory.database.change(update(checkpoints).values(body=b"?", metadata=b"?"))
    await memory.cleaning.clean(prune=True)
    assert len(await memory.history.list("run-1")) == 9


async def test_the_file_shrinks(file_url: str, path: Path, make_run: MakeRun) -> None:
    async with open_memory(file_url) as memory:
        run = make_run("run-1", thread_id="run-1", status="done")
        await memory.runs.create(run)
        for number in range(200):
            await memory.events.append("run-1", Message(agent="a", text=f"{number} " * 1_000))
        await memory.runs.delete("run-1")
        await memory.cleaning.clean()
        assert await memory.cleaning.shrink() > 100_000
        assert path.with_name("nexus.db-wal").stat().st_size == 0
        assert await memory.cleaning.known(["run-1", "x"]) == set()


async def test_nothing_of_the_writes_of_a_head_is_copied(memory: SqlMemory, run: Run, make_run: MakeRun) -> None:
    step = found(await memory.history.list("run-1"), "begin")
    fork = make_run("run-2", thread_id="run-2", parent_id="run-1")
    await memory.history.fork(fork, step, forked(fork, step))
    heads = checkpoint_writes.c.checkpoint_id == step.checkpoint_id
    copied = select(checkpoint_writes).where(checkpoint_writes.c.thread_id == "run-2", heads)
    assert await count(memory, copied.subquery()) == 0
    assert await memory.database.fetch(lambda t: t.execute(text("SELECT 1")).scalar()) == 1
