"""What the floors above ask of the rooms below, as Protocols: wiring hands the real ones in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.tools import BaseTool
    from langgraph.checkpoint.base import BaseCheckpointSaver
    from pydantic import BaseModel

    from nexus_agents.core.config import Config
    from nexus_agents.core.events import AnyEvent
    from nexus_agents.core.runs import Artifact, Fact, Owner, Run, RunError, RunStatus, ToolCall
    from nexus_agents.core.voices import Consent, Speech, Voice, VoiceReport

__all__ = [
    "ArtifactStore",
    "ContextStore",
    "EventLog",
    "GraphRunner",
    "Kit",
    "Ledger",
    "Memory",
    "ModelSource",
    "Recorder",
    "RunStore",
    "SpeechPort",
    "Toolbox",
    "VoiceStore",
]


# -- memory -----------------------------------------------------------------------------------------


class RunStore(Protocol):
    """The table of runs."""

    async def create(self, run: Run) -> None:
        """Write a new run down."""
        ...

    async def get(self, run_id: str) -> Run | None:
        """Return a run by its id, or by a prefix of it that fits only one."""
        ...

    async def list(
        self, *, limit: int = 50, statuses: Sequence[RunStatus] = (), thread_id: str | None = None
    ) -> list[Run]:
        """Return runs that were not deleted, newest first."""
        ...

    async def rename(self, run_id: str, title: str | None) -> bool:
        """Give a run a name, or take it away; False where there is no such run."""
        ...

    async def delete(self, run_id: str, *, deleted: bool = True) -> bool:
        """Delete a run from the lists, or bring it back; False where there is no such run."""
        ...

    async def claim(self, run_id: str, owner: Owner) -> Run:
        """Take a run for this process: status `running`, fence one higher.

        Raises:
            InputError: There is no such run, or a living process works on it.
        """
        ...

    async def settle(
        self,
        run_id: str,
        fence: int,
        status: RunStatus,
        *,
        result: Mapping[str, Any] | None = None,
        error: RunError | None = None,
        event: AnyEvent | None = None,
    ) -> AnyEvent | bool:
        """Write how a run stands and free it, with the event that says so, in one transaction.

        Returns:
            The event with its `seq`, or True without one; False (and nothing written) where another process took it.
        """
        ...


class EventLog(Protocol):
    """The ordered events of each run."""

    async def append(self, run_id: str, event: AnyEvent) -> AnyEvent:
        """Persist an event and return it with its `seq`."""
        ...

    async def read(self, run_id: str, *, after: int = 0) -> list[AnyEvent]:
        """Return the events of a run with `seq` above `after`, in order."""
        ...


class Ledger(Protocol):
    """Every tool call, written down before it starts and after it ends."""

    async def start(
        self, call: ToolCall, event: AnyEvent, *, durable: bool = False
    ) -> tuple[ToolCall, AnyEvent | None]:
        """Write a call down as started, together with its event, in one transaction.

        Where the call is known already nothing is inserted: a `done` or `skipped` row is returned as it is, with no
        event; a `started` or `failed` one is counted as one more attempt (started again) and its event is written.

        Args:
            call: The call.
            event: What tells of it.
            durable: Whether that must survive a power failure too: for effects that cannot be taken back.
        """
        ...

    async def find(self, run_id: str, call_id: str) -> ToolCall | None:
        """Return the row of a call."""
        ...

    async def finish(self, call: ToolCall, event: AnyEvent) -> AnyEvent:
        """Write the outcome (`status`, `result`, `error`) with its event, in one transaction."""
        ...

    async def list(self, run_id: str) -> list[ToolCall]:
        """Return the calls of a run in the order in which they started."""
        ...


class ArtifactStore(Protocol):
    """Files that runs made for their users."""

    async def add(self, artifact: Artifact, event: AnyEvent) -> AnyEvent | None:
        """Write an artifact down with its event, in one transaction; None where path and hash are known."""
        ...

    async def list(self, run_id: str) -> list[Artifact]:
        """Return the artifacts of a run, oldest first."""
        ...


class ContextStore(Protocol):
    """Shared context: what agents tell each other and later runs."""

    async def put(self, fact: Fact) -> None:
        """Write a fact; the same namespace and key again replaces its value."""
        ...

    async def get(self, namespace: str, key: str) -> Fact | None:
        """Return one fact."""
        ...

    async def list(self, namespace: str) -> list[Fact]:
        """Return the facts of a namespace, oldest first."""
        ...


class VoiceStore(Protocol):
    """Voices that were made here, and the consents behind them."""

    async def put(self, voice: Voice) -> None:
        """Write a voice; the same name again replaces it."""
        ...

    async def get(self, name: str) -> Voice | None:
        """Return a voice by name."""
        ...

    async def list(self) -> list[Voice]:
        """Return all voices by name."""
        ...

    async def remove(self, name: str) -> bool:
        """Forget a voice; False where there was none."""
        ...

    async def add_consent(self, consent: Consent) -> None:
        """Write a consent down."""
        ...

    async def consent_for(self, clip_sha256: str) -> Consent | None:
        """Return the newest consent for a clip that was not revoked."""
        ...

    async def revoke(self, clip_sha256: str) -> int:
        """Revoke the consents for a clip; returns how many."""
        ...


class Memory(Protocol):
    """One database for everything."""

    def held(self, run_id: str, fence: int) -> Memory:
        """Return this memory for the process that has taken a run.

        Whatever is written about the run through it is refused, with `RunLost`, once another process has taken it.
        """
        ...

    @property
    def runs(self) -> RunStore:
        """Runs."""
        ...

    @property
    def events(self) -> EventLog:
        """Events."""
        ...

    @property
    def ledger(self) -> Ledger:
        """Tool calls."""
        ...

    @property
    def artifacts(self) -> ArtifactStore:
        """Artifacts."""
        ...

    @property
    def context(self) -> ContextStore:
        """Shared context."""
        ...

    @property
    def voices(self) -> VoiceStore:
        """Voices and consents."""
        ...

    @property
    def checkpointer(self) -> BaseCheckpointSaver[str]:
        """Where LangGraph keeps its checkpoints."""
        ...


OpenMemory = Callable[[str], AbstractAsyncContextManager[Memory]]


# -- capabilities -----------------------------------------------------------------------------------


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

    def bind(self, names: Sequence[str], *, agent: str) -> list[BaseTool]:
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
    def context(self) -> ContextStore:
        """Shared context."""
        ...
