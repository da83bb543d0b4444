"""Small tools whose effects can be counted, and a chat model that calls what the request says."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolCall, ToolMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import BaseModel

from nexus_agents.core.config import ModelConfig
from nexus_agents.core.errors import ConsentNeeded
from nexus_agents.core.tool import Job, tool


class Said(BaseModel):
    summary: str


def effect(job: Job, text: str) -> None:
    """Append a line in one write, so that a killed process leaves a whole line or none."""
    descriptor = os.open(job.workspace / "effects.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(descriptor, f"{text}\n".encode())
    os.close(descriptor)


@tool(risk="read")
async def note(job: Job, text: str, times: int = 1) -> Said:
    """Say a text some times.

    Args:
        job: The call.
        text: What is said.
        times: How often.
    """
    job.progress(0.5, "half")
    return Said(summary=" ".join([text] * times))


@tool(risk="write", resumable=False)
async def send(job: Job, text: str, hang: bool = False) -> Said:
    """Do something that cannot be taken back; then, where asked, never end.

    Args:
        job: The call.
        text: What is written down.
        hang: Whether it goes on for ever, the first time.
    """
    first = not (job.folder / "hung").exists()
    effect(job, text)
    if hang and first:
        (job.folder / "hung").touch()
        await asyncio.sleep(3600)
    return Said(summary=f"sent {text}")


@tool(risk="execute", resumable=False)
async def launch_once(job: Job, text: str) -> Said:
    """Do something that asks first and cannot be taken back, and never end the first time.

    Args:
        job: The call.
        text: What is written down.
    """
    first = not (job.folder / "hung").exists()
    effect(job, text)
    if first:
        (job.folder / "hung").touch()
        await asyncio.sleep(3600)
    return Said(summary=f"launched {text}")


@tool(risk="read", timeout=0.3)
async def slow(job: Job) -> Said:
    """Take too long.

    Args:
        job: The call.
    """
    await asyncio.sleep(3600)
    return Said(summary="never")


@tool(risk="read")
async def broken(job: Job) -> Said:
    """Fail in a way that nobody foresaw.

    Args:
        job: The call.
    """
    return Said(summary=str(1 / len("")))


@tool(risk="read", timeout=10)
async def meet(job: Job, name: str, other: str) -> Said:
    """End only while another call is at work too.

    Args:
        job: The call.
        name: This one.
        other: The one to meet.
    """
    (job.workspace / name).touch()
    while not (job.workspace / other).exists():  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    return Said(summary=f"{name} met {other}")


@tool(risk="execute")
async def launch(job: Job, text: str) -> Said:
    """Do something that asks first.

    Args:
        job: The call.
        text: What is written down.
    """
    effect(job, text)
    return Said(summary=f"launched {text}")


@tool(risk="identity")
async def imitate(job: Job, clip: str) -> Said:
    """Do what needs a recorded consent.

    Args:
        job: The call.
        clip: The SHA-256 of the clip.
    """
    if await job.voices.consent_for(clip) is None:
        raise ConsentNeeded("No consent is recorded for this clip.", "nexus voices consent CLIP")
    effect(job, "imitated")
    return Said(summary="imitated")


@tool(risk="read")
async def mend(job: Job, text: str) -> Said:
    """Fail until a file named `mended` is there.

    Args:
        job: The call.
        text: What is said then.
    """
    if not (job.workspace / "mended").exists():
        raise ValueError("not mended")
    return Said(summary=text)


class ScriptModel(BaseChatModel):
    """Calls what the request says, round after round, and then tells what the tools answered.

    Attributes:
        model: `plain` tells honestly; `boaster` says that all went well, whatever happened; `numbered` numbers the
            calls of each answer from the start, as some servers do.
    """

    model: str = "plain"

    @property
    def _llm_type(self) -> str:
        return "script"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Any:
        return self

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        last = max(place for place, message in enumerate(messages) if isinstance(message, HumanMessage))
        rounds = json.loads(messages[last].text)
        after = messages[last + 1 :]
        turn = sum(isinstance(message, AIMessage) for message in after)
        usage = UsageMetadata(input_tokens=len(messages), output_tokens=1, total_tokens=len(messages) + 1)
        if turn < len(rounds):
            # The same again after a crash, as a server that continues a conversation would keep them.
            calls = [
                ToolCall(
                    name=call["name"],
                    args=call["args"],
                    id=f"call-{place}" if self.model == "numbered" else f"call-{len(messages)}-{turn}-{place}",
                )
                for place, call in enumerate(rounds[turn])
            ]
            message = AIMessage("", tool_calls=calls, usage_metadata=usage)
        else:
            answers = [message.text for message in after if isinstance(message, ToolMessage)]
            said = "All went well." if self.model == "boaster" else "\n".join(answers)
            message = AIMessage(said or "Nothing was asked for.", usage_metadata=usage)
        return ChatResult(generations=[ChatGeneration(message=message)])


def create(model: str, settings: ModelConfig, role: str) -> BaseChatModel:
    """Make the model, as a provider in agents.yaml does."""
    return ScriptModel(model=model)


def effects(workspace: Path) -> list[str]:
    """Return what tools have done in a workspace, in order."""
    file = workspace / "effects.txt"
    return file.read_text().splitlines() if file.exists() else []
