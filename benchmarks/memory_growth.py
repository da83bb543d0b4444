"""What checkpoints take on the disk as a conversation grows, beside the official savers, and how long the newest takes.

`python benchmarks/memory_growth.py` prints a table and writes results/memory_growth.json. The graph is a loop of two
nodes with a plain `add_messages` channel that gets one message of 1 kB a step, saved at each step. What is counted is
what the run adds to the file: tables and indexes of an empty memory are taken off. PostgreSQL is measured too where
NEXUS_TEST_POSTGRES_URL names a server, or its programs are on this machine.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any, TypedDict

os.environ["LANGGRAPH_STRICT_MSGPACK"] = "true"

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from postgres import database_bytes, server
from table import report, row

from memory import open_memory

STEPS = (400, 800, 1600)
OFFICIAL = (400, 800)
LONG = 10_000
TIMES = 5
WORDS = (Path(__file__).resolve().parents[1] / "LICENSE").read_text(encoding="utf-8").split()


class State(TypedDict):
    """A conversation, and how long it is."""

    messages: Annotated[list[AnyMessage], add_messages]
    count: int


def prose(dice: random.Random) -> str:
    """Return 1 kB of words in no order."""
    text = ""
    while len(text) < 1000:
        text += f"{dice.choice(WORDS)} "
    return text[:1000]


def noise(dice: random.Random) -> str:
    """Return 1 kB of what cannot be compressed but for its alphabet."""
    return base64.b64encode(dice.randbytes(750)).decode()


def loop(steps: int, say: Callable[[random.Random], str], checkpointer: Any) -> Any:
    """Return a graph that says something in each of its steps."""
    dice = random.Random(steps)

    async def speak(state: State) -> dict[str, Any]:
        return {"messages": [AIMessage(say(dice))], "count": state["count"] + 1}

    graph = StateGraph(State)
    graph.add_node("a", speak)
    graph.add_node("b", speak)
    graph.add_edge(START, "a")
    graph.add_conditional_edges("a", lambda state: END if state["count"] >= steps else "b", ["b", END])
    graph.add_conditional_edges("b", lambda state: END if state["count"] >= steps else "a", ["a", END])
    return graph.compile(checkpointer=checkpointer)


async def work(graph: Any, steps: int) -> float:
    """Run it and return the CPU time of a step (ms)."""
    config = {"configurable": {"thread_id": "thread"}, "recursion_limit": steps + 10}
    begun = time.process_time()
    done = await graph.ainvoke({"messages": [], "count": 0}, config, durability="sync")
    assert len(done["messages"]) == steps
    return (time.process_time() - begun) / steps * 1000


def size(path: Path) -> int:
    """Return the bytes of an SQLite file once its log is written back."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path.stat().st_size


async def ours(url: str, steps: int, say: Callable[[random.Random], str]) -> float:
    """Measure the memory of Nexus."""
    async with open_memory(url) as memory:
        return await work(loop(steps, say, memory.checkpointer), steps)


async def official_sqlite(path: Path, steps: int, say: Callable[[random.Random], str]) -> float:
    """Measure LangGraph's saver for SQLite."""
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    async with AsyncSqliteSaver.from_conn_string(str(path)) as saver:
        return await work(loop(steps, say, saver), steps)


async def official_postgres(url: str, steps: int, say: Callable[[random.Random], str]) -> float:
    """Measure LangGraph's saver for PostgreSQL."""
    from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver

    async with AsyncPostgresSaver.from_conn_string(url) as saver:
        await saver.setup()
        return await work(loop(steps, say, saver), steps)


async def on_sqlite(folder: Path) -> list[dict[str, Any]]:
    """Measure files."""
    rows: list[dict[str, Any]] = []
    most = {400: 1.0, 1600: 4.0}
    for name, say in (("prose", prose), ("noise", noise)):
        for steps in STEPS:
            path = folder / f"{name}-{steps}.db"
            async with open_memory(f"sqlite:///{path}"):
                pass
            empty = size(path)
            spent = await ours(f"sqlite:///{path}", steps, say)
            taken = (size(path) - empty) / 1e6
            rows.append(row(f"Nexus on SQLite: {steps} steps x 1 kB of {name}", taken, "MB", at_most=most.get(steps)))
            rows.append(row(f"  CPU of a step, all of it: {steps} steps", spent, "ms"))
    for steps in OFFICIAL:
        path = folder / f"official-{steps}.db"
        spent = await official_sqlite(path, steps, prose)
        rows.append(row(f"AsyncSqliteSaver: {steps} steps x 1 kB of prose", size(path) / 1e6, "MB"))
        rows.append(row(f"  CPU of a step, all of it: {steps} steps", spent, "ms"))
        path.unlink()
    return rows


async def on_postgres() -> list[dict[str, Any]]:
    """Measure databases on a server, where there is one."""
    rows: list[dict[str, Any]] = []
    with server() as found:
        for steps in OFFICIAL if found else ():
            with found.database() as url:
                begun = time.perf_counter()
                spent = await official_postgres(url, steps, prose)
                theirs, their_time = database_bytes(found, url), time.perf_counter() - begun
            with found.database() as url:
                async with open_memory(url):
                    empty = database_bytes(found, url)
                begun = time.perf_counter()
                mine = await ours(url, steps, prose)
                my_time = time.perf_counter() - begun
                taken = database_bytes(found, url) - empty
            rows += [
                row(f"AsyncPostgresSaver: {steps} steps x 1 kB of prose", theirs / 1e6, "MB"),
                row(f"Nexus on PostgreSQL: {steps} steps x 1 kB of prose", taken / 1e6, "MB", at_most=theirs / 1e6),
                row(f"  CPU of a step here, Nexus / AsyncPostgresSaver: {steps} steps", mine / spent, "x", at_most=1),
                row(
                    f"  time of the run, Nexus / AsyncPostgresSaver: {steps} steps",
                    my_time / their_time,
                    "x",
                    at_most=1,
                ),
            ]
    return rows


async def long_thread(folder: Path) -> list[dict[str, Any]]:
    """Measure how long the newest state of a long conversation takes to read."""
    graph = StateGraph(State)
    graph.add_node("say", lambda state: {"count": 1})
    graph.add_edge(START, "say")
    graph.add_edge("say", END)
    config: Any = {"configurable": {"thread_id": "long"}}
    pieces = [" ".join(WORDS[number : number + 15]) for number in range(len(WORDS) - 15)]
    said = [
        (HumanMessage if number % 2 else AIMessage)(f"{number}: {pieces[number % len(pieces)]}", id=f"m-{number}")
        for number in range(LONG)
    ]
    url = f"sqlite:///{folder / 'long.db'}"
    async with open_memory(url) as memory:
        compiled = graph.compile(checkpointer=memory.checkpointer)
        await compiled.ainvoke({"messages": said, "count": 0}, config)
        await compiled.ainvoke({"messages": said[:10], "count": 0}, {"configurable": {"thread_id": "short"}})
        saved = await memory.checkpointer.aget_tuple(config)
        assert saved is not None
        assert saved.checkpoint["channel_values"]["messages"] == said
    # As when a run is resumed: in a process that has read something before, and not this.
    told = [json.loads(await asyncio.to_thread(_in_a_process, url)) for _ in range(TIMES)]
    spent, walls = [one[0] for one in told], [one[1] for one in told]
    what = f"newest state of a thread of {LONG:,} messages"
    return [
        row(f"{what} (CPU, median of {TIMES})", statistics.median(spent), "ms", at_most=50),
        row(f"  the same by the clock (median of {TIMES})", statistics.median(walls), "ms"),
    ]


def _in_a_process(url: str) -> bytes:
    return subprocess.run([sys.executable, __file__, url], check=True, capture_output=True).stdout


async def load(url: str) -> None:
    """Print how long the newest state of the long thread takes in this process (ms): CPU, and by the clock."""
    async with open_memory(url) as memory:
        await memory.checkpointer.aget_tuple({"configurable": {"thread_id": "short"}})
        begun, wall = time.process_time(), time.perf_counter()
        saved = await memory.checkpointer.aget_tuple({"configurable": {"thread_id": "long"}})
        spent = [1000 * (time.process_time() - begun), 1000 * (time.perf_counter() - wall)]
        assert saved is not None
        assert len(saved.checkpoint["channel_values"]["messages"]) == LONG
    print(json.dumps(spent))


async def main() -> None:
    """Measure, print and write."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = [*await on_sqlite(folder), *await long_thread(folder), *await on_postgres()]
    report("memory_growth", rows)


if __name__ == "__main__":
    asyncio.run(load(sys.argv[1]) if sys.argv[1:] else main())
