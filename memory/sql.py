"""The memory as a whole: one database, opened, brought up to date, and closed again."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from memory.artifacts import SqlArtifacts
from memory.context import SqlContext
from memory.events import SqlEvents
from memory.fence import Fence
from memory.ledger import SqlLedger
from memory.migrate import migrate
from memory.runs import SqlRuns
from memory.sqlite import Durability, SqliteDatabase
from memory.voices import SqlVoices
from nexus_agents.core.errors import ConfigError

if TYPE_CHECKING:
    from memory.checkpoints import SqlCheckpointer
    from memory.database import Database

__all__ = ["SqlMemory", "open_memory"]


class SqlMemory:
    """`Memory` over one database; made by `open_memory`.

    Attributes:
        name: What messages call the database: its file, or its URL without the password.
        runs: Runs.
        events: Events.
        ledger: Tool calls.
        artifacts: Artifacts.
        context: Shared context.
        voices: Voices and consents.
    """

    def __init__(self, database: Database, checkpointer: SqlCheckpointer | None, fence: Fence | None = None) -> None:
        self.name = database.name
        self.runs = SqlRuns(database)
        self.events = SqlEvents(database, fence)
        self.ledger = SqlLedger(database, fence)
        self.artifacts = SqlArtifacts(database, fence)
        self.context = SqlContext(database)
        self.voices = SqlVoices(database)
        self.database = database
        self._checkpointer = checkpointer

    @property
    def checkpointer(self) -> SqlCheckpointer:
        """Where LangGraph keeps its checkpoints.

        Raises:
            ConfigError: The memory was opened without checkpoints.
        """
        if self._checkpointer is None:
            raise ConfigError(
                "This memory was opened without checkpoints.", "Open it with open_memory(url, checkpoints=True)."
            )
        return self._checkpointer

    def held(self, run_id: str, fence: int) -> SqlMemory:
        """Return this memory for the process that has taken a run.

        Whatever is written about the run through it is refused, with `RunLost`, once another process has taken it.
        """
        right = Fence(run_id, fence)
        return SqlMemory(self.database, self._checkpointer.held(right) if self._checkpointer else None, right)


@asynccontextmanager
async def open_memory(
    url: str, *, checkpoints: bool = True, durability: Durability = "process"
) -> AsyncGenerator[SqlMemory]:
    """Open the memory, making the file and its tables where they are missing.

    Args:
        url: `sqlite:///relative/path.db` or `sqlite:////absolute/path.db` (a leading `~` is the home folder), or
            `postgresql://user@host/database`.
        checkpoints: Whether LangGraph's checkpointer is made too, which imports LangGraph.
        durability: What each commit on SQLite survives; `process` is any kill of the process, `power` a power failure
            too. PostgreSQL has settings of its own.

    Raises:
        ConfigError: Another kind of URL; or the database cannot be written, is none, or is newer than this code.
        BackendDown: The server does not answer.
        StorageFull: There is no room for the tables.
    """
    database = await asyncio.shield(asyncio.to_thread(_ready, url, durability))
    try:
        checkpointer = None
        if checkpoints:
            from memory.checkpoints import SqlCheckpointer

            checkpointer = SqlCheckpointer(database)
        yield SqlMemory(database, checkpointer)
    finally:
        await database.close()


def _ready(url: str, durability: Durability) -> Database:
    database = _database(url, durability)
    try:
        migrate(database)
    except BaseException:
        database.close_now()
        raise
    return database


def _database(url: str, durability: Durability) -> Database:
    try:
        parsed = make_url(url)
    except ArgumentError:
        parsed = None
    name = (parsed.database or "") if parsed else ""
    if parsed and parsed.drivername.partition("+")[0] in ("postgresql", "postgres") and name:
        from memory.postgres import PostgresDatabase

        return PostgresDatabase(parsed)
    if not parsed or parsed.drivername != "sqlite" or name in ("", ":memory:") or name.startswith("file:"):
        raise ConfigError(
            f"The memory {url!r} cannot be opened: it is neither the URL of an SQLite file nor of PostgreSQL.",
            "Write sqlite:///nexus.db for a file in this folder, or postgresql://user@host/database.",
        )
    path = Path(name).expanduser().absolute()
    _make_file(path)
    return SqliteDatabase(path, durability)


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
