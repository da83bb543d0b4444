"""What the floors above ask of the rooms below, as Protocols: wiring hands the real ones in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from nexus_agents.core.memory_ports import (
    ArtifactStore,
    EventLog,
    FactStore,
    Ledger,
    Memory,
    OpenMemory,
    ProfileStore,
    RunStore,
    VoiceStore,
)

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.tools import StructuredTool
    from pydantic import BaseModel

    from nexus_agents.core.budget import Meter, Price
    from nexus_agents.core.config import Config
    from nexus_agents.core.events import AnyEvent, UserSaid
    from nexus_agents.core.models import ModelListing, ModelProfile
    from nexus_agents.core.runs import Run, RunError
    from nexus_agents.core.skills import Skill
    from nexus_agents.core.voices import Speech, Voice, VoiceReport

__all__ = [
    "ArtifactStore",
    "EventLog",
    "FactStore",
    "GraphRunner",
    "Kit",
    "Ledger",
    "Memory",
    "ModelCatalog",
    "ModelSource",
    "OpenMemory",
    "ProfileStore",
    "Recorder",
    "RunStore",
    "SpeechPort",
    "Toolbox",
    "VoiceStore",
]


class SpeechPort(Protocol):
    """An engine that speaks and that fits a voice to a clip."""

    @property
    def voice_root(self) -> Path:
        """The folder under which voices are kept for good."""
        ...

    async def speak(self, text: str, voice: Voice, output: Path, *, rate: float = 1.0) -> Speech:
        """Speak a text into an audio file; the suffix chooses the format (.wav .mp3 .ogg .flac).

        Args:
            text: What is said.
            voice: Who says it.
            output: The file; written under a temporary name and renamed.
            rate: Speed, 1.0 being the voice's own.

        Raises:
            InputError: Nothing to say, or a format that cannot be written.
            BackendDown: The speech process does not answer.
        """
        ...

    async def fit(
        self, clip: Path, name: str, folder: Path, *, transcript: str | None = None
    ) -> tuple[Voice, VoiceReport]:
        """Fit a voice to a clip of 3 to 30 seconds and keep what was derived in `folder`.

        Raises:
            InputError: The clip is not audio, is silent, or is too short or too long.
        """
        ...

    async def presets(self) -> list[Voice]:
        """Return the voices that need no clip."""
        ...


class ModelSource(Protocol):
    """Chat models by role."""

    def get(self, role: str, *, name: str | None = None) -> BaseChatModel:
        """Return the model that plays a role (planning, backend, debater-1, ...).

        Args:
            role: An agent's name; the built-in model acts by it.
            name: `provider:model`, or an alias of agents.yaml, where the caller insists on one.

        Raises:
            ConfigError: No such provider or model.
        """
        ...

    def describe(self, role: str, *, name: str | None = None) -> str:
        """Return the `provider:model` that `get` would make, without making it."""
        ...

    def by_rules(self, role: str, *, name: str | None = None) -> bool:
        """Return whether that is a built-in model, which answers by rules."""
        ...

    def fallbacks(self, role: str, *, name: str | None = None) -> Sequence[str]:
        """Return the names of the models to ask, in this order, where that one cannot be reached."""
        ...

    def price(self, name: str) -> Price | None:
        """Return what a `provider:model` costs, or None where nobody knows."""
        ...

    async def profile(self, role: str, *, name: str | None = None) -> ModelProfile:
        """Return what is known about a model; its server is asked once, and what it said is kept."""
        ...


class ModelCatalog(Protocol):
    """Which models there are on this machine."""

    async def list(self) -> Sequence[ModelListing]:
        """Return the models of agents.yaml, of local servers, of the keys that are found, and the built-in ones."""
        ...


class GraphRunner(Protocol):
    """Runs a graph by name inside the present run: same thread, ledger and events."""

    async def run(self, graph: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Run a graph to its end and return its `result` channel.

        Raises:
            ConfigError: No such graph.
        """
        ...

    def place(self) -> str:
        """Return a short prefix for call ids: where in the run this is, the same again after a crash."""
        ...


class Recorder(Protocol):
    """Writes the events of one run: persisted, numbered, and shown to whoever watches."""

    async def emit(self, event: AnyEvent) -> None:
        """Persist an event and show it."""
        ...

    def show(self, event: AnyEvent) -> None:
        """Show an event that is not kept (text chunks, progress)."""
        ...


class Toolbox(Protocol):
    """The tools of one run, each call approved, written in the ledger, timed and reported."""

    async def prepare(self, names: Sequence[str]) -> None:
        """Make ready what names of tools stand for, before `bind`: servers of tools are started.

        Raises:
            BackendDown: A server of tools does not start or does not answer.
            ConfigError: It cannot be started.
        """
        ...

    def bind(self, names: Sequence[str], *, agent: str) -> list[StructuredTool]:
        """Return LangChain tools for an agent.

        Raises:
            ConfigError: No such tool.
        """
        ...

    async def call(
        self, name: str, arguments: Mapping[str, Any], *, call_id: str, agent: str, part: bool = False
    ) -> BaseModel:
        """Call a tool from a graph's node.

        Args:
            name: The tool.
            arguments: What its declaration asks for.
            call_id: Stable over a crash: made from the node's place in the run, never at random.
            agent: On whose behalf.
            part: What it makes is a part of something bigger, and no artifact of its own.

        Raises:
            NexusError: The tool failed; the ledger has the reason.
        """
        ...

    async def failure(self, call_id: str) -> RunError | None:
        """Return why a call failed, or None where it did not."""
        ...

    async def artifact(self, path: Path, kind: str, title: str, *, call_id: str, agent: str) -> None:
        """Record a file or folder that a graph made for the user by way of a call."""
        ...


class Kit(Protocol):
    """All that a graph needs, put together by wiring for one run."""

    @property
    def config(self) -> Config:
        """agents.yaml."""
        ...

    @property
    def run(self) -> Run:
        """The run as it was when it was taken."""
        ...

    @property
    def workspace(self) -> Path:
        """The run's folder."""
        ...

    @property
    def models(self) -> ModelSource:
        """Chat models."""
        ...

    @property
    def tools(self) -> Toolbox:
        """Tools."""
        ...

    @property
    def graphs(self) -> GraphRunner:
        """Other graphs."""
        ...

    @property
    def recorder(self) -> Recorder:
        """Events."""
        ...

    @property
    def facts(self) -> FactStore:
        """Shared context."""
        ...

    @property
    def meter(self) -> Meter:
        """What the run uses up, and its limits."""
        ...

    def skills(self) -> Sequence[Skill]:
        """Return the skills that there are for this run, by name."""
        ...

    async def said(self) -> Sequence[UserSaid]:
        """Return what people have said to this run since it began, oldest first."""
        ...

    def at(self, workspace: Path) -> Kit:
        """Return the same kit with tools that work in another folder."""
        ...
