"""A job that is real as far as it goes: folders on a disk, progress kept, a cancel that can be asked for."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from nexus_agents.core.errors import BackendDown, InputError
from nexus_agents.core.ports import GraphRunner, ModelCatalog, SpeechPort, VoiceStore
from nexus_agents.core.sandbox import SandboxPolicy
from tools.background import RunProcesses

ROOT = Path(__file__).parents[2]


class WorkspaceJob:
    """One call of a tool on a workspace of its own."""

    def __init__(self, workspace: Path, folder: Path, *, call_id: str = "call-1", agent: str = "backend") -> None:
        workspace.mkdir(exist_ok=True)
        folder.mkdir(parents=True, exist_ok=True)
        self.run_id = "run-1"
        self.call_id = call_id
        self.agent = agent
        self.workspace = workspace
        self.folder = folder
        self.reports: list[tuple[float, str]] = []
        self.artifacts: list[Path] = []
        self.cancelled = False
        self.processes = RunProcesses(folder.parent / "processes")
        self.policy = SandboxPolicy(trusted=True)

    @property
    def sandbox(self) -> SandboxPolicy:
        return self.policy

    @property
    def speech(self) -> SpeechPort:
        raise BackendDown("There is no speech in this job.", "Use one that speaks.")

    @property
    def voices(self) -> VoiceStore:
        raise BackendDown("There are no voices in this job.", "Use one that has them.")

    @property
    def models(self) -> ModelCatalog:
        raise BackendDown("There are no models in this job.", "Use one that has them.")

    @property
    def graphs(self) -> GraphRunner:
        raise BackendDown("There are no graphs in this job.", "Use one that has them.")

    def resolve_input(self, path: str) -> Path:
        found = self.workspace / path
        if not found.exists():
            raise InputError(f"There is no file {path}.", "Name another.")
        return found

    def progress(self, fraction: float, text: str = "") -> None:
        self.reports.append((fraction, text))

    def check_cancelled(self) -> None:
        if self.cancelled:
            raise asyncio.CancelledError

    def artifact(self, path: Path, kind: str, title: str = "") -> None:
        self.artifacts.append(path)

    def again(self, call_id: str) -> WorkspaceJob:
        """Another call on the same workspace."""
        return WorkspaceJob(self.workspace, self.folder.parent / call_id, call_id=call_id, agent=self.agent)

    def after_crash(self) -> WorkspaceJob:
        """The same call again, in a process that knows only what is on the disk."""
        return WorkspaceJob(self.workspace, self.folder, call_id=self.call_id, agent=self.agent)

    def tree(self) -> set[str]:
        """All files of the workspace but those of git."""
        return {
            path.relative_to(self.workspace).as_posix()
            for path in self.workspace.rglob("*")
            if path.is_file() and ".git" not in path.parts
        }


@pytest.fixture
def job(tmp_path: Path) -> WorkspaceJob:
    """A call on an empty workspace."""
    return WorkspaceJob(tmp_path / "work space", tmp_path / "calls" / "call-1")


@pytest.fixture
def killed() -> Callable[..., Awaitable[None]]:
    """Run a program that says when it begins, and kill it after a while, once for each wait (seconds)."""

    async def kill(code: str, *waits: float) -> None:
        at_work = 0
        for wait in waits:
            victim = await asyncio.create_subprocess_exec(sys.executable, "-c", code, cwd=ROOT, stdout=subprocess.PIPE)
            assert victim.stdout
            await victim.stdout.readline()
            await asyncio.sleep(wait)
            if victim.returncode is None:
                victim.kill()
            await victim.communicate()
            at_work += victim.returncode == -signal.SIGKILL
        assert at_work, "all of them had ended before the kill"

    return kill
