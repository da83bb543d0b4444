"""Agents of one's own: what agents.yaml says of a prompt, a model, tools and a product."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import BaseModel

from nexus_agents.agents.assistant import AssistantAgent
from nexus_agents.agents.base import Agent, first_line
from nexus_agents.core.errors import ConfigError
from nexus_agents.core.registry import load_dotted

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

    from nexus_agents.core.config import AgentConfig
    from nexus_agents.core.ports import Kit

__all__ = ["CustomAgent", "Words"]


class Words(BaseModel):
    """What an agent answers that hands over no product of its own."""

    text: str

    @property
    def summary(self) -> str:
        """The first line."""
        return first_line(self.text)


class CustomAgent(Agent[BaseModel]):
    """An agent that agents.yaml describes; it hands over a pydantic model of the user's, or `Words`.

    Args:
        name: Its name there.
        settings: What stands under it; model, tools and prompt are read again in each run.

    Raises:
        ConfigError: `output` cannot be imported, or is no pydantic model.
    """

    shares = True

    def __init__(self, name: str, settings: AgentConfig) -> None:
        # Elsewhere a class has the name; here each agent has its own.
        self.name = name  # pyright: ignore[reportAttributeAccessIssue]
        self.output = _product(name, settings.output)

    async def run(self, kit: Kit, task: str, *, history: Sequence[BaseMessage] = ()) -> BaseModel:
        """Work on a task until the product is there; see `Agent.run`."""
        if self.output is not Words:
            return await super().run(kit, task, history=history)
        from langchain_core.messages import HumanMessage

        answered = await _Speaker(self.name).converse(kit, [*history, HumanMessage(task)])
        return Words(text=answered[-1].text)


class _Speaker(AssistantAgent):
    """Converses as the assistant does, under another name, with another prompt and other tools."""

    tools = ()

    def __init__(self, name: str) -> None:
        self.name = name  # pyright: ignore[reportAttributeAccessIssue]


def _product(name: str, path: str | None) -> type[BaseModel]:
    if path is None:
        return Words
    found = load_dotted(path, f"output of the agent {name}")
    if not isinstance(found, type) or not issubclass(found, BaseModel):
        raise ConfigError(
            f"The output of the agent {name}, {path!r}, is not a pydantic model.",
            f"Correct agents.{name}.output in agents.yaml, or remove it: then the agent answers in words.",
        )
    return found
