"""The loop that every agent runs: LangChain's `create_agent`, with our pieces around its model calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from langchain_core.messages import BaseMessage, SystemMessage
from pydantic import BaseModel

from nexus_agents.agents.compiled import Turn, compiled
from nexus_agents.agents.middleware.background import Background
from nexus_agents.agents.middleware.fallback import Fallback
from nexus_agents.agents.middleware.repair import Repair
from nexus_agents.agents.middleware.steering import Steering
from nexus_agents.agents.middleware.stuck import Stuck

if TYPE_CHECKING:
    from nexus_agents.core.ports import Kit

__all__ = ["run_loop"]

STEPS = 2400
"""Some twelve hundred rounds of model and tools in one turn: what ends a turn earlier is the budget, or a circle."""

AROUND = (Background, Steering, Stuck, Repair, Fallback)
"""What stands around each model call, the outermost first; approval and ledger stand around each tool call, in the
toolbox. Around the call of each model that may be asked stand `Context` and `ModelCalls`; `Fallback` makes them."""


async def run_loop(
    kit: Kit,
    messages: Sequence[BaseMessage],
    *,
    agent: str,
    prompt: str,
    tools: Sequence[str] = (),
    output: type[BaseModel] | None = None,
    model: str | None = None,
    quiet: bool = False,
) -> tuple[list[BaseMessage], BaseModel | None]:
    """Let one agent work until it answers; its checkpoints lie under those of the node that calls it.

    Args:
        kit: What wiring put together for this run.
        messages: The conversation so far, ending with what is asked.
        agent: The agent's name.
        prompt: System prompt.
        tools: Names of the tools that it may call.
        output: The typed product that ends the loop, or None for an answer in words.
        model: `provider:model` or an alias; that of the agent by default.
        quiet: What it says is no text for people while it is being made.

    Returns:
        The conversation with what was said and done since, and the product.

    Raises:
        NexusError: The model gave no answer that can be used, cannot be reached, or a limit was met.
    """
    profile = await kit.models.profile(agent, name=model)
    await kit.tools.prepare(tools)
    bound = kit.tools.bind(tools, agent=agent)
    # Where the server itself can hold an answer to a form, it does. Beside tools it is asked by a tool call all the
    # same, since few servers take both at once; and where another model may stand in, which may not be able to.
    native = bool(profile.json_schema) and not tools and not kit.models.fallbacks(agent, name=model)
    loop = compiled(agent, bound, output, native)
    turn = Turn(
        model=kit.models.get(agent, name=model),
        prompt=SystemMessage(prompt),
        tools={tool.name: tool for tool in bound},
        pieces=[piece(kit, agent, model, output) for piece in AROUND],
    )
    config: dict[str, Any] = {"recursion_limit": STEPS, **({"tags": ["nostream"]} if quiet else {})}
    state = await turn.run(loop, messages, config)
    product = state.get("structured_response")
    return state["messages"], product if output is not None and isinstance(product, output) else None
