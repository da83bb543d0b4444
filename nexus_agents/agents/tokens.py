"""How many tokens a text will be, roughly and never far too low: no tokenizer knows every model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Generic, TypeVar, cast

from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool

__all__ = ["tokens_of_message", "tokens_of_text", "tokens_of_tools"]

PER_TOKEN = 3.2
"""Characters of ASCII a token: prose has 4 to 4.5 with the tokenizers of 2025, source code 3 to 3.5."""

PER_MESSAGE = 6
"""Tokens that a chat template puts around a message."""


MOST_COUNTED = 8192
"""Messages whose tokens are known at one time."""

_COUNTED: dict[int, tuple[BaseMessage, int]] = {}
"""By the identity of the message, which is held so that it stays one."""

T = TypeVar("T")


class _Same(Generic[T]):
    """Something that is told apart from others by which object it is."""

    __slots__ = ("one",)

    def __init__(self, one: T) -> None:
        self.one = one

    def __hash__(self) -> int:
        return id(self.one)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and cast("_Same[object]", other).one is self.one


def tokens_of_text(text: str) -> int:
    """Return about how many tokens a text has; a sign outside of ASCII counts as a whole one."""
    if text.isascii():
        return int(len(text) / PER_TOKEN) + 1
    plain = sum(char.isascii() for char in text)
    return int(plain / PER_TOKEN) + len(text) - plain + 1


def tokens_of_message(message: BaseMessage) -> int:
    """Return about how many tokens a message has, its tool calls included."""
    # A conversation is sent again with each call, and nothing in it changes any more.
    known = _COUNTED.get(id(message))
    if known is not None and known[0] is message:
        return known[1]
    count = tokens_of_text(message.text) + PER_MESSAGE
    if isinstance(message, AIMessage):
        for call in message.tool_calls:
            count += tokens_of_text(json.dumps(call["args"], ensure_ascii=False)) + tokens_of_text(call["name"])
    if len(_COUNTED) >= MOST_COUNTED:
        _COUNTED.clear()
    _COUNTED[id(message)] = (message, count)
    return count


def tokens_of_tools(tools: Sequence[BaseTool | dict[str, Any]]) -> int:
    """Return about how many tokens the declarations of tools have."""
    return sum(_tokens_of_tool(_Same(tool)) for tool in tools)


@lru_cache(maxsize=512)
def _tokens_of_tool(same: _Same[BaseTool | dict[str, Any]]) -> int:
    # Making a JSON schema costs a millisecond, and the same tools go with every call of an agent.
    return tokens_of_text(json.dumps(convert_to_openai_tool(same.one)))
