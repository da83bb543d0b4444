"""What a person says to a run that is at work reaches the agent at its next turn."""

from __future__ import annotations

from langchain_core.messages import BaseMessage, HumanMessage

from nexus_agents.agents.middleware.base import Ask, Piece, Request, Response
from nexus_agents.core.events import UserSaid

__all__ = ["Steering"]

MARK = "said-"
"""What the ids of such messages begin with; the number of the event follows."""


class Steering(Piece):
    """Puts new words of the user into the conversation, before the model is asked the next time."""

    async def awrap_model_call(self, request: Request, handler: Ask) -> Response:
        """Call the model with what was said since."""
        heard = {one.id for one in request.messages}
        # Every agent hears all that was said in this run: whoever begins later begins with it.
        said = [event for event in await self.kit.said() if _id(event) not in heard]
        if not said:
            return await handler(request)
        new: list[BaseMessage] = [
            HumanMessage(f"The user says, while you work: {event.text}", id=_id(event)) for event in said
        ]
        response = await handler(request.override(messages=[*request.messages, *new]))  # pyright: ignore[reportArgumentType]
        response.result[:0] = new
        return response


def _id(event: UserSaid) -> str:
    return f"{MARK}{event.seq}"
