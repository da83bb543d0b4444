"""What durability costs a workflow of agents: `AgentOrchestrator` beside the same graph without a checkpointer.

`python benchmarks/memory_workflow.py` prints a table and writes results/memory_workflow.json. A step is one agent call
with a model that answers at once. With Nexus each run is written down, checkpointed at each step, and tells its events;
beside it the same graph, with the same agents and model, keeps and tells nothing.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ["LANGGRAPH_STRICT_MSGPACK"] = "true"

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolCall
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import BaseModel
from table import report, row

from nexus_agents import AgentOrchestrator, Settings, open_runtime
from nexus_agents.agents.base import Agent
from nexus_agents.core.config import Config, ModelConfig
from nexus_agents.core.runs import Run
from nexus_agents.runtime.workflow import build_workflow, check_workflow

STEPS = {2: 150, 3: 400, 6: 1000}
"""Steps, and the milliseconds that were once claimed for them, elsewhere and unmeasured."""

ROUNDS = 15
WARM = 3


class Note(BaseModel):
    """What each agent hands over."""

    summary: str


class Instant(BaseChatModel):
    """Hands over a note at once."""

    @property
    def _llm_type(self) -> str:
        return "instant"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        """Need no tools."""
        return self

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        call = ToolCall(name="Note", args={"summary": "noted"}, id="note")
        usage = {"input_tokens": 10, "output_tokens": 2, "total_tokens": 12}
        return ChatResult(generations=[ChatGeneration(message=AIMessage("", tool_calls=[call], usage_metadata=usage))])


def create(model: str, settings: ModelConfig, role: str) -> BaseChatModel:
    """Make the model, as a provider in agents.yaml does."""
    return Instant()


class Speaker(Agent[Note]):
    """An agent without tools."""

    output = Note

    def __init__(self, name: str) -> None:
        self.name = name

    def prompt(self, kit: Any) -> str:
        """Return the system prompt."""
        return "Hand over a note."


class Deaf:
    """Keeps and tells nothing."""

    async def emit(self, event: Any) -> None:
        """Let it pass."""

    def show(self, event: Any) -> None:
        """Let it pass."""


def workflow(steps: int) -> dict[str, Any]:
    """Return steps that follow each other."""
    names = [f"agent{number}" for number in range(steps)]
    return {
        "steps": [
            {"agent": name, "action": "make a note", "depends_on": names[:at][-1:]} for at, name in enumerate(names)
        ]
    }


async def bare(settings: Settings, steps: int) -> Any:
    """Return what runs the graph of a workflow without a checkpointer, without events."""
    agents = {f"agent{number}": Speaker(f"agent{number}") for number in range(steps)}
    checked = check_workflow(workflow(steps), agents, {})
    folder = str(settings.home / "bare")
    run = Run(id="bare", thread_id="bare", graph="workflow", request="x", workspace=folder, origin=folder)
    async with open_runtime(settings) as runtime:
        kit = dataclasses.replace(runtime.house.kit(run, lambda event: None), recorder=Deaf())

    async def execute() -> None:
        graph = build_workflow(checked, agents, kit).compile()
        done = await graph.ainvoke({"request": "x", "context": {}})
        assert len(done["context"]) == steps

    return execute


async def durable(settings: Settings, steps: int) -> Any:
    """Return what runs the workflow as its users do."""
    orchestrator = AgentOrchestrator(settings, workspace=settings.home / "work")
    for number in range(steps):
        orchestrator.register_agent(f"agent{number}", Speaker(f"agent{number}"))

    async def execute() -> None:
        done = await orchestrator.aexecute_workflow(workflow(steps))
        assert len(done.results) == steps

    return execute


async def main() -> None:
    """Measure, print and write."""
    sys.modules.setdefault("memory_workflow", sys.modules["__main__"])
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as name:
        config = Config(default_model="instant:x", providers={"instant": "memory_workflow:create"})
        settings = Settings(Path(name), config)
        for steps, claimed in STEPS.items():
            pair = (await bare(settings, steps), await durable(settings, steps))
            spent: tuple[list[float], list[float]] = ([], [])
            walls: list[float] = []
            for _ in range(WARM + ROUNDS):
                for execute, into in zip(pair, spent, strict=True):
                    begun, wall = time.process_time(), time.perf_counter()
                    await execute()
                    into.append(1000 * (time.process_time() - begun))
                walls.append(1000 * (time.perf_counter() - wall))
            without, lasting = (statistics.median(values[WARM:]) for values in spent)
            ratio = statistics.median(b / a for a, b in zip(spent[0][WARM:], spent[1][WARM:], strict=True))
            rows += [
                row(f"{steps} steps, the graph alone: CPU", without, "ms"),
                row(f"{steps} steps, durable: CPU", lasting, "ms"),
                row(f"{steps} steps, durable / alone (median of pairs)", ratio, "x", at_most=2.5),
                row(
                    f"{steps} steps, durable: time (a claim elsewhere: {claimed} ms)",
                    statistics.median(walls[WARM:]),
                    "ms",
                ),
            ]
    report("memory_workflow", rows)


if __name__ == "__main__":
    asyncio.run(main())
