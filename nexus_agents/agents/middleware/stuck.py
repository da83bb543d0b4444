"""An agent that goes in circles is told so, and then stopped."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from nexus_agents.agents.folded import Folded
from nexus_agents.agents.middleware.base import Ask, Piece, Request, Response, is_task, results_of
from nexus_agents.core.errors import RunFailed
from nexus_agents.core.events import Message

__all__ = ["Stuck", "StuckAgent", "circle"]

SAME = 3
"""How often the same call may bring the same result."""

BACK = 2
"""How often an edit may be taken back by the opposite one."""

WINDOW = 40
"""Messages that are looked at, from the newest: what lies further back is no circle."""

MARK = "stuck-"
"""What the ids of the warnings begin with."""


class StuckAgent(RunFailed):
    """An agent did the same again and again, and went on with it after it was told."""


class Stuck(Piece):
    """Warns once, and ends the agent's turn where the warning changes nothing."""

    @cached_property
    def _turn(self) -> Folded[tuple[int, bool]]:
        return Folded(lambda: (0, False), _since)

    async def awrap_model_call(self, request: Request, handler: Ask) -> Response:
        """Call the model, where need be with a warning.

        Raises:
            StuckAgent: It was warned and went on.
        """
        begin, warned = self._turn.of(request.messages)
        found = circle(request.messages[begin:])
        if found is None:
            return await handler(request)
        if warned:
            raise StuckAgent(
                f"The {self.agent} agent went in circles: {found}.",
                "Say more exactly what is wanted, or give it a more capable model in agents.yaml.",
            )
        warning = HumanMessage(
            f"You are going in circles: {found}. Do something else. If you cannot go on, hand over what you have and "
            "say what is open.",
            id=f"{MARK}{len(request.messages)}",
        )
        await self.kit.recorder.emit(Message(agent=self.agent, text=f"Going in circles: {found}."))
        response = await handler(request.override(messages=[*request.messages, warning]))
        response.result.insert(0, warning)
        return response


def _since(value: tuple[int, bool], place: int, message: BaseMessage) -> tuple[int, bool]:
    # From where circles are looked for, and whether the agent was warned in this turn.
    if is_task(message):
        return place + 1, False
    return (place + 1, True) if (message.id or "").startswith(MARK) else value


def circle(messages: Sequence[BaseMessage]) -> str | None:
    """Return in words what repeats itself in a conversation, or None.

    It is the same call with the same result three times, or an edit that was taken back by its opposite twice.
    """
    newest = messages[-WINDOW:]
    seen = Counter[tuple[str, str, str]]()
    for place, message in enumerate(newest):
        if isinstance(message, AIMessage):
            results = results_of(newest, place)
            seen.update(
                (call["name"], json.dumps(call["args"], sort_keys=True, default=str), results[str(call["id"])].text)
                for call in message.tool_calls
                if str(call["id"]) in results
            )
    for (name, _, _), count in seen.items():
        if count >= SAME:
            return f"{name} was called {count} times with the same arguments and the same result"
    edits = [
        call["args"]
        for message in newest
        if isinstance(message, AIMessage)
        for call in message.tool_calls
        if call["name"] == "edit_file"
    ]
    back = sum(_opposite(one, other) for one, other in pairwise(edits))
    return f"an edit of {edits[-1].get('path')} is made and taken back again" if back >= BACK else None


def _opposite(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return one.get("path") == other.get("path") and (one.get("old"), one.get("new")) == (
        other.get("new"),
        other.get("old"),
    )
