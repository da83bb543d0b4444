"""A chat model around another one, whose answers it keeps; or around a recording alone."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any, cast

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, message_to_dict, messages_from_dict
from langchain_core.messages.utils import message_chunk_to_message
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable, RunnableBinding, RunnableSequence
from langchain_core.runnables.config import ensure_config
from pydantic import PrivateAttr

from nexus_agents.models.answers import AnyTool, form_of, pieces, tools_of, typed_answer
from nexus_agents.models.recorded.folder import Recording
from nexus_agents.models.recorded.missing import not_recorded
from nexus_agents.models.whole_calls import take_out_half

__all__ = ["RecordedChatModel"]

CANONICAL = frozenset({"tools", "tool_choice", "response_format", "through"})
"""What this model binds for the key; the model inside is given its own form of it, `through`."""


class RecordedChatModel(BaseChatModel):
    """Gives the recorded answer to a request; what is not recorded is asked of the model inside, and kept.

    Args:
        recording: The folder.
        role: Who asks: a part of every key, since two agents may ask the same and be answered differently.
        model: `provider:model` of the model inside, for people who read the recording.
        inner: The model that is asked; None for a replay, which asks nobody.
    """

    role: str = "assistant"
    model: str = ""
    _recording: Recording = PrivateAttr()
    _inner: BaseChatModel | None = PrivateAttr(default=None)

    def __init__(self, recording: Recording, *, role: str, model: str, inner: BaseChatModel | None = None) -> None:
        profile = inner.profile if inner else None
        super().__init__(role=role, model=model, profile=profile)  # pyright: ignore[reportCallIssue]
        self._recording = recording
        self._inner = inner

    @property
    def _llm_type(self) -> str:
        return "nexus-recorded"

    def bind_tools(
        self, tools: Sequence[AnyTool], *, tool_choice: str | None = None, **kwargs: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Offer tools."""
        asked: dict[str, Any] = {"tools": tools_of(tools), "tool_choice": tool_choice, **kwargs}
        if self._inner:
            choice = {"tool_choice": tool_choice} if tool_choice is not None else {}
            asked["through"] = _bound(self._inner.bind_tools(tools, **choice, **kwargs))
        return self.bind(**asked)

    def with_structured_output(
        self, schema: dict[str, Any] | type, *, include_raw: bool = False, **kwargs: Any
    ) -> Runnable[LanguageModelInput, Any]:
        """Ask for a typed answer, in the way of the model inside."""
        asked: dict[str, Any] = {"response_format": form_of(schema)}
        if self._inner:
            asked["through"] = _bound(self._inner.with_structured_output(schema, **kwargs))
        return typed_answer(self.bind(**asked), schema, include_raw=include_raw)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        request, place, found = self._look_up(messages, stop, kwargs)
        if found is None:
            inner = self._ask(request)
            result = inner._generate(messages, stop, run_manager, **_inside(kwargs))  # pyright: ignore[reportPrivateUsage]
            found = self._keep(request, place, result.generations[0])
        return ChatResult(generations=[ChatGeneration(message=found)])

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        request, place, found = self._look_up(messages, stop, kwargs)
        if found is None:
            inner = self._ask(request)
            result = await inner._agenerate(messages, stop, run_manager, **_inside(kwargs))  # pyright: ignore[reportPrivateUsage]
            found = self._keep(request, place, result.generations[0])
        return ChatResult(generations=[ChatGeneration(message=found)])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        request, place, found = self._look_up(messages, stop, kwargs)
        if found is not None or not _streams(self._ask(request), "_stream"):
            yield from pieces(found or _said(self._generate(messages, stop, run_manager, **kwargs)))
            return
        whole: ChatGenerationChunk | None = None
        for chunk in self._ask(request)._stream(messages, stop, run_manager, **_inside(kwargs)):  # pyright: ignore[reportPrivateUsage]
            whole = chunk if whole is None else whole + chunk
            yield chunk
        if whole is not None:
            self._keep(request, place, whole)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        request, place, found = self._look_up(messages, stop, kwargs)
        if found is not None or not _streams(self._ask(request), "_astream", "_stream"):
            for chunk in pieces(found or _said(await self._agenerate(messages, stop, run_manager, **kwargs))):
                yield chunk
            return
        whole: ChatGenerationChunk | None = None
        async for chunk in self._ask(request)._astream(messages, stop, run_manager, **_inside(kwargs)):  # pyright: ignore[reportPrivateUsage]
            whole = chunk if whole is None else whole + chunk
            yield chunk
        # A stream that is cut off is an answer that nobody got: it is not kept.
        if whole is not None:
            self._keep(request, place, whole)

    def _look_up(
        self, messages: Sequence[BaseMessage], stop: list[str] | None, kwargs: Mapping[str, Any]
    ) -> tuple[dict[str, Any], str, AIMessage | None]:
        request = self._recording.normal.request(self.role, messages, {**kwargs, **({"stop": stop} if stop else {})})
        place = _place()
        kept = self._recording.find(request, place)
        return request, place, _message(kept) if kept else None

    def _ask(self, request: Mapping[str, Any]) -> BaseChatModel:
        if self._inner is None:
            raise not_recorded(self._recording, request)
        return self._inner

    def _keep(self, request: Mapping[str, Any], place: str, answer: ChatGeneration) -> AIMessage:
        whole = message_chunk_to_message(answer.message)
        whole.response_metadata = {**(answer.generation_info or {}), **whole.response_metadata}
        if isinstance(answer.message, AIMessageChunk) and isinstance(whole, AIMessage):
            # Of a half call its half is kept: replayed, it is told apart from a whole one as it was here.
            take_out_half(whole, {piece["id"] or "": piece["args"] or "" for piece in answer.message.tool_call_chunks})
        self._recording.add(request, place, self.model, message_to_dict(whole))
        return cast("AIMessage", whole)


def _inside(kwargs: Mapping[str, Any]) -> dict[str, Any]:
    if "through" not in kwargs:
        return dict(kwargs)
    return {**{key: value for key, value in kwargs.items() if key not in CANONICAL}, **kwargs["through"]}


def _bound(runnable: Runnable[Any, Any]) -> dict[str, Any]:
    """Return what a provider binds to its model for tools or for a typed answer, in its own dialect."""
    steps = runnable.steps if isinstance(runnable, RunnableSequence) else [runnable]
    first = steps[0]
    if not isinstance(first, RunnableBinding):
        raise TypeError(f"{type(first).__name__} cannot be recorded: it binds nothing to its model")
    # LangChain's own note for tracers, which it takes out again before a provider sees it.
    return {key: value for key, value in first.kwargs.items() if key != "ls_structured_output_format"}


def _streams(model: BaseChatModel, *methods: str) -> bool:
    return any(getattr(type(model), method) is not getattr(BaseChatModel, method) for method in methods)


def _said(result: ChatResult) -> AIMessage:
    return cast("AIMessage", result.generations[0].message)


def _message(kept: Mapping[str, Any]) -> AIMessage:
    (message,) = messages_from_dict([dict(kept)])
    return cast("AIMessage", message)


def _place() -> str:
    """Return where in a run this is asked: the same after a crash, and in another run of the same graph."""
    told = ensure_config().get("metadata") or {}
    # Task ids of LangGraph follow from the ids of checkpoints, which are new in each run.
    path = re.sub(r":[0-9a-f-]{36}", "", str(told.get("langgraph_checkpoint_ns", "")))
    side = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "", str(told.get("langgraph_path", "")))
    return f"{path} {told.get('langgraph_step', '')} {side}".strip()
