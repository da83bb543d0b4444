"""What the pieces around a model call have in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from langchain.agents.middleware import ModelRequest, ModelResponse
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from nexus_agents.agents.tokens import tokens_of_message, tokens_of_output, tokens_of_tools

if TYPE_CHECKING:
    from pydantic import BaseModel

    from nexus_agents.core.ports import Kit

__all__ = ["MARKS", "Ask", "Piece", "Request", "Response", "begin_of_turn", "is_task", "results_of", "tokens_around"]

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


def tokens_around(request: Request, output: type[BaseModel] | None) -> int:
    """Return about how many tokens go with a conversation: the prompt, the tools, and the form of the product."""
    prompt = tokens_of_message(request.system_message) if request.system_message else 0
    return prompt + tokens_of_tools(request.tools) + (tokens_of_output(output) if output else 0)


def is_task(message: BaseMessage) -> bool:
    """Return whether a turn begins with a message: it is one of a person or a graph."""
    return isinstance(message, HumanMessage) and not (message.id or "").startswith(MARKS)


def begin_of_turn(messages: Sequence[BaseMessage]) -> int:
    """Return the place of the task of this turn, the newest one; -1 for none."""
    return next((place for place in range(len(messages) - 1, -1, -1) if is_task(messages[place])), -1)


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
