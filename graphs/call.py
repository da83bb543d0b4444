"""One tool call as a run of its own: ledger, events, approval and resume for what a person asks for directly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from langgraph.graph import END, START, StateGraph

from nexus_agents.core.errors import InputError, ToolInputError
from nexus_agents.core.runs import Outcome

if TYPE_CHECKING:
    from nexus_agents.core.ports import Kit

__all__ = ["State", "build"]


class State(TypedDict):
    """A tool, its arguments, and what came of it."""

    request: str
    tool: str
    arguments: dict[str, Any]
    result: NotRequired[dict[str, Any]]


def build(kit: Kit) -> StateGraph[State]:
    """Return the graph: one node that calls the tool."""

    async def call(state: State) -> dict[str, Any]:
        call_id = f"call-{kit.run.id}"
        try:
            result = await kit.tools.call(state["tool"], state["arguments"], call_id=call_id, agent="user")
        except ToolInputError as error:
            # No model chose these arguments: a person typed them.
            raise InputError(error.message, error.hint) from error
        data = result.model_dump(mode="json")
        following = [str(command) for command in data.get("next", [])]
        summary = str(getattr(result, "summary", "") or f"{state['tool']}: done")
        outcome = Outcome(summary=summary, next=following, data=data)
        return {"result": outcome.model_dump(mode="json")}

    graph = StateGraph(State)
    graph.add_node("call", call)
    graph.add_edge(START, "call")
    graph.add_edge("call", END)
    return graph
