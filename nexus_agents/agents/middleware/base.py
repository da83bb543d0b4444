"""What the pieces around a model call have in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from langchain.agents.middleware import ModelRequest, ModelResponse
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

if TYPE_CHECKING:
    from pydantic import BaseModel

    from nexus_agents.core.ports import Kit

__all__ = ["MARKS", "Ask", "Piece", "Request", "Response", "begin_of_turn", "results_of"]

MARKS = ("said-", "stuck-", "repair-")
"""What the ids of those messages to a model begin with that are no task: words of the user, warnings, what to mend."""

Request = ModelRequest[Any]
Response = ModelResponse[Any]
Ask = Callable[[Request], Awaitable[Response]]
"""Makes the call, with all that stands further in."""


class Piece:
    """One piece around the model calls of one turn of an agent.

    Pieces wrap the call instead of standing before or after it: a hook of its own would be a node of the graph, with a
    checkpoint at each turn. What a piece adds to the conversation it hands back with the answer, in front of it.

    Args:
        kit: What wiring put together for this run.
        agent: Whose calls these are.
        model: `provider:model` or an alias where the agent's own is not meant.
        output: The typed product that ends the loop, or None for words.
    """

    def __init__(self, kit: Kit, agent: str, model: str | None = None, output: type[BaseModel] | None = None) -> None:
        self.kit = kit
        self.agent = agent
        self.model = model
        self.output = output

    async def awrap_model_call(self, request: Request, handler: Ask) -> Response:
        """Make the call."""
        return await handler(request)


def begin_of_turn(messages: Sequence[BaseMessage]) -> int:
    """Return the place of the task of this turn: the newest message of a person or a graph; -1 for none."""
    return next(
        (
            place
            for place in range(len(messages) - 1, -1, -1)
            if isinstance(messages[place], HumanMessage) and not (messages[place].id or "").startswith(MARKS)
        ),
        -1,
    )


def results_of(messages: Sequence[BaseMessage], place: int) -> dict[str, ToolMessage]:
    """Return the results of the calls of an answer, by the id of the call.

    Only what follows it directly counts: some servers number the calls of each answer from the start.

    Args:
        messages: The conversation.
        place: Where the answer stands in it.
    """
    assert isinstance(messages[place], AIMessage)
    found: dict[str, ToolMessage] = {}
    for following in range(place + 1, len(messages)):
        result = messages[following]
        if not isinstance(result, ToolMessage):
            break
        found[result.tool_call_id] = result
    return found
