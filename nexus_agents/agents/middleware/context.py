"""The conversation is made to fit the model before each call, never after it overflowed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from typing import Any, cast

from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, HumanMessage, ToolMessage

from nexus_agents.agents.folded import Folded
from nexus_agents.agents.middleware.base import Ask, Piece, Request, Response, tokens_around
from nexus_agents.agents.tokens import counting, tokens_of_message
from nexus_agents.core.errors import LimitReached
from nexus_agents.core.events import Compacted

__all__ = ["Context", "compact"]

NEWEST = 4
"""Messages at the end that are left as they are as long as there is another way."""

LEFT_NOTE = 60
"""Tokens that telling of what was left out takes."""

SMALL = 200
"""Characters below which leaving something out saves nothing."""

ANSWER = 0.25
"""Share of the context that is kept free for the answer, where the model does not say how long one may be."""

MOST_ANSWER = 8192
"""Tokens kept free for the answer at most."""


class Context(Piece):
    """Leaves out old tool output, oldest first, until what is sent fits; the conversation itself keeps it all."""

    @cached_property
    def _tokens(self) -> Folded[int]:
        return counting()

    async def awrap_model_call(self, request: Request, handler: Ask) -> Response:
        """Call the model with what fits.

        Raises:
            LimitReached: Even the newest messages do not fit.
        """
        profile = await self.kit.models.profile(self.agent, name=self.model)
        if not profile.context:
            return await handler(request)
        room = profile.context - min(profile.max_output or MOST_ANSWER, MOST_ANSWER, int(profile.context * ANSWER))
        fixed = tokens_around(request, self.output)
        before = fixed + self._tokens.of(request.messages)
        if before <= room:
            return await handler(request)
        messages = compact(request.messages, room - fixed)
        after = fixed + sum(map(tokens_of_message, messages))
        if after > room:
            raise LimitReached(
                f"What the {self.agent} agent needs to know does not fit: about {after:,} tokens, and "
                f"{profile.name} has {profile.context:,} ({profile.source}).",
                "Give the agent a model with a longer context, or ask for less at once.",
            )
        await self.kit.recorder.emit(
            Compacted(agent=self.agent, model=profile.name, before=before, after=after, context=profile.context)
        )
        return await handler(request.override(messages=cast("list[AnyMessage]", messages)))


def compact(messages: Sequence[BaseMessage], room: int) -> list[BaseMessage]:
    """Leave out of a conversation what can be looked up again, oldest first, until it fits.

    The first message (the task) and all that people said stay. What goes, in this order: results of tools, arguments
    of calls, the middle of long results among the newest messages, and at last whole calls, with a count of them.

    Args:
        messages: The conversation.
        room: Tokens that there are for it.

    Returns:
        The conversation; it may still be too long.
    """
    fitted = list(messages)
    over = sum(map(tokens_of_message, fitted)) - room
    old = range(1, max(1, len(fitted) - NEWEST))
    for shorten in (_without_result, _without_arguments):
        for place in old:
            if over <= 0:
                return fitted
            over -= _replace(fitted, place, shorten(fitted[place]))
    for place in range(max(1, len(fitted) - NEWEST), len(fitted)):
        if over <= 0:
            break
        over -= _replace(fitted, place, _shortened(fitted[place], over))
    return _without_calls(fitted, over) if over > 0 else fitted


def _without_calls(messages: list[BaseMessage], over: int) -> list[BaseMessage]:
    gone = Counter[str]()
    kept = messages[:1]
    over += LEFT_NOTE
    rest = messages[1:]
    while over > 0 and len(rest) > NEWEST:
        first = rest.pop(0)
        if isinstance(first, HumanMessage):
            kept.append(first)
            continue
        over -= tokens_of_message(first)
        if isinstance(first, AIMessage):
            gone.update(call["name"] for call in first.tool_calls)
            # A result without its call is refused by every provider.
            while rest and isinstance(rest[0], ToolMessage):
                over -= tokens_of_message(rest.pop(0))
    if not gone:
        return [*kept, *rest]
    counted = ", ".join(f"{name} {count} times" for name, count in gone.most_common())
    note = HumanMessage(f"[Your earlier calls were left out to save room: {counted}. What they did, stands.]")
    return [*kept, note, *rest]


def _replace(messages: list[BaseMessage], place: int, new: BaseMessage) -> int:
    saved = tokens_of_message(messages[place]) - tokens_of_message(new)
    messages[place] = new
    return saved


def _without_result(message: BaseMessage) -> BaseMessage:
    if not isinstance(message, ToolMessage) or len(message.text) <= SMALL:
        return message
    first = message.text.strip().partition("\n")[0][: SMALL // 2]
    left = (
        f"{first}\n[{len(message.text):,} characters were left out to save room: call {message.name} again for them.]"
    )
    return message.model_copy(update={"content": left})


def _without_arguments(message: BaseMessage) -> BaseMessage:
    if not isinstance(message, AIMessage) or not message.tool_calls:
        return message
    calls = [
        {**call, "args": {name: _brief(value) for name, value in call["args"].items()}} for call in message.tool_calls
    ]
    # Some providers keep a second copy of the calls beside them, which is what they send.
    more = {name: value for name, value in message.additional_kwargs.items() if name != "tool_calls"}
    content = message.content if isinstance(message.content, str) else message.text
    return message.model_copy(update={"tool_calls": calls, "additional_kwargs": more, "content": content})


def _brief(value: Any) -> Any:
    if isinstance(value, str) and len(value) > SMALL:
        return f"{value[: SMALL // 2]} [{len(value):,} characters left out]"
    return value


def _shortened(message: BaseMessage, over: int) -> BaseMessage:
    if not isinstance(message, ToolMessage):
        return message
    keep = max(SMALL, len(message.text) - over * 4)
    if keep >= len(message.text):
        return message
    head, tail = message.text[: keep * 2 // 3], message.text[-(keep // 3) :]
    gap = len(message.text) - len(head) - len(tail)
    return message.model_copy(update={"content": f"{head}\n[... {gap:,} characters left out ...]\n{tail}"})
