"""A chat model that looks up what is remembered before it answers, whatever it is asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolCall, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.utils.function_calling import convert_to_openai_tool

from nexus_agents.core.config import ModelConfig

PRODUCTS = {
    "Answer": {"answer": "SQLite", "method": "looked up"},
    "Critique": {"agrees": True, "summary": "the same"},
    "Verdict": {"status": "agreed", "answer": "SQLite", "reason": "both looked it up"},
}


class Rememberer(BaseChatModel):
    """Calls `recall`, then writes down what it found, then hands over what is asked for."""

    names: tuple[str, ...] = ()
    role: str = ""

    @property
    def _llm_type(self) -> str:
        return "rememberer"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Any:
        names = tuple(str(convert_to_openai_tool(tool)["function"]["name"]) for tool in tools)
        return self.model_copy(update={"names": names})

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        answered = [message.text for message in messages if isinstance(message, ToolMessage)]
        product = next(name for name in self.names if name in PRODUCTS)
        call = ToolCall(name=product, args=PRODUCTS[product], id="product")
        if "recall" in self.names and not answered:
            call = ToolCall(name="recall", args={"query": "which database"}, id="recall")
        elif "remember" in self.names and len(answered) == 1:
            call = ToolCall(name="remember", args={"text": f"{self.role} was told: {answered[0][:80]}"}, id="remember")
        return ChatResult(generations=[ChatGeneration(message=AIMessage("", tool_calls=[call]))])


def create(model: str, settings: ModelConfig, role: str) -> BaseChatModel:
    """Make the model, as a provider in agents.yaml does."""
    return Rememberer(role=role)
