"""What a commit at each step costs a graph, beside the official savers and beside no checkpointer at all.

`python benchmarks/memory_steps.py` prints a table and writes results/memory_steps.json. The graph is a chain of six
nodes that do nothing; all are run in turn, many times over, and the medians of CPU time are compared. PostgreSQL is
measured too where NEXUS_TEST_POSTGRES_URL names a server, or its programs are on this machine.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import statistics
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, TypedDict

os.environ["LANGGRAPH_STRICT_MSGPACK"] = "true"

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, StateGraph
from postgres import server
from table import report, row

from memory import open_memory

NODES = 6
ROUNDS = 60
RUNS = 3
"""Runs of the graph in one measured piece."""

WARM = 5
"""Pieces that are not counted."""


class State(TypedDict):
    """How many nodes have run."""

    count: int


def chain(checkpointer: Any, *, sync: bool = False) -> Any:
    """Return a graph of six nodes that do nothing."""

    async def later(state: State) -> dict[str, Any]:
        return {"count": state["count"] + 1}

    def now(state: State) -> dict[str, Any]:
        return {"count": state["count"] + 1}

    graph = StateGraph(State)
    for number in range(NODES):
        graph.add_node(f"n{number}", now if sync else later)
    graph.add_edge(START, "n0")
    for number in range(NODES - 1):
        graph.add_edge(f"n{number}", f"n{number + 1}")
    graph.add_edge(f"n{NODES - 1}", END)
    return graph.compile(checkpointer=checkpointer)


async def compare(graphs: dict[str, tuple[Any, bool]]) -> dict[str, tuple[float, float]]:
    """Return the median CPU time and time of a step of each graph (ms), all of them measured in turn."""
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in graphs}
    for number in range(WARM + ROUNDS):
        for name, (graph, sync) in graphs.items():
            options: Any = {"durability": "sync"} if graph.checkpointer else {}
            begun, wall = time.process_time(), time.perf_counter()
            for run in range(RUNS):
                config: Any = {"configurable": {"thread_id": f"{name}-{number}-{run}"}}
                if sync:
                    graph.invoke({"count": 0}, config, **options)
                else:
                    await graph.ainvoke({"count": 0}, config, **options)
            steps = NODES * RUNS / 1000
            spent[name].append(((time.process_time() - begun) / steps, (time.perf_counter() - wall) / steps))
    return {
        name: (
            statistics.median(cpu for cpu, _ in pieces[WARM:]),
            statistics.median(wall for _, wall in pieces[WARM:]),
        )
        for name, pieces in spent.items()
    }


async def on_sqlite(folder: Path) -> list[dict[str, Any]]:
    """Measure on files."""
    async with AsyncExitStack() as stack:
        memory = await stack.enter_async_context(open_memory(f"sqlite:///{folder / 'nexus.db'}"))
        lasting = await stack.enter_async_context(open_memory(f"sqlite:///{folder / 'power.db'}", durability="power"))
        theirs = await stack.enter_async_context(AsyncSqliteSaver.from_conn_string(str(folder / "async.db")))
        await theirs.setup()
        connection = sqlite3.connect(folder / "sync.db", check_same_thread=False)
        stack.callback(connection.close)
        found = await compare(
            {
                "none": (chain(None), False),
                "none, sync": (chain(None, sync=True), True),
                "InMemorySaver": (chain(InMemorySaver()), False),
                "Nexus": (chain(memory.checkpointer), False),
                "Nexus, sync": (chain(memory.checkpointer, sync=True), True),
                "Nexus, power": (chain(lasting.checkpointer), False),
                "AsyncSqliteSaver": (chain(theirs), False),
                "SqliteSaver": (chain(SqliteSaver(connection), sync=True), True),
            }
        )
    rows = [row(f"{name}: CPU of a step", cpu, "ms") for name, (cpu, _) in found.items()]
    rows += [row(f"{name}: time of a step", wall, "ms") for name, (_, wall) in found.items()]
    bare, bare_sync = found["none"][0], found["none, sync"][0]
    ours, their = found["Nexus"][0] - bare, found["AsyncSqliteSaver"][0] - bare
    sync = found["SqliteSaver"][0] - bare_sync
    return [
        *rows,
        row("CPU that a commit at each step adds, Nexus / AsyncSqliteSaver", ours / their, "x", at_most=0.5),
        row("CPU that a commit at each step adds, Nexus (async) / SqliteSaver (sync)", ours / sync, "x"),
        row("  the same, both sync", (found["Nexus, sync"][0] - bare_sync) / sync, "x"),
    ]


async def on_postgres() -> list[dict[str, Any]]:
    """Measure on a server, where there is one."""
    with server() as found:
        if found is None:
            return []
        from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver

        async with AsyncExitStack() as stack:
            mine = stack.enter_context(found.database())
            other = stack.enter_context(found.database())
            memory = await stack.enter_async_context(open_memory(mine))
            theirs = await stack.enter_async_context(AsyncPostgresSaver.from_conn_string(other))
            await theirs.setup()
            measured = await compare(
                {
                    "none": (chain(None), False),
                    "Nexus on PostgreSQL": (chain(memory.checkpointer), False),
                    "AsyncPostgresSaver": (chain(theirs), False),
                }
            )
    (bare, _), (ours, our_time), (their, their_time) = measured.values()
    return [
        row("Nexus on PostgreSQL: CPU of a step here", ours, "ms"),
        row("AsyncPostgresSaver: CPU of a step here", their, "ms"),
        row("Nexus on PostgreSQL: time of a step", our_time, "ms"),
        row("AsyncPostgresSaver: time of a step", their_time, "ms"),
        row("CPU that it adds, Nexus / AsyncPostgresSaver", (ours - bare) / (their - bare), "x"),
        row("time of a step, Nexus / AsyncPostgresSaver", our_time / their_time, "x"),
    ]


async def main() -> None:
    """Measure, print and write."""
    with tempfile.TemporaryDirectory() as name:
        rows = [*await on_sqlite(Path(name)), *await on_postgres()]
    report("memory_steps", rows)


if __name__ == "__main__":
    asyncio.run(main())
