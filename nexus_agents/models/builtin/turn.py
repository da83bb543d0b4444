"""What a built-in model sees of a conversation, and what it can decide."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from pydantic import BaseModel

__all__ = ["Calls", "Decision", "Exchange", "Product", "Result", "Say", "Turn", "read_turn"]


@dataclass(frozen=True)
class Say:
    """Answer in words."""

    text: str


@dataclass(frozen=True)
class Calls:
    """Call tools, side by side."""

    calls: Sequence[tuple[str, Mapping[str, Any]]]
    text: str = ""


@dataclass(frozen=True)
class Product:
    """Answer with a typed product."""

    value: BaseModel


Decision = Say | Calls | Product


@dataclass(frozen=True)
class Result:
    """What a tool answered."""

    tool: str
    ok: bool
    text: str
    data: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The parsed result; empty where it was not a JSON object."""


@dataclass(frozen=True)
class Exchange:
    """An earlier request and what was said to it."""

    request: str
    answer: str


@dataclass(frozen=True)
class Turn:
    """A conversation as rules can use it.

    Attributes:
        request: The newest message of the user or of the graph.
        results: What tools answered since then, oldest first.
        earlier: The exchanges before it, oldest first.
        tools: Names of the tools that are offered, with their JSON schemas.
    """

    request: str
    results: Sequence[Result]
    earlier: Sequence[Exchange]
    tools: Mapping[str, Mapping[str, Any]]

    def result(self, tool: str) -> Result | None:
        """Return the newest answer of a tool since the request."""
        return next((result for result in reversed(self.results) if result.tool == tool), None)

    @property
    def failure(self) -> Result | None:
        """The newest failed call since the request, where there is one."""
        return next((result for result in reversed(self.results) if not result.ok), None)


def read_turn(messages: Sequence[BaseMessage], tools: Sequence[Mapping[str, Any]]) -> Turn:
    """Read a transcript.

    Args:
        messages: The conversation; what stands before the last human message is history.
        tools: Tool declarations in the form of OpenAI.
    """
    last = max((i for i, message in enumerate(messages) if isinstance(message, HumanMessage)), default=-1)
    after = messages[last + 1 :]
    return Turn(
        request=messages[last].text if last >= 0 else "",
        results=[_result(message) for message in after if isinstance(message, ToolMessage)],
        earlier=_exchanges(messages[: max(last, 0)]),
        tools={tool["function"]["name"]: tool["function"].get("parameters", {}) for tool in tools},
    )


def _exchanges(messages: Sequence[BaseMessage]) -> list[Exchange]:
    exchanges: list[Exchange] = []
    request: str | None = None
    for message in messages:
        if isinstance(message, HumanMessage):
            request = message.text
        elif isinstance(message, AIMessage) and request is not None and not message.tool_calls:
            exchanges.append(Exchange(request, message.text))
            request = None
    return exchanges


def _result(message: ToolMessage) -> Result:
    try:
        data: Any = json.loads(message.text)
    except ValueError:
        data = {}
    parsed = cast("dict[str, Any]", data) if isinstance(data, dict) else {}
    return Result(message.name or "", message.status != "error", message.text, parsed)
