"""Tool calls that a stream left half are told apart from whole ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, InvalidToolCall
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, GenerationChunk, LLMResult

__all__ = ["WholeCalls", "take_out_half"]


class WholeCalls(BaseCallbackHandler):
    """Turns those calls of a streamed answer into invalid ones whose arguments did not come to their end.

    LangChain completes half a JSON text by itself, so that a stream can be shown while it comes. At its end that would
    make a whole file of half a one.
    """

    run_inline = True

    def __init__(self) -> None:
        self._pieces: dict[UUID, dict[Any, list[str]]] = {}
        self._ids: dict[UUID, dict[Any, str]] = {}

    def on_chat_model_start(
        self, serialized: dict[str, Any], messages: list[list[BaseMessage]], *, run_id: UUID, **kwargs: Any
    ) -> None:
        """Do nothing: of a handler that lacks this, LangChain writes the whole conversation out as a text."""

    def on_llm_new_token(
        self,
        token: str | list[str | dict[str, Any]],
        *,
        chunk: GenerationChunk | ChatGenerationChunk | None = None,
        run_id: UUID,
        **kwargs: Any,
    ) -> None:
        """Collect the text of arguments as it comes."""
        message = chunk.message if isinstance(chunk, ChatGenerationChunk) else None
        if not isinstance(message, AIMessageChunk):
            return
        for piece in message.tool_call_chunks:
            key = piece["index"] if piece["index"] is not None else piece["id"]
            self._pieces.setdefault(run_id, {}).setdefault(key, []).append(piece["args"] or "")
            if piece["id"]:
                self._ids.setdefault(run_id, {})[key] = piece["id"]

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **kwargs: Any) -> None:
        """Look at each call once all of it is there."""
        pieces, ids = self._pieces.pop(run_id, {}), self._ids.pop(run_id, {})
        texts = {ids.get(key, ""): "".join(parts) for key, parts in pieces.items()}
        for generation in (one for row in response.generations for one in row):
            message = generation.message if isinstance(generation, ChatGeneration) else None
            if isinstance(message, AIMessage):
                take_out_half(message, texts)

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **kwargs: Any) -> None:
        """Forget a call that failed."""
        self._pieces.pop(run_id, None)
        self._ids.pop(run_id, None)


def take_out_half(message: AIMessage, texts: Mapping[str, str]) -> None:
    """Turn those calls of a message into invalid ones whose arguments are not whole.

    Args:
        message: What LangChain made of the answer; it is changed.
        texts: The arguments as they came, by the id of their call.
    """
    half = {call_id: text for call_id, text in texts.items() if not _is_whole(text)}
    if not half:
        return
    cut = [call for call in message.tool_calls if call["id"] in half]
    message.tool_calls = [call for call in message.tool_calls if call["id"] not in half]
    message.invalid_tool_calls = [
        *message.invalid_tool_calls,
        *(
            InvalidToolCall(
                name=call["name"],
                args=half[call["id"] or ""],
                id=call["id"],
                error="the arguments are not whole",
                type="invalid_tool_call",
            )
            for call in cut
        ),
    ]


def _is_whole(text: str) -> bool:
    try:
        # Line breaks within strings are a habit of small models, and harmless.
        return not text.strip() or isinstance(json.loads(text, strict=False), dict)
    except ValueError:
        return False
