"""Every model call: within the budget, again after a transient fault, and its usage as an event."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from langchain_core.messages import AIMessage, BaseMessage

from nexus_agents.agents.folded import Folded
from nexus_agents.agents.middleware.base import Ask, Piece, Request, Response, tokens_around
from nexus_agents.agents.retry import with_retries
from nexus_agents.agents.tokens import counting, tokens_of_message
from nexus_agents.core.events import Usage

if TYPE_CHECKING:
    from nexus_agents.core.budget import Reading
    from nexus_agents.core.ports import Kit

__all__ = ["EXPECTED", "ModelCalls", "record"]

EXPECTED = 500
"""Tokens that an answer is taken to have before it is there."""


class ModelCalls(Piece):
    """The innermost piece: what goes out to the model passes here."""

    @cached_property
    def _tokens(self) -> Folded[int]:
        return counting()

    async def awrap_model_call(self, request: Request, handler: Ask) -> Response:
        """Call the model.

        Raises:
            LimitReached: A budget is used up.
            BackendDown: The model cannot be reached.
        """
        name = self.kit.models.describe(self.agent, name=self.model)
        estimate = self._tokens.of(request.messages) + tokens_around(request, self.output)

        async def once() -> Response:
            # Each attempt stands on the meter by itself: while it pauses, others may go ahead.
            async with self.kit.meter.call(self.agent, name, estimate + EXPECTED) as reading:
                begun = time.monotonic()
                response = await handler(request)
                await record(self.kit, reading, self.agent, name, response.result, estimate, time.monotonic() - begun)
                return response

        return await with_retries(once, what=name, kit=self.kit)


async def record(
    kit: Kit,
    reading: Reading,
    agent: str,
    model: str,
    answers: Sequence[BaseMessage],
    estimate: int,
    seconds: float,
) -> None:
    """Count what a call used, and tell of it.

    Args:
        kit: What wiring put together for this run.
        reading: The call on the meter.
        agent: Who called.
        model: `provider:model`.
        answers: What came back.
        estimate: Tokens that were sent, as far as could be told; taken where the server does not count.
        seconds: How long it took.
    """
    said = [message for message in answers if isinstance(message, AIMessage)]
    counted = [message.usage_metadata for message in said if message.usage_metadata]
    sent = sum(usage["input_tokens"] for usage in counted) if counted else estimate
    got = sum(usage["output_tokens"] for usage in counted) if counted else sum(map(tokens_of_message, said))
    cost = reading.used(sent, got, seconds)
    await kit.recorder.emit(
        Usage(
            agent=agent,
            model=model,
            input_tokens=sent,
            output_tokens=got,
            cost=cost,
            seconds=round(seconds, 3),
            estimated=not counted,
        )
    )
