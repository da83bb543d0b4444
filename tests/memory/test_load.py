"""Many runs at once in several processes: nothing lost, nothing doubled, nobody turned away."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable

from memory import SqlMemory, open_memory
from nexus_agents.core.events import ArtifactMade, ToolStarted
from nexus_agents.core.runs import Artifact, Run, ToolCall
from nexus_agents.core.voices import Voice

MakeRun = Callable[..., Run]

PROCESSES, RUNS, STEPS = 3, 17, 3
"""51 runs at once, on threads of their own; each also counts up one call of a run that all share."""

WORKS = """
import asyncio, operator, sys
from typing import Annotated, TypedDict
from langgraph.graph import END, START, StateGraph
from memory import open_memory
from nexus_agents.core.events import Message, ToolFinished, ToolStarted
from nexus_agents.core.runs import ToolCall

url, process, runs, steps = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])

class State(TypedDict):
    said: Annotated[list[str], operator.add]

def graph(memory, run_id):
    async def step(state):
        number = len(state["said"])
        call = ToolCall(run_id=run_id, call_id=f"c-{number}", tool="t", agent="a", arguments={})
        at = dict(agent="a", tool="t", call_id=call.call_id)
        await memory.ledger.start(call, ToolStarted(**at, arguments={}))
        await memory.events.append(run_id, Message(agent="a", text=str(number)))
        await memory.ledger.finish(
            call.model_copy(update={"status": "done", "result": {"n": number}}),
            ToolFinished(**at, ok=True, summary="", seconds=0.1),
        )
        shared = ToolCall(run_id="shared", call_id="c", tool="t", agent="a", arguments={})
        await memory.ledger.start(shared, ToolStarted(agent="a", tool="t", call_id="c", arguments={}))
        return {"said": [f"{run_id} {number} " + "x" * 300]}

    builder = StateGraph(State)
    builder.add_node("step", step)
    builder.add_edge(START, "step")
    builder.add_conditional_edges("step", lambda state: END if len(state["said"]) == steps else "step", ["step", END])
    return builder.compile(checkpointer=memory.checkpointer)

async def main():
    async with open_memory(url) as memory:
        graph(memory, "warm")
        print("ready", flush=True)
        sys.stdin.readline()
        await asyncio.gather(*(
            graph(memory, f"{process}-{number}").ainvoke(
                {"said": []}, {"configurable": {"thread_id": f"{process}-{number}"}}, durability="sync"
            )
            for number in range(runs)
        ))

asyncio.run(main())
"""


async def test_fifty_runs_in_several_processes_lose_nothing(url: str, make_run: MakeRun) -> None:
    async with open_memory(url) as memory:
        await memory.runs.create(make_run("shared"))
        names = [f"{process}-{number}" for process in range(PROCESSES) for number in range(RUNS)]
        for name in names:
            await memory.runs.create(make_run(name, thread_id=name))
        processes = [
            await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", WORKS, url, str(process), str(RUNS), str(STEPS)),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            for process in range(PROCESSES)
        ]
        for process in processes:
            assert process.stdout is not None
            await process.stdout.readline()
        answers = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
        assert [process.returncode for process in processes] == [0] * PROCESSES, answers[0][1].decode()[-2000:]

        for name in names:
            events = await memory.events.read(name)
            assert [event.seq for event in events] == list(range(1, 3 * STEPS + 1))
            calls = await memory.ledger.list(name)
            assert [(call.status, call.result, call.attempts) for call in calls] == [
                ("done", {"n": number}, 1) for number in range(STEPS)
            ]
            newest = await memory.checkpointer.aget_tuple({"configurable": {"thread_id": name}})
            assert newest is not None
            said = newest.checkpoint["channel_values"]["said"]
            assert [text.rstrip("x") for text in said] == [f"{name} {number} " for number in range(STEPS)]
        shared = await memory.ledger.find("shared", "c")
        assert shared is not None
        assert shared.attempts == len(names) * STEPS
        events = await memory.events.read("shared")
        assert [event.attempt for event in events if isinstance(event, ToolStarted)] == list(
            range(1, shared.attempts + 1)
        )


async def test_the_same_artifact_and_voice_from_several_at_once_are_there_once(
    memory: SqlMemory, url: str, make_run: MakeRun
) -> None:
    await memory.runs.create(make_run())
    artifact = Artifact(run_id="run-1", call_id="c", path="/w/b.wav", kind="audio", bytes=1, sha256="1" * 64)
    made = ArtifactMade(path="/w/b.wav", kind="audio", title="", bytes=1)
    async with open_memory(url, checkpoints=False) as two, open_memory(url, checkpoints=False) as three:
        opened = (memory, two, three) * 5
        added = await asyncio.gather(*(each.artifacts.add(artifact, made) for each in opened))
        assert sum(event is not None for event in added) == 1
        await asyncio.gather(
            *(each.voices.put(Voice(name="zoe", engine=f"e{number}")) for number, each in enumerate(opened))
        )
    assert await memory.artifacts.list("run-1") == [artifact]
    assert len(await memory.events.read("run-1")) == 1
    assert [voice.name for voice in await memory.voices.list()] == ["zoe"]


async def test_the_same_call_started_by_several_at_once_counts_each(
    memory: SqlMemory, url: str, make_run: MakeRun, call: ToolCall, started: ToolStarted
) -> None:
    await memory.runs.create(make_run())
    async with open_memory(url, checkpoints=False) as other:
        rows = await asyncio.gather(*(each.ledger.start(call, started) for each in (memory, other) * 10))
    assert sorted(row.attempts for row, _ in rows) == list(range(1, 21))
