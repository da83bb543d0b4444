"""What all agents share: the loop of model and tools, its events, and the typed result."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Generic, TypeVar

from pydantic import BaseModel

from nexus_agents.core.errors import ConfigError, NexusError
from nexus_agents.core.events import AgentFinished, AgentStarted

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

    from nexus_agents.core.ports import Kit

__all__ = ["CODING", "PROMPTS", "SHARED", "Agent", "first_line"]

Output = TypeVar("Output", bound=BaseModel)

PROMPTS = Path(__file__).parent / "prompts"

CODING = (
    "list_files",
    "read_file",
    "search_files",
    "write_file",
    "edit_file",
    "apply_patch",
    "delete_file",
    "move_file",
    "format_code",
)
"""Tools of every agent that writes files."""

SHARED = ("remember", "recall")
"""Tools of the shared context; only for language models, since rules have nothing to remember."""


class Agent(Generic[Output]):
    """One agent: subclasses say what it is called, what it may use and what it must hand over.

    Attributes:
        name: Its role; the prompt stands in `prompts/NAME.md`.
        tools: Names of the tools that it is given unless agents.yaml names others.
        output: The typed product that ends its turn.
        shares: Whether it remembers and recalls, where a language model plays it.
        asks_for: Keys of the shared context that it cannot work without, for workflows.
    """

    name: ClassVar[str]
    tools: ClassVar[Sequence[str]] = ()
    shares: ClassVar[bool] = False
    asks_for: ClassVar[Sequence[str]] = ()
    output: type[Output]

    async def run(self, kit: Kit, task: str, *, history: Sequence[BaseMessage] = ()) -> Output:
        """Work on a task until the typed product is there.

        Args:
            kit: What wiring put together for this run.
            task: What is asked, with the products of others as blocks (`core.work.to_block`).
            history: Earlier messages of the same conversation.

        Raises:
            NexusError: The model could not be reached, a limit was met, or the product does not fit.
        """
        model = kit.models.describe(self.name)
        await kit.recorder.emit(AgentStarted(agent=self.name, task=first_line(task), model=model))
        product = await self._product(kit, task, history)
        await kit.recorder.emit(AgentFinished(agent=self.name, summary=str(getattr(product, "summary", ""))))
        return product

    async def _product(self, kit: Kit, task: str, history: Sequence[BaseMessage]) -> Output:
        from langchain_core.messages import HumanMessage

        from nexus_agents.agents.loop import run_loop

        tools = self.toolset(kit)
        said, product = await run_loop(
            kit,
            [*history, HumanMessage(task)],
            agent=self.name,
            prompt=self.prompt(kit),
            tools=tools,
            output=self.output,
            quiet=not tools,
        )
        if not isinstance(product, self.output):
            raise NexusError(
                first_line(said[-1].text) or f"The {self.name} agent said nothing.",
                f"The {self.name} agent ({kit.models.describe(self.name)}) handed over no {self.output.__name__}: "
                "ask otherwise, or name another model in agents.yaml.",
            )
        return product

    def prompt(self, kit: Kit) -> str:
        """Return the system prompt: the file that agents.yaml names, or the one that ships with Nexus."""
        own = kit.config.agents.get(self.name)
        path = Path(kit.config.folder, own.prompt) if own and own.prompt else PROMPTS / f"{self.name}.md"
        try:
            return path.read_text(encoding="utf-8")
        except OSError as error:
            raise ConfigError(
                f"The prompt of the {self.name} agent cannot be read: {path} ({error.strerror}).",
                f"Correct agents.{self.name}.prompt in agents.yaml, or remove it.",
            ) from error

    def toolset(self, kit: Kit) -> Sequence[str]:
        """Return the names of its tools: those of agents.yaml, or its own choice."""
        own = kit.config.agents.get(self.name)
        if own and own.tools is not None:
            return own.tools
        speaks = self.shares and not kit.models.by_rules(self.name)
        return (*self.tools, *SHARED) if speaks else self.tools


def first_line(text: str) -> str:
    """Return the first line of a text that is not empty, at most 200 characters of it."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")[:200]
