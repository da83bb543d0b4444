"""The memory as a whole: one SQLite file, opened, brought up to date, and closed again."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from memory.artifacts import SqlArtifacts
from memory.context import SqlContext
from memory.database import Database
from memory.events import SqlEvents
from memory.ledger import SqlLedger
from memory.migrate import migrate
from memory.runs import SqlRuns
from memory.unbroken import Unbroken
from memory.voices import SqlVoices
from nexus_agents.core.errors import ConfigError

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver

__all__ = ["SqlMemory", "open_memory"]

_PREFIX = "sqlite:///"


class SqlMemory:
    """`Memory` over one SQLite file; made by `open_memory`.

    Attributes:
        path: The file.
        runs: Runs.
        events: Events.
        ledger: Tool calls.
        artifacts: Artifacts.
        context: Shared context.
        voices: Voices and consents.
    """

    def __init__(self, database: Database, checkpointer: BaseCheckpointSaver[str] | None) -> None:
        self.path = database.path
        self.runs = SqlRuns(database)
        self.events = SqlEvents(database)
        self.ledger = SqlLedger(database)
        self.artifacts = SqlArtifacts(database)
        self.context = SqlContext(database)
        self.voices = SqlVoices(database)
        self._checkpointer = checkpointer

    @property
    def checkpointer(self) -> BaseCheckpointSaver[str]:
        """Where LangGraph keeps its checkpoints.

        Raises:
            ConfigError: The memory was opened without checkpoints.
        """
        if self._checkpointer is None:
            raise ConfigError(
                "This memory was opened without checkpoints.", "Open it with open_memory(url, checkpoints=True)."
            )
        return self._checkpointer


@asynccontextmanager
async def open_memory(url: str, *, checkpoints: bool = True) -> AsyncGenerator[SqlMemory]:
    """Open the memory, making the file and its tables where they are missing.

    Args:
        url: `sqlite:///relative/path.db` or `sqlite:////absolute/path.db`; a leading `~` is the home folder.
        checkpoints: Whether LangGraph's checkpointer is opened too, which imports LangGraph.

    Raises:
        ConfigError: Another kind of URL; or the file cannot be written, is no database, or is newer than
            this code.
        StorageFull: There is no room for the tables.
    """
    path = _path(url)
    await asyncio.to_thread(_make_file, path)
    await Unbroken().run(migrate(path))
    async with AsyncExitStack() as stack:
        database = Database(path)
        stack.push_async_callback(database.close)
        checkpointer = None
        if checkpoints:
            from memory.checkpoints import open_checkpointer

            checkpointer = await stack.enter_async_context(open_checkpointer(path))
        yield SqlMemory(database, checkpointer)


def _path(url: str) -> Path:
    name = url.removeprefix(_PREFIX)
    if name == url or name in ("", ":memory:") or name.startswith("file:"):
        raise ConfigError(
            f"The memory {url!r} cannot be opened: only sqlite:/// URLs of a file are supported by this version.",
            "Write sqlite:///nexus.db for a file in this folder, or sqlite:////home/me/nexus.db for one elsewhere.",
        )
    return Path(name).expanduser().absolute()


def _make_file(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Requests, results and consents are the owner's business; SQLite gives its side files the same mode.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise ConfigError(
            f"The memory {path} cannot be opened for writing: {error.strerror}.",
            "Give yourself write access to the file and its folder, or name another file.",
        ) from error
