"""The instant model as LangChain has it, for LangGraph and for Nexus."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, ClassVar

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolCall, ToolMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatResult
from stage import decide

__all__ = ["InstantModel", "create"]


class InstantModel(BaseChatModel):
    """Says what `decide` says.

    Attributes:
        steps: Instead, call `add` so many times and then stop, a step at a time.
        who: Which of two conversations this is.
        turns: What lets them take their steps in turn (conversation.py).
    """

    steps: int = 0
    who: int = 1
    turns: ClassVar[Any] = None

    @property
    def _llm_type(self) -> str:
        return "instant"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Any:
        """Know the tools already."""
        return self

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        usage = UsageMetadata(input_tokens=10, output_tokens=2, total_tokens=12)
        said = self._further(messages) if self.steps else self._next(messages)
        if isinstance(said, str):
            message = AIMessage(said, usage_metadata=usage)
        else:
            call = ToolCall(name=said[0], args=said[1], id=f"call-{len(messages)}")
            message = AIMessage("", tool_calls=[call], usage_metadata=usage)
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _agenerate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        # LangChain would otherwise hand an async call to a thread.
        if self.steps:
            await self.turns.next(self.who)
        return self._generate(messages)

    def _next(self, messages: list[BaseMessage]) -> tuple[str, dict[str, int]] | str:
        asked = max(place for place, message in enumerate(messages) if isinstance(message, HumanMessage))
        results = [message.text for message in messages[asked + 1 :] if isinstance(message, ToolMessage)]
        return decide(messages[asked].text, results)

    def _further(self, messages: list[BaseMessage]) -> tuple[str, dict[str, int]] | str:
        found = re.findall(r"\d+", messages[-1].text)
        number = int(found[-1]) if found else 0
        return ("add", {"a": number, "b": 1}) if number < self.steps else f"number {number}"


def create(model: str, settings: Any, role: str) -> BaseChatModel:
    """Make the model, as a provider in agents.yaml does; the model's name is the number of steps."""
    return InstantModel(steps=int(model))
