"""One question to one model, answered by a typed product."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from pydantic import BaseModel

from nexus_agents.agents.base import first_line
from nexus_agents.agents.retry import with_retries
from nexus_agents.core.errors import NexusError
from nexus_agents.core.events import Usage

if TYPE_CHECKING:
    from nexus_agents.core.ports import Kit

__all__ = ["ask"]

M = TypeVar("M", bound=BaseModel)

ATTEMPTS = 3
"""A model that answers out of form is told what was wrong, twice."""


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
    if tools:
        from nexus_agents.agents.loop import LIMIT, build_loop

        await kit.tools.prepare(tools)
        loop = build_loop(kit, agent=agent, prompt=system, tools=tools, output=product, model=model)
        state = await loop.ainvoke({"messages": [("user", text)]}, LIMIT)
        if isinstance(found := state.get("structured_response"), product):
            return found
        # It has answered in words: without tools it can be told what form is asked for.
    name = kit.models.describe(agent, name=model)
    chat = kit.models.get(agent, name=model)
    # The declared type has holes: with include_raw it answers {raw, parsed, parsing_error}.
    structured = cast("Any", chat).with_structured_output(product, include_raw=True)
    # A typed answer is no text for people while it is being made: LangGraph is told not to stream it.
    structured = structured.with_config(tags=["nostream"])
    call = cast("Callable[[Sequence[BaseMessage]], Awaitable[dict[str, Any]]]", structured.ainvoke)
    messages: list[BaseMessage] = [SystemMessage(system), HumanMessage(text)]
    said = ""
    for _ in range(ATTEMPTS):
        answer = await with_retries(partial(call, tuple(messages)), what=name, kit=kit)
        raw = answer["raw"]
        if isinstance(raw, AIMessage) and raw.usage_metadata:
            usage = raw.usage_metadata
            await kit.recorder.emit(
                Usage(
                    agent=agent,
                    model=name,
                    input_tokens=usage["input_tokens"],
                    output_tokens=usage["output_tokens"],
                )
            )
        if isinstance(answer["parsed"], product):
            return answer["parsed"]
        text = raw.text if isinstance(raw, AIMessage) else ""
        # What the model said first, before it was told about forms, is the best reason that there is.
        said = said or text
        wrong = str(answer["parsing_error"] or "no answer in the form asked for")
        messages += [AIMessage(text or "(no text)"), HumanMessage(f"That is not a {product.__name__}: {wrong}")]
    reason, hint = first_line(said), "\n".join(said.strip().splitlines()[1:])
    raise NexusError(
        reason or f"{name} did not answer with a {product.__name__} in {ATTEMPTS} attempts.",
        first_line(hint) or "Name a model that can call tools or answer in JSON, in agents.yaml or with --model.",
    )
