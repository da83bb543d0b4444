"""The loop that every agent runs: LangChain's `create_agent` with our middleware."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, cast

from langchain import agents as langchain_agents
from langchain.agents.middleware import AgentMiddleware, ModelRequest, ModelResponse
from langchain.agents.structured_output import ToolStrategy
from langchain_core.messages import AIMessage
from pydantic import BaseModel

from nexus_agents.agents.retry import with_retries
from nexus_agents.core.events import Usage

if TYPE_CHECKING:
    from nexus_agents.core.ports import Kit

__all__ = ["LIMIT", "Loop", "build_loop"]

LIMIT = {"recursion_limit": 120}
"""Some sixty rounds of model and tools in one turn; LangChain's own limit, 9,999, would empty a wallet first."""


class Loop(Protocol):
    """A compiled agent."""

    async def ainvoke(self, input: Mapping[str, Any], config: Mapping[str, Any]) -> dict[str, Any]:
        """Run until the model calls no more tools; returns the state (`messages`, `structured_response`)."""
        ...


def build_loop(
    kit: Kit, *, agent: str, prompt: str, tools: Sequence[str], output: type[BaseModel] | None, model: str | None = None
) -> Loop:
    """Return the graph of one agent; its checkpoints lie under those of the node that calls it.

    Args:
        kit: What wiring put together for this run.
        agent: The agent's name.
        prompt: System prompt.
        tools: Names of the tools that it may call.
        output: The typed product that ends the loop, or None for an answer in words.
        model: `provider:model`; that of the agent by default.
    """
    # The declared type of the function has holes: this is the part of it that is used here.
    create_agent = cast("Callable[..., Loop]", langchain_agents.create_agent)  # pyright: ignore[reportUnknownMemberType]
    return create_agent(
        kit.models.get(agent, name=model),
        kit.tools.bind(tools, agent=agent),
        system_prompt=prompt,
        middleware=[ModelCalls(kit, agent, model)],
        response_format=ToolStrategy(output) if output else None,
        name=agent,
    )


class ModelCalls(AgentMiddleware[Any, Any, Any]):
    """Every model call: again after a transient fault, and its usage as an event."""

    def __init__(self, kit: Kit, agent: str, model: str | None = None) -> None:
        super().__init__()
        self._kit = kit
        self._agent = agent
        self._model = model

    async def awrap_model_call(
        self,
        request: ModelRequest[Any],
        handler: Callable[[ModelRequest[Any]], Awaitable[ModelResponse[Any]]],
    ) -> ModelResponse[Any]:
        """Call the model."""
        name = self._kit.models.describe(self._agent, name=self._model)
        response = await with_retries(lambda: handler(request), what=name, kit=self._kit)
        for message in response.result:
            if isinstance(message, AIMessage) and message.usage_metadata:
                await self._kit.recorder.emit(
                    Usage(
                        agent=self._agent,
                        model=name,
                        input_tokens=message.usage_metadata["input_tokens"],
                        output_tokens=message.usage_metadata["output_tokens"],
                    )
                )
        return response
