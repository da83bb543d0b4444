"""The assistant: the agent that people talk to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nexus_agents.agents.base import Agent, first_line
from nexus_agents.core.events import AgentFinished, AgentStarted
from nexus_agents.core.work import TurnReport

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

    from nexus_agents.core.ports import Kit

__all__ = ["AssistantAgent"]


class AssistantAgent(Agent[TurnReport]):
    """Understands what is wanted, does it with tools and graphs, and says what was made."""

    name = "assistant"
    tools = (
        "build_app",
        "debate",
        "run_workflow",
        "make_podcast",
        "clone_voice",
        "speak",
        "speak_document",
        "list_voices",
        "list_files",
        "read_file",
        "search_files",
    )
    shares = True
    output = TurnReport

    async def converse(self, kit: Kit, messages: Sequence[BaseMessage]) -> list[BaseMessage]:
        """Answer the newest message in words.

        Args:
            kit: What wiring put together for this run.
            messages: The conversation, ending with the user's message.

        Returns:
            The conversation with the tool calls, their results and the answer appended.
        """
        from nexus_agents.agents.loop import run_loop

        model = kit.models.describe(self.name)
        await kit.recorder.emit(AgentStarted(agent=self.name, task=first_line(messages[-1].text), model=model))
        answered, _ = await run_loop(
            kit, messages, agent=self.name, prompt=self.prompt(kit), tools=self.toolset(kit), output=None
        )
        await kit.recorder.emit(AgentFinished(agent=self.name, summary=first_line(answered[-1].text)))
        return answered
