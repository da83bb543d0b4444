"""`ScriptedChatModel`: an ordinary LangChain chat model that says what it is told to say."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage, InvalidToolCall, ToolCall
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from pydantic import PrivateAttr

from nexus_agents.models.answers import AnyTool, form_of, pieces, tools_of, typed_answer, usage
from nexus_agents.models.scripted.file import read_script
from nexus_agents.models.scripted.script import MARK, Conversation, Place, Script
from nexus_agents.models.scripted.steps import Step, StepLike, fault_error, spoil

__all__ = ["Request", "ScriptedChatModel"]


@dataclass(frozen=True)
class Request:
    """What a scripted model was asked.

    Attributes:
        messages: The conversation.
        tools: Tools that were offered, as OpenAI declares them.
        options: Whatever else was bound: tool_choice, response_format, ...
    """

    messages: Sequence[BaseMessage]
    tools: Sequence[Mapping[str, Any]]
    options: Mapping[str, Any]

    def __str__(self) -> str:
        lines = [f"  {message.type}: {_line(message)}" for message in self.messages]
        offered = ", ".join(tool["function"]["name"] for tool in self.tools) or "none"
        return "\n".join([*lines, f"  tools: {offered}", f"  options: {json.dumps(self.options, default=str)}"])


class ScriptedChatModel(BaseChatModel):
    """Says what a script says: text, tool calls, typed products, faults; streamed in pieces, with usage.

    With a list, each call takes the next step. With a file (`from_file`, `scripted:FILE`) the step follows from the
    conversation, so that a process that is started again goes on at the right one; how, is told in
    `nexus_agents.models.scripted.script`.

    Example:
        >>> with ScriptedChatModel([{"calls": [{"name": "add", "args": {"a": 1, "b": 2}}]}, 429, "It is 3."]) as model:
        ...     ...  # leaving the block fails where steps are left

    Args:
        steps: What is said, in order; a number is the fault of that HTTP status.
        role: Who speaks, for messages.
        script: The steps, where they come from elsewhere.
    """

    role: str = "assistant"
    _script: Script = PrivateAttr()
    _requests: list[Request] = PrivateAttr(default_factory=list[Request])

    def __init__(
        self,
        steps: Sequence[StepLike | int] = (),
        *,
        role: str = "assistant",
        script: Script | None = None,
        **settings: Any,
    ) -> None:
        super().__init__(role=role, **settings)  # pyright: ignore[reportCallIssue]
        listed: list[StepLike] = [Step(fault=step) if isinstance(step, int) else step for step in steps]
        self._script = script or Script(role, [Conversation("", listed)], in_order=True)

    @classmethod
    def from_file(cls, path: Path | str, role: str = "assistant") -> ScriptedChatModel:
        """Return the model that plays a role of a file of steps.

        Raises:
            ConfigError: The file cannot be read, is no script, or has no steps for the role.
        """
        return cls(role=role, script=read_script(Path(path), role))

    @property
    def requests(self) -> Sequence[Request]:
        """What was asked, in order, by this object."""
        return self._requests

    def assert_consumed(self) -> None:
        """Check that every step was taken.

        Raises:
            AssertionError: Steps are left; it names them.
        """
        left = self._script.left()
        if left:
            raise AssertionError(f"{len(left)} scripted steps were not taken: {'; '.join(map(str, left))}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.assert_consumed()

    @property
    def _llm_type(self) -> str:
        return "nexus-scripted"

    def bind_tools(
        self, tools: Sequence[AnyTool], *, tool_choice: str | None = None, **kwargs: Any
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Offer tools; `requests` tells what was offered and which choice was asked for."""
        choice = {"tool_choice": tool_choice} if tool_choice is not None else {}
        return self.bind(tools=tools_of(tools), **choice, **kwargs)

    def with_structured_output(
        self, schema: dict[str, Any] | type, *, include_raw: bool = False, method: str = "json_schema", **kwargs: Any
    ) -> Runnable[LanguageModelInput, Any]:
        """Ask for a typed answer: by `json_schema` (or `json_mode`) as JSON text, by `function_calling` as a tool."""
        if method == "function_calling":
            asked = self.bind_tools([schema], tool_choice="any", **kwargs)
        else:
            asked = self.bind(response_format=form_of(schema), **kwargs)
        return typed_answer(asked, schema, include_raw=include_raw)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        step, answer = self._next(messages, stop, kwargs)
        time.sleep(step.latency)
        return _whole(step, answer)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        step, answer = self._next(messages, stop, kwargs)
        await asyncio.sleep(step.latency)
        return _whole(step, answer)

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        step, answer = self._next(messages, stop, kwargs)
        time.sleep(step.latency)
        for number, chunk in enumerate(_until_cut(step, answer)):
            time.sleep(step.pace if number else 0)
            if run_manager:
                run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        step, answer = self._next(messages, stop, kwargs)
        await asyncio.sleep(step.latency)
        for number, chunk in enumerate(_until_cut(step, answer)):
            await asyncio.sleep(step.pace if number else 0)
            if run_manager:
                await run_manager.on_llm_new_token(chunk.text, chunk=chunk)
            yield chunk

    def _next(
        self, messages: Sequence[BaseMessage], stop: list[str] | None, kwargs: Mapping[str, Any]
    ) -> tuple[Step, AIMessage]:
        options = {key: value for key, value in kwargs.items() if key != "tools"}
        request = Request(list(messages), kwargs.get("tools") or [], {**options, **({"stop": stop} if stop else {})})
        self._requests.append(request)
        step, place = self._script.take(messages, str(request))
        if isinstance(step, BaseException):
            raise step
        return step, _answer(step, place, request)


def _answer(step: Step, place: Place, request: Request) -> AIMessage:
    offered = {tool["function"]["name"]: tool["function"].get("parameters", {}) for tool in request.tools}
    text, (calls, broken) = step.text, spoil(step, offered)
    made = [(call.name, call.args) for call in calls]
    if step.product in offered:
        made.append((step.product, step.value))
    elif step.product:
        text = json.dumps(step.value, ensure_ascii=False)
    key = _fingerprint(place, request.messages)
    good = [
        ToolCall(name=name, args=args, id=f"call_{key}_{number}", type="tool_call")
        for number, (name, args) in enumerate(made)
    ]
    bad: list[InvalidToolCall] = []
    if broken is not None:
        first = good.pop(0)
        cut = InvalidToolCall(name=first["name"], args=broken, id=first["id"], error=None, type="invalid_tool_call")
        bad.append(cut)
    if step.fault == "empty":
        text, good = "", []
    answer = AIMessage(
        content=text,
        id=f"msg_{key}",
        tool_calls=good,
        invalid_tool_calls=bad,
        response_metadata={
            "model_name": f"scripted:{place.role}",
            MARK: {"role": place.role, "conversation": place.conversation, "step": place.step},
        },
    )
    tokens = step.usage
    answer.usage_metadata = (
        UsageMetadata(input_tokens=tokens[0], output_tokens=tokens[1], total_tokens=sum(tokens))
        if tokens
        else usage(request.messages, answer)
    )
    return answer


def _whole(step: Step, answer: AIMessage) -> ChatResult:
    if step.fault is not None and step.raises:
        raise fault_error(step.fault)
    return ChatResult(generations=[ChatGeneration(message=answer)])


def _until_cut(step: Step, answer: AIMessage) -> Iterator[ChatGenerationChunk]:
    if step.fault is not None and step.raises and step.fault != "cut":
        raise fault_error(step.fault)
    for number, chunk in enumerate(pieces(answer)):
        if step.fault == "cut" and (number == step.after or chunk.message.response_metadata):
            raise fault_error(step.fault)
        yield chunk


def _fingerprint(place: Place, messages: Sequence[BaseMessage]) -> str:
    # Ids follow from the transcript: the same again after a crash, and others in another conversation.
    digest = hashlib.sha256(str(place).encode())
    for message in messages:
        digest.update(f"{message.type} {_line(message)}\n".encode())
    return digest.hexdigest()[:12]


def _line(message: BaseMessage) -> str:
    calls = message.tool_calls if isinstance(message, AIMessage) else []
    called = " ".join(f"{call['name']}({json.dumps(call['args'], ensure_ascii=False)})" for call in calls)
    return f"{message.text} {called}".strip()
