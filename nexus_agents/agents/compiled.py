"""Compiled agents, kept over turns and runs: to make one takes longer than a step of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import lru_cache, reduce
from typing import TYPE_CHECKING, Any, Protocol, cast

from langchain import agents as langchain_agents
from langchain.agents.middleware import AgentMiddleware
from langchain.agents.structured_output import ProviderStrategy, ToolStrategy
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage, SystemMessage
from langchain_core.outputs import ChatResult
from langchain_core.tools import StructuredTool
from pydantic import BaseModel

if TYPE_CHECKING:
    from nexus_agents.agents.middleware.base import Ask, Piece, Request, Response

__all__ = ["Loop", "Turn", "compiled"]

KEPT = 64
"""Agents with one set of tools and one product each; a team has some ten."""


class Loop(Protocol):
    """A compiled agent."""

    async def ainvoke(self, input: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
        """Run until the model calls no more tools; returns the state (`messages`, `structured_response`)."""
        ...


@dataclass(frozen=True)
class Turn:
    """What differs from one turn of an agent to the next, and so is no part of the compiled one.

    Attributes:
        model: Who is asked.
        prompt: System prompt; one object in the whole turn.
        tools: The tools of this run, by name.
        pieces: What stands around each model call, the outermost first.
    """

    model: BaseChatModel
    prompt: SystemMessage
    tools: Mapping[str, StructuredTool]
    pieces: Sequence[Piece]

    async def run(self, loop: Loop, messages: Sequence[BaseMessage], config: Mapping[str, Any]) -> dict[str, Any]:
        """Let a compiled agent work; returns its state."""
        token = _TURN.set(self)
        try:
            return await loop.ainvoke({"messages": list(messages)}, config)
        finally:
            _TURN.reset(token)


_TURN: ContextVar[Turn] = ContextVar("turn")
"""Tasks inherit it: agents side by side, and those that a tool of an agent starts, each see their own."""


def compiled(agent: str, tools: Sequence[StructuredTool], output: type[BaseModel] | None, native: bool) -> Loop:
    """Return the loop of an agent, made once; run it with `Turn.run`.

    Args:
        agent: The agent's name.
        tools: Tools as models see them; those of the turn are called.
        output: The typed product that ends the loop, or None for an answer in words.
        native: Whether the server itself holds an answer to the form; else it is asked by a tool call.
    """
    return _compiled(agent, tuple(_Face.of(tool) for tool in tools), output, native)


@dataclass(frozen=True)
class _Face:
    """A tool as a model sees it."""

    name: str
    description: str
    schema: type[BaseModel]
    answer: Callable[[Any], str] = field(compare=False)

    @classmethod
    def of(cls, tool: StructuredTool) -> _Face:
        wrong = cast("Callable[[Any], str]", tool.handle_validation_error)
        return cls(tool.name, tool.description, cast("type[BaseModel]", tool.args_schema), wrong)

    def tool(self) -> StructuredTool:
        async def invoke(tool_call_id: str, **arguments: Any) -> Any:
            call = _TURN.get().tools[self.name].coroutine
            assert call is not None
            return await call(tool_call_id=tool_call_id, **arguments)

        return StructuredTool(
            name=self.name,
            description=self.description,
            args_schema=self.schema,
            coroutine=invoke,
            handle_tool_error=True,
            handle_validation_error=self.answer,
        )


class _Around(AgentMiddleware[Any, Any, Any]):
    """Hands each model call to the pieces of the turn, with its model and its prompt."""

    async def awrap_model_call(self, request: Request, handler: Ask) -> Response:
        turn = _TURN.get()
        request = request.override(model=turn.model, system_message=turn.prompt)
        return await reduce(_within, reversed(turn.pieces), handler)(request)


def _within(handler: Ask, piece: Piece) -> Ask:
    async def ask(request: Request) -> Response:
        return await piece.awrap_model_call(request, handler)

    return ask


class _Nobody(BaseChatModel):
    """Stands where LangChain wants a model; each turn brings its own."""

    @property
    def _llm_type(self) -> str:
        return "nobody"

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        raise AssertionError("A turn brings its own model.")


@lru_cache(maxsize=KEPT)
def _compiled(agent: str, tools: tuple[_Face, ...], output: type[BaseModel] | None, native: bool) -> Loop:
    strategy: Any = None
    if output is not None:
        strategy = ProviderStrategy(output) if native else ToolStrategy(output, tool_message_content="Handed over.")
    # The declared type of the function has holes: this is the part of it that is used here.
    create_agent = cast("Callable[..., Loop]", langchain_agents.create_agent)  # pyright: ignore[reportUnknownMemberType]
    return create_agent(
        _Nobody(),
        [tool.tool() for tool in tools],
        middleware=[_Around()],
        response_format=strategy,
        name=agent,
    )
