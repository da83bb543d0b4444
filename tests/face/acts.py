"""A chat model that does what the request says, slowly enough to be watched, and tools whose effects can be counted."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage, HumanMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import BaseModel

from nexus_agents.core import runs
from nexus_agents.core.config import ModelConfig
from nexus_agents.core.tool import Job, tool


def _an_hour_ago() -> datetime:
    return datetime.now(UTC) - timedelta(hours=1)


if os.environ.get("CLOCK_SET_BACK"):
    # The clock of this process is set back now that it is at work: all that was imported before sees it too.
    runs.now.__globals__["timedelta"] = timedelta
    runs.now.__code__ = _an_hour_ago.__code__


class Said(BaseModel):
    summary: str


@tool(risk="write", resumable=False)
async def mark(job: Job, text: str) -> Said:
    """Append a line to effects.txt.

    Args:
        job: The call.
        text: The line.
    """
    descriptor = os.open(job.workspace / "effects.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(descriptor, f"{text}\n".encode())
    os.close(descriptor)
    return Said(summary=f"marked {text}")


@tool(risk="execute")
async def launch(job: Job, text: str) -> Said:
    """Do what needs an approval.

    Args:
        job: The call.
        text: What is written down.
    """
    (job.workspace / "launched.txt").write_text(text)
    return Said(summary=f"launched {text}")


@tool(risk="read", timeout=60)
async def hold(job: Job, file: str) -> Said:
    """Wait for a file in the workspace, and show that it waits.

    Args:
        job: The call.
        file: Its name.
    """
    (job.workspace / f"{file}-held").touch()
    while not (job.workspace / file).exists():
        job.progress(0.5, "waiting")
        await asyncio.sleep(0.02)
    return Said(summary=f"{file} came")


class ActsModel(BaseChatModel):
    """Works a request such as `{"calls": [[["mark", {"text": "a"}]]], "say": "words", "pause": 0.01}`."""

    @property
    def _llm_type(self) -> str:
        return "acts"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Any:
        return self

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        chunks = list(_chunks(messages))
        message = chunks[0]
        for chunk in chunks[1:]:
            message += chunk
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _astream(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        pause = _order(messages)[0].get("pause", 0)
        for chunk in _chunks(messages):
            yield ChatGenerationChunk(message=chunk)
            await asyncio.sleep(pause)


def create(model: str, settings: ModelConfig, role: str) -> BaseChatModel:
    """Make the model, as a provider in agents.yaml does."""
    return ActsModel()


def _order(messages: list[BaseMessage]) -> tuple[dict[str, Any], list[BaseMessage]]:
    # What a person says in between is no order.
    asked = [place for place, one in enumerate(messages) if isinstance(one, HumanMessage) and one.text.startswith("{")]
    last = max(asked)
    return json.loads(messages[last].text), messages[last + 1 :]


def _chunks(messages: list[BaseMessage]) -> Iterator[AIMessageChunk]:
    order, after = _order(messages)
    rounds = order.get("calls", [])
    turn = sum(not isinstance(message, ToolMessage) for message in after)
    if turn < len(rounds):
        calls = [
            {"name": name, "args": json.dumps(given), "id": f"call-{len(messages)}-{place}", "index": place}
            for place, (name, given) in enumerate(rounds[turn])
        ]
        yield AIMessageChunk("", tool_call_chunks=calls)
        return
    for word in str(order.get("say", "done")).split(" "):
        yield AIMessageChunk(f"{word} ")
