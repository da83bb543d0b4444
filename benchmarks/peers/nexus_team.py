"""The workflow with Nexus: a graph of three nodes, each of which calls an agent, as one run on an SQLite file.

Each run is written down, each step of the graph and of the agents is committed before the next one begins, each tool
call is in the ledger before it starts and after it ends, and what happens is told in events that are kept. What is
finished is never done again. Variants: `file` commits survive any kill of the process (the default of Nexus), `power`
ones a power failure too (an fsync each, as AsyncSqliteSaver does).
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Literal, NotRequired, TypedDict

from conversation import GO, side_by_side
from langchain_core.messages import HumanMessage
from langgraph.graph import END, START, StateGraph
from stage import AGENTS, PROMPT, TASK, imported, measure, options, run

from nexus_agents import AssistantAgent, Settings, open_runtime
from nexus_agents.agents.loop import run_loop
from nexus_agents.core.config import Config, MemoryConfig
from nexus_agents.core.events import RunFinished

IMPORTED = imported()


class Counter(AssistantAgent):
    """An agent that answers in words."""

    tools = ("add", "lookup")
    shares = False

    def __init__(self, name: str) -> None:
        self.name = name  # type: ignore[misc]

    def prompt(self, kit: Any) -> str:
        """Return the system prompt."""
        return PROMPT


class State(TypedDict):
    """What is handed from agent to agent, and the outcome."""

    request: str
    text: NotRequired[str]
    result: NotRequired[dict[str, Any]]


def team(kit: Any) -> Any:
    """Return the graph of a run."""
    graph = StateGraph(State)
    for name, before in zip(AGENTS, (START, *AGENTS), strict=False):
        agent = Counter(name)

        async def node(state: State, agent: Counter = agent) -> dict[str, Any]:
            said = (await agent.converse(kit, [HumanMessage(state.get("text", state["request"]))]))[-1].text
            return {"text": said, "result": {"status": "done", "summary": said}}

        graph.add_node(name, node)
        graph.add_edge(before, name)
    graph.add_edge(AGENTS[-1], END)
    return graph


def conversation(kit: Any) -> Any:
    """Return a graph in which one agent calls a tool many times."""

    async def node(state: State) -> dict[str, Any]:
        asked = [HumanMessage(state["request"])]
        said, _ = await run_loop(kit, asked, agent="counter", prompt=PROMPT, tools=["add"])
        return {"result": {"status": "done", "summary": said[-1].text}}

    graph = StateGraph(State)
    graph.add_node("counter", node)
    graph.add_edge(START, "counter")
    graph.add_edge("counter", END)
    return graph


async def main() -> None:
    """Measure what the command line says."""
    chosen = options("file", "power")
    durability: Literal["process", "power"] = "power" if chosen.variant == "power" else "process"
    config = Config(
        default_model=f"instant:{chosen.steps}",
        providers={"instant": "chat_model:create"},
        tools={"add": "nexus_tools:add", "lookup": "nexus_tools:lookup"},
        memory=MemoryConfig(durability=durability),
    )
    with tempfile.TemporaryDirectory() as home:
        builders = {"team": team, "conversation": conversation}
        async with open_runtime(Settings(Path(home), config), builders=builders) as runtime:

            async def execute(graph: str = "team", request: str = TASK) -> str:
                started = await runtime.start(request, graph=graph)
                last: Any = None
                async for event in runtime.stream(started.id):
                    last = event
                assert isinstance(last, RunFinished)
                if last.status != "done":
                    raise SystemExit(str(last.error))
                return last.summary

            if chosen.steps:
                await side_by_side(chosen.steps, execute("conversation", GO))
            else:
                await measure(execute, import_ms=IMPORTED, runs=chosen.runs)


if __name__ == "__main__":
    run(main())
