"""Whoever has lost a run writes nothing more of it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Any, TypedDict

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import empty_checkpoint
from langgraph.graph import START, StateGraph

from memory import SqlMemory, open_memory
from memory.fence import Fence
from nexus_agents.core.errors import InputError, RunLost
from nexus_agents.core.events import ArtifactMade, Message, ToolFinished, ToolStarted
from nexus_agents.core.runs import Artifact, Owner, Run, ToolCall

MakeRun = Callable[..., Run]
THREAD: RunnableConfig = {"configurable": {"thread_id": "thread-1", "checkpoint_ns": ""}}


def writes(
    held: SqlMemory, call: ToolCall, started: ToolStarted, finished: ToolFinished, at: RunnableConfig
) -> dict[str, Callable[[], Awaitable[object]]]:
    artifact = Artifact(run_id="run-1", call_id="c", path="/w/b.wav", kind="audio", bytes=1, sha256="1" * 64)
    made = ArtifactMade(path="/w/b.wav", kind="audio", title="", bytes=1)
    done = call.model_copy(update={"status": "done", "result": {}})
    other = call.model_copy(update={"call_id": "other"})
    saver = held.checkpointer
    return {
        "events": lambda: held.events.append("run-1", Message(agent="a", text="x")),
        "start": lambda: held.ledger.start(other, started),
        "start again": lambda: held.ledger.start(call, started),
        "finish": lambda: held.ledger.finish(done, finished),
        "artifact": lambda: held.artifacts.add(artifact, made),
        "put": lambda: saver.aput(THREAD, empty_checkpoint(), {}, {}),
        "put_writes": lambda: saver.aput_writes(at, [("a", 1)], "task"),
        "sync put": lambda: asyncio.to_thread(saver.put, THREAD, empty_checkpoint(), {}, {}),
        "sync put_writes": lambda: asyncio.to_thread(saver.put_writes, at, [("a", 1)], "task-2"),
    }


async def test_nothing_is_written_after_another_claim_and_all_before_it(
    url: str, make_run: MakeRun, me: Owner, call: ToolCall, started: ToolStarted, finished: ToolFinished
) -> None:
    async with open_memory(url) as memory:
        await memory.runs.create(make_run())
        first = await memory.runs.claim("run-1", me)
        held = memory.held("run-1", first.fence)
        at = await held.checkpointer.aput(THREAD, empty_checkpoint(), {}, {})
        await held.ledger.start(call, started)
        second = await memory.runs.claim("run-1", me)
        events = await memory.events.read("run-1")
        for name, write in writes(held, call, started, finished, at).items():
            with pytest.raises(RunLost, match="run-1 was taken over") as caught:
                await write()
            assert caught.value.hint, name
        assert await memory.events.read("run-1") == events
        assert [row.status for row in await memory.ledger.list("run-1")] == ["started"]
        assert await memory.artifacts.list("run-1") == []
        (found,) = [item async for item in memory.checkpointer.alist(THREAD)]
        assert found.pending_writes == []
        for write in writes(memory.held("run-1", second.fence), call, started, finished, at).values():
            await write()
        assert len([item async for item in memory.checkpointer.alist(THREAD)]) == 3


async def test_a_call_that_is_done_is_not_handed_to_who_lost_the_run(
    memory: SqlMemory, make_run: MakeRun, me: Owner, call: ToolCall, started: ToolStarted, finished: ToolFinished
) -> None:
    await memory.runs.create(make_run())
    held = memory.held("run-1", (await memory.runs.claim("run-1", me)).fence)
    await held.ledger.start(call, started)
    await held.ledger.finish(call.model_copy(update={"status": "done", "result": {}}), finished)
    await memory.runs.claim("run-1", me)
    with pytest.raises(RunLost):
        await held.ledger.start(call, started)


async def test_a_fence_holds_one_run_and_no_other(memory: SqlMemory, make_run: MakeRun, me: Owner) -> None:
    for name in ("run-1", "run-2"):
        await memory.runs.create(make_run(name))
    await memory.runs.claim("run-2", me)
    held = memory.held("run-1", (await memory.runs.claim("run-1", me)).fence)
    assert (await held.events.append("run-2", Message(agent="a", text="of another run"))).seq == 1
    with pytest.raises(InputError, match="no run nobody"):
        await memory.database.write(lambda transaction: Fence("nobody", 1).check(transaction))


class State(TypedDict):
    steps: list[int]


CLAIMS = """
import asyncio, os, platform, sys
import psutil
from memory import open_memory
from nexus_agents.core.runs import Owner

async def main():
    me = Owner(host=platform.node(), pid=os.getpid(), started=psutil.Process().create_time())
    async with open_memory(sys.argv[1], checkpoints=False) as memory:
        sys.stdin.readline()
        print((await memory.runs.claim("run-1", me)).fence, flush=True)

asyncio.run(main())
"""


async def test_a_graph_stops_where_another_process_takes_its_run(url: str, make_run: MakeRun) -> None:
    dead = Owner(host=__import__("platform").node(), pid=2**22 + 1, started=0)  # so that others may take it
    async with open_memory(url) as memory:
        await memory.runs.create(make_run())
        held = memory.held("run-1", (await memory.runs.claim("run-1", dead)).fence)
        other = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", CLAIMS, url), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        ran: list[int] = []

        async def step(state: State) -> State:
            ran.append(len(ran))
            if len(ran) == 5:
                await other.communicate(b"go\n")
            return {"steps": ran[:]}

        builder = StateGraph(State)
        builder.add_node("step", step)
        builder.add_edge(START, "step")
        builder.add_conditional_edges("step", lambda _: "step", ["step"])
        graph: Any = builder.compile(checkpointer=held.checkpointer)
        with pytest.raises(RunLost):
            await graph.ainvoke({"steps": []}, THREAD, durability="sync")
        assert other.returncode == 0
        assert ran == [0, 1, 2, 3, 4], "no step after the claim"
        newest = await memory.checkpointer.aget_tuple(THREAD)
        assert newest is not None
        assert newest.checkpoint["channel_values"]["steps"] == [0, 1, 2, 3]
        assert newest.pending_writes == []
