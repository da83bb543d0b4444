"""The memory as a whole: one database, opened, brought up to date, and closed again."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from memory.artifacts import SqlArtifacts
from memory.cleaning import SqlCleaning
from memory.events import SqlEvents
from memory.facts import SqlFacts
from memory.fence import Fence
from memory.history import SqlHistory
from memory.ledger import SqlLedger
from memory.migrate import migrate
from memory.profiles import SqlProfiles
from memory.runs import SqlRuns
from memory.sqlite import Durability, SqliteDatabase
from memory.voices import SqlVoices
from nexus_agents.core.errors import ConfigError

if TYPE_CHECKING:
    from memory.checkpoints import SqlCheckpointer
    from memory.database import Database
    from memory.embedding import EmbedderSource
    from memory.store import SqlStore

__all__ = ["SqlMemory", "open_memory"]

_FILE = "sqlite:///"
_OPEN_ALL = "Open it with open_memory(url, checkpoints=True)."


class SqlMemory:
    """`Memory` over one database; made by `open_memory`.

    Attributes:
        name: What messages call the database: its file, or its URL without the password.
        runs: Runs.
        events: Events.
        ledger: Tool calls.
        artifacts: Artifacts.
        facts: Shared context.
        voices: Voices and consents.
        profiles: What is known about models.
        history: Checkpoints, to look at and to go on from.
        cleaning: Gives room back.
    """

    def __init__(
        self,
        database: Database,
        facts: SqlFacts,
        checkpointer: SqlCheckpointer | None,
        store: SqlStore | None,
        fence: Fence | None = None,
    ) -> None:
        self.name = database.name
        self.runs = SqlRuns(database)
        self.events = SqlEvents(database, fence)
        self.ledger = SqlLedger(database, fence)
        self.artifacts = SqlArtifacts(database, fence)
        self.facts = facts
        self.voices = SqlVoices(database)
        self.profiles = SqlProfiles(database)
        self.history = SqlHistory(database)
        self.cleaning = SqlCleaning(database)
        self.database = database
        self._checkpointer = checkpointer
        self._store = store

    @property
    def checkpointer(self) -> SqlCheckpointer:
        """Where LangGraph keeps its checkpoints.

        Raises:
            ConfigError: The memory was opened without checkpoints.
        """
        if self._checkpointer is None:
            raise ConfigError("This memory was opened without checkpoints.", _OPEN_ALL)
        return self._checkpointer

    @property
    def store(self) -> SqlStore:
        """LangGraph's interface to the shared context.

        Raises:
            ConfigError: The memory was opened without checkpoints.
        """
        if self._store is None:
            raise ConfigError("This memory was opened without LangGraph's store.", _OPEN_ALL)
        return self._store

    def held(self, run_id: str, fence: int) -> SqlMemory:
        """Return this memory for the process that has taken a run.

        Whatever is written about the run through it is refused, with `RunLost`, once another process has taken it.
        """
        right = Fence(run_id, fence)
        checkpointer = self._checkpointer.held(right) if self._checkpointer else None
        return SqlMemory(self.database, self.facts, checkpointer, self._store, right)


@asynccontextmanager
async def open_memory(
    url: str,
    *,
    checkpoints: bool = True,
    durability: Durability = "process",
    encrypted: bool = False,
    embedder: EmbedderSource | None = None,
) -> AsyncGenerator[SqlMemory]:
    """Open the memory, making the file and its tables where they are missing.

    Args:
        url: `sqlite:///relative/path.db` or `sqlite:////absolute/path.db` (a leading `~` is the home folder), or
            `postgresql://user@host/database`.
        checkpoints: Whether LangGraph's checkpointer and store are made too, which imports LangGraph, and whether
            vectors of facts are made in the background.
        durability: What each commit on SQLite survives; `process` is any kill of the process, `power` a power failure
            too. PostgreSQL has settings of its own.
        encrypted: Whether the states of graphs are encrypted, with the key in $NEXUS_MEMORY_KEY or in the keyring of
            the system; events, tool calls and facts are not.
        embedder: What makes vectors of facts; by default what `find_embedder` finds when it is first needed.

    Raises:
        ConfigError: Another kind of URL; or the database cannot be written, is none, or is newer than this code; or
            there is no key.
        BackendDown: The server does not answer.
        StorageFull: There is no room for the tables.
    """
    database = await asyncio.shield(asyncio.to_thread(_ready, url, durability, encrypted))
    facts = SqlFacts(database, embedder, eager=checkpoints)
    try:
        checkpointer, store = None, None
        if checkpoints:
            from memory.checkpoints import SqlCheckpointer
            from memory.store import SqlStore

            checkpointer, store = SqlCheckpointer(database), SqlStore(facts)
        yield SqlMemory(database, facts, checkpointer, store)
    finally:
        await asyncio.shield(facts.close())
        await database.close()


def _ready(url: str, durability: Durability, encrypted: bool) -> Database:
    database = _database(url, durability)
    try:
        if encrypted:
            from memory.encryption import sealer_for

            database.sealer = sealer_for(database.name)
        migrate(database)
    except BaseException:
        database.close_now()
        raise
    return database


def _database(url: str, durability: Durability) -> Database:
    # A path is taken as it stands: for SQLAlchemy a `?` in it would begin a query.
    name = url.removeprefix(_FILE) if url.startswith(_FILE) else ""
    if name not in ("", ":memory:") and not name.startswith("file:"):
        path = Path(name).expanduser().absolute()
        _make_file(path)
        return SqliteDatabase(path, durability)
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        parsed = None
    if not parsed or parsed.drivername.partition("+")[0] not in ("postgresql", "postgres") or not parsed.database:
        shown = re.sub(r"(://[^:@/]*):.*@", r"\1:***@", url)
        raise ConfigError(
            f"The memory {shown!r} cannot be opened: it is neither the URL of an SQLite file nor of PostgreSQL.",
            "Write sqlite:///nexus.db for a file in this folder, or postgresql://user@host/database.",
        )
    from memory.postgres import PostgresDatabase

    return PostgresDatabase(parsed)


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
