"""Answers that do not hold together are mended where that is safe, and else sent back with what is wrong."""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast
from uuid import uuid4

from langchain.agents.structured_output import StructuredOutputError
from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    BaseMessage,
    HumanMessage,
    InvalidToolCall,
    ToolCall,
    ToolMessage,
)

from nexus_agents.agents.folded import Folded
from nexus_agents.agents.middleware.base import Ask, Piece, Request, Response, results_of
from nexus_agents.core.errors import NexusError
from nexus_agents.core.events import Repaired

__all__ = ["Repair", "complete", "mended"]

TRIES = 3
"""How often in a row an answer may be out of form before the agent's turn ends."""


class Repair(Piece):
    """Mends calls, asks again for what is missing, and completes what an earlier end left open."""

    @cached_property
    def _calls(self) -> Folded[_OpenCalls]:
        return Folded(_OpenCalls, _OpenCalls.add)

    async def awrap_model_call(self, request: Request, handler: Ask) -> Response:
        """Call the model until its answer can be used.

        Raises:
            NexusError: It could not be used three times in a row.
        """
        messages = self._completed(request.messages)
        added: list[BaseMessage] = []
        said = ""
        for _ in range(TRIES):
            wrong = ""
            try:
                whole = [*messages, *added] if added or messages is not request.messages else None
                sent = request.override(messages=cast("list[AnyMessage]", whole)) if whole else request
                response = await handler(sent)
            except StructuredOutputError as error:
                # A server that promised to hold the form did not.
                answer = error.ai_message
                wrong = f"That is not a {self._product}: {error}"
                response = Response(result=[answer])
            response.result[:] = [mended(message) for message in response.result]
            answer = next((one for one in response.result if isinstance(one, AIMessage)), None)
            wrong = wrong or self._wrong(answer, response)
            if answer is not None and wrong and answer.response_metadata.get("deterministic"):
                # Rules that have nothing to hand over say why, and would say the same again.
                raise NexusError(*self._explained(answer.text))
            if not wrong:
                response.result[:0] = added
                return response
            assert answer is not None
            said = said or answer.text
            await self.kit.recorder.emit(Repaired(agent=self.agent, what=wrong))
            added += _answered(answer, wrong)
        raise NexusError(*self._explained(said))

    def _completed(self, messages: Sequence[BaseMessage]) -> Sequence[BaseMessage]:
        begin = self._calls.of(messages).begin
        return messages if begin is None else complete(messages, begin)

    @property
    def _product(self) -> str:
        return self.output.__name__ if self.output else "answer"

    def _wrong(self, answer: AIMessage | None, response: Response) -> str:
        if answer is None or response.structured_response is not None or answer.tool_calls:
            return ""
        if answer.invalid_tool_calls:
            names = ", ".join(str(call["name"]) for call in answer.invalid_tool_calls)
            cut = " Your answer was cut off at its longest length: write less at once." if _was_cut(answer) else ""
            return f"The arguments of {names} are not valid JSON: make the call again, whole.{cut}"
        if not answer.text.strip():
            wanted = f"hand over the {self._product}" if self.output else "say what you have done"
            return f"Your answer was empty. Call a tool, or {wanted}."
        if self.output is not None:
            return (
                f"You answered in words. When you are done, hand over {self._product} by calling the tool of that "
                "name; until then, call the other tools."
            )
        return ""

    def _explained(self, said: str) -> tuple[str, str]:
        name = self.kit.models.describe(self.agent, name=self.model)
        first, _, rest = said.strip().partition("\n")
        return (
            first[:200] or f"{name} gave no answer that can be used, {TRIES} times.",
            rest.strip().partition("\n")[0]
            or f"The {self.agent} agent ({name}) handed over no {self._product}: ask otherwise, or name a model that "
            "can call tools.",
        )


def mended(message: BaseMessage) -> BaseMessage:
    """Return a message with those malformed calls mended whose meaning is plain.

    Line breaks inside of strings and the literals of Python are. What was cut off is not: half a file would be taken
    for the whole of it.
    """
    if not isinstance(message, AIMessage) or not message.invalid_tool_calls or _was_cut(message):
        return message
    good: list[ToolCall] = []
    bad: list[InvalidToolCall] = []
    for call in message.invalid_tool_calls:
        arguments = _arguments(call["args"] or "")
        if arguments is None or not call["name"]:
            bad.append(call)
        else:
            good.append(ToolCall(name=call["name"], args=arguments, id=call["id"], type="tool_call"))
    return message.model_copy(update={"tool_calls": [*message.tool_calls, *good], "invalid_tool_calls": bad})


@dataclass
class _OpenCalls:
    """Where the first answer stands whose calls do not all have a result."""

    first: int | None = None
    last: int = 0
    missing: set[str] = field(default_factory=set[str])

    @property
    def begin(self) -> int | None:
        return self.first if self.first is not None else self.last if self.missing else None

    def add(self, place: int, message: BaseMessage) -> _OpenCalls:
        if isinstance(message, ToolMessage):
            self.missing.discard(message.tool_call_id)
            return self
        # Too late for what is still missing of the answer before.
        self.first = self.begin
        self.last = place
        self.missing = set(_ids(message)) if isinstance(message, AIMessage) else set()
        return self


def _ids(answer: AIMessage) -> list[str]:
    return [str(call["id"]) for call in (*answer.tool_calls, *answer.invalid_tool_calls) if call["id"]]


def complete(messages: Sequence[BaseMessage], begin: int = 0) -> list[BaseMessage]:
    """Return a conversation in which each call has a result: providers refuse one where a call was left open.

    Args:
        messages: The conversation.
        begin: Where the first answer stands that is looked at.
    """
    whole = list(messages[:begin])
    for place in range(begin, len(messages)):
        message = messages[place]
        whole.append(message)
        if not isinstance(message, AIMessage):
            continue
        # Only what follows directly counts: some servers number the calls of each answer from the start.
        answered = results_of(messages, place)
        for call in (*message.tool_calls, *message.invalid_tool_calls):
            if call["id"] and call["id"] not in answered:
                text = "This call was not carried out: the work ended before it."
                whole.append(ToolMessage(text, tool_call_id=call["id"], name=call["name"] or "unknown", status="error"))
    return whole


def _answered(answer: AIMessage, wrong: str) -> list[BaseMessage]:
    told: list[BaseMessage] = [
        ToolMessage(wrong, tool_call_id=call["id"], name=call["name"] or "unknown", status="error")
        for call in answer.invalid_tool_calls
        if call["id"]
    ]
    return [answer, *(told or [HumanMessage(wrong, id=f"repair-{uuid4()}")])]


def _was_cut(message: AIMessage) -> bool:
    data = message.response_metadata
    return (data.get("finish_reason") or data.get("stop_reason") or data.get("done_reason")) in ("length", "max_tokens")


def _arguments(text: str) -> dict[str, Any] | None:
    for read in (lambda: json.loads(text, strict=False), lambda: ast.literal_eval(text)):
        try:
            value = read()
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(value, dict):
            return cast("dict[str, Any]", value)
    return None
