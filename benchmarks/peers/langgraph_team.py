"""The workflow with LangGraph: a graph of three nodes, each of which calls an agent of `create_agent`.

Variants: `plain` keeps nothing: a run that is cut off begins anew. `sqlite` has an AsyncSqliteSaver and
`durability="sync"`: each step of the graph and of the agents is committed, with an fsync (SQLite's default), before the
next one begins. A tool that is cut off runs again.
"""

from __future__ import annotations

import tempfile
import uuid
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, TypedDict

from chat_model import InstantModel
from conversation import GO, side_by_side
from langchain.agents import create_agent
from langchain_core.tools import tool
from langgraph.graph import END, START, StateGraph
from stage import AGENTS, PROMPT, TASK, add, imported, lookup, measure, options, run

IMPORTED = imported()


class State(TypedDict):
    """What is handed from agent to agent."""

    text: str


def team(checkpointer: Any) -> Any:
    """Return the compiled graph."""
    graph = StateGraph(State)
    for name, before in zip(AGENTS, (START, *AGENTS), strict=False):
        agent = create_agent(InstantModel(), [tool(add), tool(lookup)], system_prompt=PROMPT, name=name)

        async def node(state: State, agent: Any = agent) -> State:
            done = await agent.ainvoke({"messages": [("user", state["text"])]})
            return {"text": done["messages"][-1].text}

        graph.add_node(name, node)
        graph.add_edge(before, name)
    graph.add_edge(AGENTS[-1], END)
    return graph.compile(checkpointer=checkpointer)


async def converse(steps: int, checkpointer: Any) -> None:
    """Let one agent call a tool many times."""
    agent = create_agent(InstantModel(steps=steps), [tool(add)], system_prompt=PROMPT, checkpointer=checkpointer)
    config: Any = {"configurable": {"thread_id": "long"}, "recursion_limit": 3 * steps}
    durable: Any = {"durability": "sync"} if checkpointer else {}
    await agent.ainvoke({"messages": [("user", GO)]}, config, **durable)


async def main() -> None:
    """Measure what the command line says."""
    chosen = options("plain", "sqlite")
    async with AsyncExitStack() as stack:
        checkpointer: Any = None
        if chosen.variant == "sqlite":
            from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

            folder = stack.enter_context(tempfile.TemporaryDirectory())
            saver = AsyncSqliteSaver.from_conn_string(str(Path(folder) / "checkpoints.db"))
            checkpointer = await stack.enter_async_context(saver)
            await checkpointer.setup()
        if chosen.steps:
            await side_by_side(chosen.steps, converse(chosen.steps, checkpointer))
            return
        graph = team(checkpointer)
        durable: Any = {"durability": "sync"} if checkpointer else {}

        async def execute() -> str:
            config = {"configurable": {"thread_id": uuid.uuid4().hex}}
            return (await graph.ainvoke({"text": TASK}, config, **durable))["text"]

        await measure(execute, import_ms=IMPORTED, runs=chosen.runs)


if __name__ == "__main__":
    run(main())
