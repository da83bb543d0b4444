"""What a person says to a run that is at work reaches the agent at its next turn."""

from __future__ import annotations

from langchain_core.messages import BaseMessage, HumanMessage

from nexus_agents.agents.middleware.base import Ask, Piece, Request, Response
from nexus_agents.core.events import UserSaid

__all__ = ["Steering"]

MARK = "said-"
"""What the ids of such messages begin with; the run and the number of the event follow."""


class Steering(Piece):
    """Puts new words of the user into the conversation, before the model is asked the next time."""

    async def awrap_model_call(self, request: Request, handler: Ask) -> Response:
        """Call the model with what was said since."""
        # Every agent hears all that was said in this run: whoever begins later begins with it.
        if not (said := await self.kit.said()):
            return await handler(request)
        heard = {one.id for one in request.messages}
        said = [event for event in said if self._id(event) not in heard]
        if not said:
            return await handler(request)
        new: list[BaseMessage] = [
            HumanMessage(f"The user says, while you work: {event.text}", id=self._id(event)) for event in said
        ]
        response = await handler(request.override(messages=[*request.messages, *new]))  # pyright: ignore[reportArgumentType]
        response.result[:0] = new
        return response

    def _id(self, event: UserSaid) -> str:
        # A thread has several runs, and each numbers its events from the start.
        return f"{MARK}{self.kit.run.id}-{event.seq}"
