"""The memory as the floors above see it, as Protocols; `ports` has the other ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver
    from langgraph.store.base import BaseStore

    from nexus_agents.core.budget import Limits
    from nexus_agents.core.events import AnyEvent, Usage, UserSaid
    from nexus_agents.core.facts import Fact, FactKind, FoundFact, Namespace
    from nexus_agents.core.history import CleaningStore, HistoryStore
    from nexus_agents.core.models import ModelProfile
    from nexus_agents.core.runs import Artifact, Owner, Run, RunError, RunStatus, ToolCall
    from nexus_agents.core.voices import Consent, Voice

__all__ = [
    "ArtifactStore",
    "EventLog",
    "FactStore",
    "Ledger",
    "Memory",
    "OpenMemory",
    "ProfileStore",
    "RunStore",
    "VoiceStore",
]


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

    async def amend(
        self,
        run_id: str,
        *,
        approved: Sequence[str] = (),
        revoked: Sequence[str] = (),
        budget: Limits | None = None,
    ) -> Run:
        """Add to what is approved for a run, take some of it back, and change what it may use up.

        Raises:
            InputError: There is no such run.
        """
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

    async def said(self, run_id: str, *, after: int = 0) -> list[UserSaid]:
        """Return what people have said to a run with `seq` above `after`, in order; quick, to be asked often."""
        ...

    async def usage(self, run_ids: Sequence[str]) -> dict[str, list[Usage]]:
        """Return what the calls of models used in each of some runs."""
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

    async def name(self, run_id: str, call_id: str, rewinds: int) -> str:
        """Return the id under which a call of a run that was rewound is known, or is to be made."""
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


class FactStore(Protocol):
    """Shared context: what agents, and the people they work for, tell each other and later runs."""

    @property
    def search_mode(self) -> str:
        """How facts are found here (words only, or words and meaning), and why; for people."""
        ...

    async def put(self, fact: Fact) -> Fact:
        """Write a fact; one with the same namespace and key is superseded, the very same is not written twice.

        Raises:
            InputError: It holds a secret, says nothing, or is too long.
        """
        ...

    async def get(self, namespace: Namespace, key: str) -> Fact | None:
        """Return the fact that stands under a key."""
        ...

    async def find(self, fact_id: int) -> Fact | None:
        """Return a fact by its number, whether it still holds or not."""
        ...

    async def search(
        self,
        query: str,
        namespaces: Sequence[Namespace] = (),
        *,
        kinds: Sequence[FactKind] = (),
        limit: int = 10,
        offset: int = 0,
        below: bool = False,
    ) -> list[FoundFact]:
        """Return the facts that fit a query in plain words, best first; in no namespaces: everywhere."""
        ...

    async def history(self, namespace: Namespace, key: str) -> list[Fact]:
        """Return all that ever stood under a key, oldest first."""
        ...

    async def forget(self, namespace: Namespace, key: str) -> Fact | None:
        """Let a fact hold no longer; it can be restored. None where there was none."""
        ...

    async def restore(self, fact_id: int) -> Fact:
        """Let a fact hold again.

        Raises:
            InputError: There is no such fact.
        """
        ...

    async def erase(self, namespace: Namespace, key: str) -> int:
        """Delete a fact with all its history; returns how many rows that were."""
        ...

    async def load(self, given: Iterable[Fact]) -> tuple[int, int]:
        """Take in facts that were exported; returns how many were taken, and how many passed over.

        Raises:
            InputError: One of them cannot be kept.
        """
        ...

    async def embed_pending(self, progress: Callable[[int, int], None] | None = None) -> int:
        """Make the vectors that are missing; returns how many."""
        ...

    async def list(
        self,
        namespaces: Sequence[Namespace] = (),
        *,
        kinds: Sequence[FactKind] = (),
        limit: int | None = None,
        offset: int = 0,
        below: bool = False,
        history: bool = False,
    ) -> list[Fact]:
        """Return facts, newest first; with `history` also those that hold no longer."""
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


class ProfileStore(Protocol):
    """What servers have said of their models, kept so that they are asked once."""

    async def put(self, profile: ModelProfile) -> None:
        """Write a profile; the same name at the same address again replaces it."""
        ...

    async def get(self, name: str, base_url: str | None) -> ModelProfile | None:
        """Return what is known about a model at an address."""
        ...

    async def list(self) -> list[ModelProfile]:
        """Return all profiles by name."""
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
    def facts(self) -> FactStore:
        """Shared context."""
        ...

    @property
    def voices(self) -> VoiceStore:
        """Voices and consents."""
        ...

    @property
    def profiles(self) -> ProfileStore:
        """What is known about models."""
        ...

    @property
    def history(self) -> HistoryStore:
        """The checkpoints of runs, to look at and to go on from."""
        ...

    @property
    def cleaning(self) -> CleaningStore:
        """Gives room back."""
        ...

    @property
    def checkpointer(self) -> BaseCheckpointSaver[str]:
        """Where LangGraph keeps its checkpoints."""
        ...

    @property
    def store(self) -> BaseStore:
        """The shared context, by the interface that LangGraph's nodes know."""
        ...


OpenMemory = Callable[[str], AbstractAsyncContextManager[Memory]]
