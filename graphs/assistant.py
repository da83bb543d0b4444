"""The front door: a request in plain words, any tool, follow-up turns in the same thread."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, NotRequired, TypedDict, cast

from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, HumanMessage, ToolMessage
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages

from nexus_agents.agents.assistant import AssistantAgent
from nexus_agents.agents.middleware.base import results_of
from nexus_agents.core.events import Message
from nexus_agents.core.runs import Outcome, RunError

if TYPE_CHECKING:
    from nexus_agents.core.ports import Kit

__all__ = ["State", "build"]

REQUEST = "request-"
"""What the ids of requests begin with; the run follows."""


class State(TypedDict):
    """The conversation of a thread and the newest request in it."""

    request: str
    messages: Annotated[list[AnyMessage], add_messages]
    result: NotRequired[dict[str, Any]]


def build(kit: Kit) -> StateGraph[State]:
    """Return the graph: answer (tools and other graphs run inside), then finish."""
    assistant = AssistantAgent()
    # The same id after a crash, so that the message is not taken for a second one.
    request_id = f"{REQUEST}{kit.run.id}"

    async def answer(state: State) -> dict[str, Any]:
        before = [message for message in state.get("messages", []) if message.id != request_id]
        asked = HumanMessage(state["request"], id=request_id)
        return {"messages": await assistant.converse(kit, [*before, asked])}

    async def finish(state: State) -> dict[str, Any]:
        # The newest request: in a fork it may be the one that the run before it was asked.
        asked = [place for place, message in enumerate(state["messages"]) if (message.id or "").startswith(REQUEST)]
        turn = cast("Sequence[BaseMessage]", state["messages"][asked[-1] + 1 :])
        outcome = await _outcome(kit, turn)
        await kit.recorder.emit(Message(agent=assistant.name, text=outcome.summary))
        return {"result": outcome.model_dump(mode="json")}

    graph = StateGraph(State)
    graph.add_node("answer", answer)
    graph.add_node("finish", finish)
    graph.add_edge(START, "answer")
    graph.add_edge("answer", "finish")
    graph.add_edge("finish", END)
    return graph


async def _outcome(kit: Kit, turn: Sequence[BaseMessage]) -> Outcome:
    said = next((message.text for message in reversed(turn) if isinstance(message, AIMessage)), "")
    results = [message for message in turn if isinstance(message, ToolMessage)]
    calling = [place for place, message in enumerate(turn) if isinstance(message, AIMessage) and message.tool_calls]
    last = results_of(turn, calling[-1]).values() if calling else ()
    broken = next((message for message in last if message.status == "error"), None)
    if broken:
        # The last thing that was tried did not work, and the model gave up.
        error = await kit.tools.failure(broken.tool_call_id) or _refusal(broken)
        return Outcome(status="failed", summary=said, error=error, next=[f"nexus show {kit.run.id}"])
    following = [command for message in results for command in _next(message.text)]
    return Outcome(summary=said, next=list(dict.fromkeys(following)))


def _refusal(message: ToolMessage) -> RunError:
    # What was refused before it began (a person said no, the arguments do not fit) stands in no ledger.
    first, _, rest = message.text.strip().partition("\n")
    return RunError(message=first or f"{message.name} did not work.", hint=rest.strip())


def _next(text: str) -> list[str]:
    try:
        data: Any = json.loads(text)
    except ValueError:
        return []
    listed = cast("dict[str, Any]", data).get("next") if isinstance(data, dict) else None
    return [str(command) for command in cast("list[Any]", listed)] if isinstance(listed, list) else []
