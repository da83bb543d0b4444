"""One call of a tool, seen from inside the tool."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from nexus_agents.core.errors import InputError
from nexus_agents.core.events import ArtifactMade, ToolProgress
from nexus_agents.core.runs import Artifact

if TYPE_CHECKING:
    from nexus_agents.core.ports import (
        ArtifactStore,
        FactStore,
        GraphRunner,
        ModelCatalog,
        Recorder,
        SpeechPort,
        VoiceStore,
    )
    from nexus_agents.core.processes import Processes
    from nexus_agents.core.runs import Run
    from nexus_agents.core.sandbox import SandboxPolicy

__all__ = ["JobMaker", "RunJob"]


@dataclass
class RunJob:
    """Implements `Job` of core."""

    run: Run
    tool: str
    call_id: str
    agent: str
    workspace: Path
    place: Path
    speech: SpeechPort
    voices: VoiceStore
    facts: FactStore
    models: ModelCatalog
    graphs: GraphRunner
    recorder: Recorder
    artifacts: ArtifactStore
    processes: Processes
    policy: Callable[[], SandboxPolicy]
    skill_folders: Sequence[Path] = ()
    made: list[tuple[Path, str, str]] = field(default_factory=list[tuple[Path, str, str]])

    @property
    def folder(self) -> Path:
        """A durable folder of this call alone, made when it is first asked for: most calls never do."""
        self.place.mkdir(parents=True, exist_ok=True)
        return self.place

    @property
    def run_id(self) -> str:
        """The run that this call belongs to."""
        return self.run.id

    @property
    def project(self) -> Path:
        """The folder that facts of the project belong to: the run's, where an agent works in a worktree of it too."""
        return Path(self.run.workspace)

    @property
    def sandbox(self) -> SandboxPolicy:
        """What programs are held to that run code of the workspace."""
        return self.policy()

    def resolve_input(self, path: str) -> Path:
        """Find a file that the user named: in the workspace, else in the folder the request came from."""
        given = Path(path).expanduser()
        for base in (self.workspace, Path(self.run.origin)):
            candidate = given if given.is_absolute() else base / given
            if candidate.is_file():
                return candidate.resolve()
        raise InputError(
            f"There is no file {path}.", f"Paths are looked up in {self.workspace} and then in {self.run.origin}."
        )

    def progress(self, fraction: float, text: str = "") -> None:
        """Show how much is done."""
        clamped = min(1.0, max(0.0, fraction))
        self.recorder.show(ToolProgress(tool=self.tool, call_id=self.call_id, fraction=clamped, text=text))

    def check_cancelled(self) -> None:
        """Raise where the task that runs this call was cancelled."""
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError

    def artifact(self, path: Path, kind: str, title: str = "") -> None:
        """Note a file for the user; it is written down when the call ends well."""
        self.made.append((path, kind, title))

    async def record_artifacts(self) -> None:
        """Write down what was made."""
        for path, kind, title in self.made:
            size, digest = await asyncio.to_thread(_measure, path)
            artifact = Artifact(
                run_id=self.run.id,
                call_id=self.call_id,
                path=str(path),
                kind=kind,
                title=title or path.name,
                bytes=size,
                sha256=digest,
            )
            event = await self.artifacts.add(
                artifact,
                ArtifactMade(call_id=self.call_id, path=str(path), kind=kind, title=artifact.title, bytes=size),
            )
            if event is not None:
                self.recorder.show(event)


JobMaker = Callable[[str, str, str], RunJob]
"""Makes the job of a call from tool, call id and agent."""


def _measure(path: Path) -> tuple[int, str]:
    if path.is_dir():
        return 0, ""
    with path.open("rb") as file:
        return path.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest()
