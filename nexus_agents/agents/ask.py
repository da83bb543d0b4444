"""One question to one model, answered by a typed product."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

from langchain_core.messages import HumanMessage
from pydantic import BaseModel

from nexus_agents.agents.loop import run_loop
from nexus_agents.core.errors import NexusError

if TYPE_CHECKING:
    from nexus_agents.core.ports import Kit

__all__ = ["ask"]

M = TypeVar("M", bound=BaseModel)


async def ask(
    kit: Kit,
    text: str,
    product: type[M],
    *,
    agent: str,
    system: str,
    model: str | None = None,
    tools: Sequence[str] = (),
) -> M:
    """Ask a model for a typed product.

    Args:
        kit: What wiring put together for this run.
        text: The question, with the products of others as blocks.
        product: What shall come back.
        agent: The name under which events and usage appear.
        system: System prompt.
        model: `provider:model`; that of the agent by default.
        tools: Tools that the model may call before it answers.

    Raises:
        NexusError: The model was reached and did not answer in form.
        BackendDown: It was not reached.
    """
    _, found = await run_loop(
        kit,
        [HumanMessage(text)],
        agent=agent,
        prompt=system,
        tools=tools,
        output=product,
        model=model,
        # A typed answer is no text for people while it is being made.
        quiet=True,
    )
    if not isinstance(found, product):
        raise NexusError(
            f"{kit.models.describe(agent, name=model)} handed over no {product.__name__}.",
            "Name a model that can call tools or answer in JSON, in agents.yaml or with --model.",
        )
    return found
