"""Graphs by name: loaded by dotted path, run inside the present run."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, cast

from nexus_agents.core.registry import Registry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from langgraph.checkpoint.base import BaseCheckpointSaver
    from langgraph.store.base import BaseStore

    from nexus_agents.core.config import Config
    from nexus_agents.core.ports import Kit

__all__ = ["GRAPHS", "CompiledGraph", "NestedGraphs", "compile_graph", "graph_registry", "task_place"]

GRAPHS = {
    "assistant": "graphs.assistant:build",
    "call": "graphs.call:build",
    "debate": "graphs.debate:build",
    "development": "graphs.development:build",
    "podcast": "graphs.podcast:build",
    "workflow": "nexus_agents.runtime.workflow:build",
    "workflow_inside": "nexus_agents.runtime.workflow:build_inside",
}


class CompiledGraph(Protocol):
    """The part of a compiled LangGraph graph that is used here."""

    async def ainvoke(self, input: Any) -> dict[str, Any]:
        """Run to the end and return the state."""
        ...

    def astream(self, input: Any, config: Any, **options: Any) -> AsyncIterator[dict[str, Any]]:
        """Run and yield parts of the stream, of the modes that are asked for."""
        ...

    async def aget_state(self, config: Any) -> Any:
        """Return the newest state snapshot."""
        ...


def graph_registry(config: Config) -> Registry:
    """Return the graphs by name, those of agents.yaml included."""
    return Registry("graph", GRAPHS, "nexus.graphs", config.more_graphs)


def compile_graph(
    build: Callable[[Kit], Any],
    kit: Kit,
    checkpointer: BaseCheckpointSaver[str] | None = None,
    store: BaseStore | None = None,
) -> CompiledGraph:
    """Build and compile a graph for one run; graphs inside it inherit the checkpointer and the store."""
    return cast("CompiledGraph", build(kit).compile(checkpointer=checkpointer, store=store))


class NestedGraphs:
    """Implements `GraphRunner` of core: the graph runs under the node or tool that asks for it.

    LangGraph hands the checkpointer, the thread and the streams down by context, so that a graph which was cut off
    goes on where it was when its caller is called again.
    """

    def __init__(self, registry: Registry, kit: Callable[[], Kit]) -> None:
        self._registry = registry
        self._kit = kit

    async def run(self, graph: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Run a graph to its end and return its `result` channel."""
        compiled = compile_graph(self._registry.load(graph), self._kit())
        state = await compiled.ainvoke(dict(inputs))
        return cast("dict[str, Any]", state["result"])

    def place(self) -> str:
        """Return a prefix made of the tool calls and tasks around this node; empty in the run's own graph."""
        # The last part is the node itself, whose own name its call ids carry; what lies around it is stable.
        around = "|".join(_namespace().split("|")[:-1])
        return f"{_short(around)}-" if around else ""


def task_place() -> str:
    """Return a short name of the task that runs here: the same again after a crash, another one in each turn."""
    return _short(_namespace())


def _namespace() -> str:
    from langgraph.config import get_config

    return str(get_config().get("configurable", {}).get("checkpoint_ns", ""))


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
