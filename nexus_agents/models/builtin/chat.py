"""The built-in model as an ordinary LangChain chat model: tools, structured output, streaming, usage."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage, ToolCall
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from pydantic import PrivateAttr

from nexus_agents.core.registry import load_dotted
from nexus_agents.core.work import to_block
from nexus_agents.models.answers import AnyTool, pieces, tools_of, usage
from nexus_agents.models.builtin.turn import Calls, Decision, Product, Say, Turn, read_turn

if TYPE_CHECKING:
    from nexus_agents.models.builtin.solvers.bounded import SolverProcess

__all__ = ["BuiltinChatModel"]

ROLES = {
    name: f"nexus_agents.models.builtin.roles.{name}:decide"
    for name in ("assistant", "planning", "backend", "frontend", "testing", "review", "media")
}
SPECIALISTS = {
    name: f"nexus_agents.models.builtin.roles.debate:decide_{name}" for name in ("symbolic", "search", "judge")
}


class BuiltinChatModel(BaseChatModel):
    """A chat model whose every answer is a pure function of the transcript.

    So a run that is resumed or replayed gets the same answers and the same tool-call ids.

    Attributes:
        model: `nexus`, which acts by its role, or one of the specialists.
        role: The agent that it plays.
    """

    model: str = "nexus"
    role: str = "assistant"
    _process: SolverProcess | None = PrivateAttr(default=None)

    @property
    def _llm_type(self) -> str:
        return "nexus-builtin"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": f"builtin:{self.model}", "role": self.role, "deterministic": True}

    def bind_tools(
        self,
        tools: Sequence[AnyTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Offer tools; a tool named like a typed product (Plan, Review, ...) asks for that product."""
        return self.bind(tools=tools_of(tools), **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self._answer(messages, kwargs.get("tools") or []))])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        yield from pieces(self._answer(messages, kwargs.get("tools") or []))

    def _answer(self, messages: Sequence[BaseMessage], tools: Sequence[dict[str, Any]]) -> AIMessage:
        turn = read_turn(messages, tools)
        decision = self._decide(turn)
        if isinstance(decision, Product):
            wanted = type(decision.value).__name__
            decision = (
                Calls([(wanted, decision.value.model_dump(mode="json"))])
                if wanted in turn.tools
                else Say(to_block(decision.value))
            )
        key = _fingerprint(self.model, self.role, messages)
        calls = decision.calls if isinstance(decision, Calls) else ()
        answer = AIMessage(
            content=decision.text,
            id=f"msg_{key}",
            tool_calls=[
                ToolCall(name=name, args=dict(arguments), id=f"call_{key}_{index}", type="tool_call")
                for index, (name, arguments) in enumerate(calls)
            ],
            response_metadata={"model_name": f"builtin:{self.model}", "deterministic": True},
        )
        answer.usage_metadata = usage(messages, answer)
        return answer

    def _solvers(self) -> SolverProcess:
        # One process a model, so that debaters who work side by side do not wait for each other.
        from nexus_agents.models.builtin.solvers.bounded import SolverProcess

        if self._process is None:
            self._process = SolverProcess()
        return self._process

    def _decide(self, turn: Turn) -> Decision:
        if self.model in SPECIALISTS:
            return load_dotted(SPECIALISTS[self.model])(turn, self._solvers())
        if self.role in ROLES:
            return load_dotted(ROLES[self.role])(turn)
        return Say(
            f"I am the built-in model and have no rules for the role {self.role!r}. "
            "Name a model for it in agents.yaml, for instance openai:gpt-5-mini or one on a local server."
        )


def _fingerprint(model: str, role: str, messages: Sequence[BaseMessage]) -> str:
    digest = hashlib.sha256(f"{model}/{role}".encode())
    for message in messages:
        calls = message.tool_calls if isinstance(message, AIMessage) else []
        digest.update(json.dumps([message.type, message.text, calls], sort_keys=True, default=str).encode())
    return digest.hexdigest()[:12]
