"""What a model can do, found out by three short calls: a stream, a tool call, an answer held to a JSON schema."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, cast

from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import tool
from langgraph.constants import TAG_NOSTREAM
from pydantic import BaseModel

from nexus_agents.core.runs import now

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from nexus_agents.core.models import ModelProfile

__all__ = ["MOST_TOKENS", "PATIENCE", "probe"]

PATIENCE = 20.0
"""Seconds for each of the calls."""

MOST_TOKENS = 256
"""Tokens of each answer: a model that thinks aloud comes to the point within them, or is not told to."""

UNHEARD = RunnableConfig(tags=[TAG_NOSTREAM])
"""A run may be what asks for a profile: what the model says to a probe is not shown as words of its agent."""

BUSY = (408, 425, 429, 502, 503, 504)


class Capital(BaseModel):
    """A city and the number of its letters."""

    city: str
    letters: int


@tool
def weather(city: str) -> str:
    """Tell the weather in a city."""
    return f"sunny in {city}"


async def probe(chat: BaseChatModel, told: ModelProfile) -> ModelProfile | None:
    """Return a profile with what was found out; None where the model does not answer, so that nothing was.

    Args:
        chat: The model, with answers limited to `MOST_TOKENS`.
        told: What its server says of it; a probe decides over it only where it has an answer.
    """
    streams = await _try(lambda: _streams(chat), fault=None)
    if streams is None:
        return None
    calls = await _try(lambda: _calls(chat), fault=False)
    holds = await _try(lambda: _holds(chat), fault=False)
    found = {"streaming": streams, "tools": calls, "json_schema": holds}
    known = {key: value for key, value in found.items() if value is not None}
    source = f"{told.source}; tried out" if told.source else "tried out"
    return told.model_copy(update={**known, "source": source, "probed_at": now()})


async def _try(call: Callable[[], Awaitable[bool]], *, fault: bool | None) -> bool | None:
    try:
        return await asyncio.wait_for(call(), PATIENCE)
    except (TimeoutError, ConnectionError):
        return None
    except Exception as error:
        # Clients of many servers are called here, each with exceptions of its own: only a status is common.
        status = getattr(error, "status_code", None)
        return fault if isinstance(status, int) and status not in BUSY else None


async def _streams(chat: BaseChatModel) -> bool:
    pieces = [chunk async for chunk in chat.astream("Count from one to ten, in words.", UNHEARD)]
    return len([piece for piece in pieces if piece.content or piece.additional_kwargs]) > 1


async def _calls(chat: BaseChatModel) -> bool:
    answer = await chat.bind_tools([weather]).ainvoke("What is the weather in Paris? Use the tool.", UNHEARD)
    return any(call["name"] == "weather" for call in answer.tool_calls)


async def _holds(chat: BaseChatModel) -> bool:
    # The question does not ask for JSON: only a server that holds the answer to the schema gives it.
    asked = cast("Any", chat).with_structured_output(Capital, method="json_schema", include_raw=True)
    try:
        answer = await asked.ainvoke("What is the capital of France?", UNHEARD)
    except ValueError:
        # Some clients read the answer themselves and stumble over words.
        return False
    return isinstance(answer["parsed"], Capital) and isinstance(answer["raw"], AIMessage)
