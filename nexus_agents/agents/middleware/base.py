"""What the pieces around a model call have in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse

if TYPE_CHECKING:
    from pydantic import BaseModel

    from nexus_agents.core.ports import Kit

__all__ = ["Ask", "Piece", "Request", "Response"]

Request = ModelRequest[Any]
Response = ModelResponse[Any]
Ask = Callable[[Request], Awaitable[Response]]
"""Makes the call, with all that stands further in."""


class Piece(AgentMiddleware[Any, Any, Any]):
    """One piece around the model calls of one agent.

    Pieces wrap the call instead of standing before or after it: a hook of its own would be a node of the graph, with a
    checkpoint at each turn. What a piece adds to the conversation it hands back with the answer, in front of it.

    Args:
        kit: What wiring put together for this run.
        agent: Whose calls these are.
        model: `provider:model` or an alias where the agent's own is not meant.
        output: The typed product that ends the loop, or None for words.
    """

    def __init__(self, kit: Kit, agent: str, model: str | None = None, output: type[BaseModel] | None = None) -> None:
        super().__init__()
        self.kit = kit
        self.agent = agent
        self.model = model
        self.output = output

    async def awrap_model_call(self, request: Request, handler: Ask) -> Response:
        """Make the call."""
        return await handler(request)
