"""What chat models of our own share: answers in pieces, typed answers, tools in one form, a count of tokens."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, ToolCallChunk
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGenerationChunk
from langchain_core.runnables import Runnable, RunnableLambda, RunnableMap
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel

__all__ = ["AnyTool", "count_tokens", "form_of", "pieces", "tools_of", "typed_answer", "usage"]

AnyTool = dict[str, Any] | type | Callable[..., Any] | BaseTool

PIECE = 12
"""Characters of arguments in one piece of a streamed tool call: servers send a few tokens at a time."""


def tools_of(tools: Sequence[AnyTool]) -> list[dict[str, Any]]:
    """Return tools as OpenAI declares them: `{"type": "function", "function": {name, description, parameters}}`."""
    return [convert_to_openai_tool(tool) for tool in tools]


def form_of(schema: dict[str, Any] | type) -> dict[str, Any]:
    """Return the response format that asks for a schema, as OpenAI declares it."""
    function = convert_to_openai_tool(schema)["function"]
    return {
        "type": "json_schema",
        "json_schema": {"name": function["name"], "schema": function.get("parameters", {})},
    }


def pieces(message: AIMessage) -> Iterator[ChatGenerationChunk]:
    """Yield an answer as a server streams it: word by word, then each tool call in parts, then the usage."""
    for piece in re.findall(r"\s*\S+\s*", message.text):
        yield ChatGenerationChunk(message=AIMessageChunk(content=piece, id=message.id))
    for chunk in _call_pieces(message):
        yield ChatGenerationChunk(message=AIMessageChunk(content="", id=message.id, tool_call_chunks=[chunk]))
    yield ChatGenerationChunk(
        message=AIMessageChunk(
            content="",
            id=message.id,
            usage_metadata=message.usage_metadata,
            response_metadata=message.response_metadata,
            chunk_position="last",
        )
    )


def _call_pieces(message: AIMessage) -> Iterator[ToolCallChunk]:
    whole = [(call["name"], json.dumps(call["args"], ensure_ascii=False), call["id"]) for call in message.tool_calls]
    whole += [(call["name"] or "", call["args"] or "", call["id"]) for call in message.invalid_tool_calls]
    for index, (name, arguments, call_id) in enumerate(whole):
        yield tool_call_chunk(name=name, args="", id=call_id, index=index)
        for start in range(0, len(arguments), PIECE):
            yield tool_call_chunk(name=None, args=arguments[start : start + PIECE], id=None, index=index)


def typed_answer(
    model: Runnable[LanguageModelInput, AIMessage], schema: dict[str, Any] | type, *, include_raw: bool
) -> Runnable[LanguageModelInput, Any]:
    """Read a typed answer out of what a model says, whether it calls a tool of that name or writes JSON.

    Args:
        model: The model, told already what form is wanted.
        schema: A pydantic class, or a JSON schema.
        include_raw: Whether to answer `{raw, parsed, parsing_error}`, as LangChain does, in place of raising.
    """

    def parse(message: BaseMessage) -> Any:
        return _parse(message, schema)

    def parse_softly(found: Mapping[str, BaseMessage]) -> dict[str, Any]:
        try:
            return {"raw": found["raw"], "parsed": parse(found["raw"]), "parsing_error": None}
        except ValueError as error:
            return {"raw": found["raw"], "parsed": None, "parsing_error": error}

    if include_raw:
        return RunnableMap({"raw": model}) | RunnableLambda(parse_softly)
    return model | RunnableLambda(parse)


def _parse(message: BaseMessage, schema: dict[str, Any] | type) -> Any:
    name = convert_to_openai_tool(schema)["function"]["name"]
    calls = message.tool_calls if isinstance(message, AIMessage) else []
    called = next((call["args"] for call in calls if call["name"] == name), None)
    value: Any = called if called is not None else json.loads(_json_in(message.text))
    if isinstance(schema, type) and issubclass(schema, BaseModel):
        return schema.model_validate(value)
    return value


def _json_in(text: str) -> str:
    fenced = re.search(r"```(?:json)?\s*\n(.*?)```", text, re.S)
    return fenced[1] if fenced else text


def usage(messages: Sequence[BaseMessage], answer: AIMessage) -> UsageMetadata:
    """Return a count for models that have no tokenizer, so that budgets and displays have a figure."""
    before = sum(count_tokens(message.text) for message in messages)
    calls = cast("list[Mapping[str, Any]]", answer.tool_calls)
    said = count_tokens(answer.text) + sum(count_tokens(json.dumps([call["name"], call["args"]])) for call in calls)
    return UsageMetadata(input_tokens=before, output_tokens=said, total_tokens=before + said)


def count_tokens(text: str) -> int:
    """Return how many words and marks a text has."""
    return len(re.findall(r"\w+|[^\w\s]", text))
