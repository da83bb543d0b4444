from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable

from memory import SqlMemory, open_memory
from nexus_agents.core.events import Message, ToolStarted
from nexus_agents.core.runs import Owner, Run, ToolCall

MakeRun = Callable[..., Run]


async def test_two_memories_and_six_tasks_lose_no_update(
    memory: SqlMemory, url: str, make_run: MakeRun, call: ToolCall, started: ToolStarted
) -> None:
    await memory.runs.create(make_run())

    async def count_up(opened: SqlMemory) -> None:
        for _ in range(20):
            await opened.ledger.start(call, started)

    async with open_memory(url, checkpoints=False) as other:
        await asyncio.gather(*(count_up(opened) for opened in (memory, other) * 3))
    row = await memory.ledger.find("run-1", "c-1")
    assert row is not None
    assert row.attempts == 120
    events = await memory.events.read("run-1")
    assert [event.seq for event in events] == list(range(1, 121))
    assert [event.attempt for event in events if isinstance(event, ToolStarted)] == list(range(1, 121))


async def test_one_of_many_claims_is_the_last_and_each_has_its_own_fence(
    memory: SqlMemory, url: str, make_run: MakeRun, me: Owner
) -> None:
    await memory.runs.create(make_run())
    async with open_memory(url, checkpoints=False) as other:
        taken = await asyncio.gather(*(opened.runs.claim("run-1", me) for opened in (memory, other) * 10))
        assert sorted(run.fence for run in taken) == list(range(1, 21))
        settled = [await other.runs.settle("run-1", run.fence, "done") for run in taken]
    assert settled.count(True) == 1
    assert taken[settled.index(True)].fence == 20


APPENDS = """
import asyncio, sys
from memory import open_memory
from nexus_agents.core.events import Message

async def main():
    async with open_memory(sys.argv[1], checkpoints=False) as memory:
        sys.stdin.readline()
        for number in range(100):
            await memory.events.append("run-1", Message(agent=sys.argv[2], text=str(number)))

asyncio.run(main())
"""


async def test_two_processes_number_events_without_gaps(memory: SqlMemory, url: str, make_run: MakeRun) -> None:
    await memory.runs.create(make_run())
    processes = [
        await asyncio.create_subprocess_exec(*(sys.executable, "-c", APPENDS, url, name), stdin=subprocess.PIPE)
        for name in "ab"
    ]
    await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    assert [process.returncode for process in processes] == [0, 0]
    events = await memory.events.read("run-1")
    assert [event.seq for event in events] == list(range(1, 201))
    for name in "ab":
        texts = [event.text for event in events if isinstance(event, Message) and event.agent == name]
        assert texts == [str(number) for number in range(100)]
