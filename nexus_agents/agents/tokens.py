"""How many tokens a text will be, roughly and never far too low: no tokenizer knows every model."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel

from nexus_agents.agents.folded import Folded

__all__ = ["counting", "tokens_of_message", "tokens_of_output", "tokens_of_text", "tokens_of_tools"]

T = TypeVar("T")

PER_TOKEN = 3.2
"""Characters of ASCII a token: prose has 4 to 4.5 with the tokenizers of 2025, source code 3 to 3.5."""

PER_MESSAGE = 6
"""Tokens that a chat template puts around a message."""


MOST_COUNTED = 4096
"""Objects whose tokens are known at one time."""

_COUNTED: dict[int, tuple[object, int]] = {}
"""By the identity of an object, which is held so that it stays one: what goes with each call again does not change."""


def tokens_of_text(text: str) -> int:
    """Return about how many tokens a text has; a sign outside of ASCII counts as a whole one."""
    if text.isascii():
        return int(len(text) / PER_TOKEN) + 1
    plain = sum(char.isascii() for char in text)
    return int(plain / PER_TOKEN) + len(text) - plain + 1


def tokens_of_message(message: BaseMessage) -> int:
    """Return about how many tokens a message has, its tool calls included."""
    return _once(message, _count_message)


def counting() -> Folded[int]:
    """Return what counts the tokens of a conversation that grows."""
    return Folded(int, lambda total, _, message: total + tokens_of_message(message))


def tokens_of_tools(tools: Sequence[BaseTool | dict[str, Any]]) -> int:
    """Return about how many tokens the declarations of tools have."""
    return sum(_once(tool, _count_tool) for tool in tools)


def tokens_of_output(output: type[BaseModel]) -> int:
    """Return about how many tokens the form of a typed product has."""
    return _once(output, _count_output)


def _once(one: T, count: Callable[[T], int]) -> int:
    known = _COUNTED.get(id(one))
    if known is not None and known[0] is one:
        return known[1]
    if len(_COUNTED) >= MOST_COUNTED:
        _COUNTED.clear()
    number = count(one)
    _COUNTED[id(one)] = (one, number)
    return number


def _count_message(message: BaseMessage) -> int:
    count = tokens_of_text(message.text) + PER_MESSAGE
    if isinstance(message, AIMessage):
        for call in message.tool_calls:
            count += tokens_of_text(json.dumps(call["args"], ensure_ascii=False)) + tokens_of_text(call["name"])
    return count


def _count_tool(tool: BaseTool | dict[str, Any]) -> int:
    return tokens_of_text(json.dumps(convert_to_openai_tool(tool)))


def _count_output(output: type[BaseModel]) -> int:
    return tokens_of_text(str(output.model_json_schema()))
