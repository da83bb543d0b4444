"""One SQLite file behind two engines: a writer that takes the lock first, and readers that never wait for it."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import URL, event
from sqlalchemy.exc import SQLAlchemyError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import create_async_engine

from memory.unbroken import Unbroken
from nexus_agents.core.errors import BackendDown, ConfigError, NexusError, StorageFull

if TYPE_CHECKING:
    from sqlalchemy import Connection, Executable, RowMapping, UpdateBase
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
    from sqlalchemy.pool import ConnectionPoolEntry

__all__ = ["BUSY_SECONDS", "Database", "reader_engine", "translated", "writer_engine"]

T = TypeVar("T")

BUSY_SECONDS = 30
"""How long a transaction waits for the write lock of another process."""

_READERS = 4


class Database:
    """One SQLite file: short write transactions one after another, reads beside them.

    Args:
        path: The file, absolute.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writer = writer_engine(path)
        self._readers = reader_engine(path)
        self._unbroken = Unbroken()

    async def read(self, query: Executable) -> Sequence[RowMapping]:
        """Return the rows of a query, which sees one committed state.

        Raises:
            ConfigError: The file is no database.
        """

        async def transaction() -> Sequence[RowMapping]:
            with translated(self.path):
                async with self._readers.begin() as connection:
                    return (await connection.execute(query)).mappings().all()

        return await self._unbroken.run(transaction())

    async def write(self, work: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """Run some work in a transaction that holds the write lock from its start.

        It is committed at the end, or not at all where the work raises. It runs to its end even where the
        caller is cancelled.

        Args:
            work: What is done with the connection; short, and waiting for nothing else.

        Raises:
            StorageFull: No room; nothing of this transaction is kept, everything before it is.
            ConfigError: The file cannot be written or is no database.
            BackendDown: Another process held the lock for `BUSY_SECONDS`.
        """

        async def transaction() -> T:
            with translated(self.path):
                async with self._writer.begin() as connection:
                    return await work(connection)

        return await self._unbroken.run(transaction())

    async def change(self, statement: UpdateBase) -> int:
        """Run one statement in a write transaction and return how many rows it met."""

        async def work(connection: AsyncConnection) -> int:
            return (await connection.execute(statement)).rowcount

        return await self.write(work)

    async def close(self) -> None:
        """Wait for open transactions and close all connections."""
        await self._unbroken.drain()
        with translated(self.path):
            await self._readers.dispose()
            await self._writer.dispose()


def writer_engine(path: Path, *, foreign_keys: bool = True) -> AsyncEngine:
    """Return the engine that writes: one connection, each transaction begun with `BEGIN IMMEDIATE`.

    The driver would otherwise begin at the first write, after the reads that it rests on, and two
    processes that read the same number would both write the next one.
    """
    return _engine(
        path,
        connections=1,
        begin="BEGIN IMMEDIATE",
        pragmas=("journal_mode = WAL", "synchronous = NORMAL", f"foreign_keys = {int(foreign_keys)}"),
    )


def reader_engine(path: Path) -> AsyncEngine:
    """Return the engine that reads: a few connections that refuse every write."""
    return _engine(path, connections=_READERS, begin="BEGIN", pragmas=("query_only = 1",))


@contextmanager
def translated(path: Path) -> Generator[None]:
    """Turn what SQLite and SQLAlchemy raise into errors that say what to do; others pass.

    Args:
        path: The database that the error is about.
    """
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise _translate(error, path) from error


# -- parts --------------------------------------------------------------------------------------------


def _engine(path: Path, *, connections: int, begin: str, pragmas: tuple[str, ...]) -> AsyncEngine:
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(path)),
        connect_args={"timeout": BUSY_SECONDS},
        pool_size=connections,
        max_overflow=0,
        pool_timeout=2 * BUSY_SECONDS,
    )

    def connected(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        # The driver leaves BEGIN to us.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    def begun(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine.sync_engine, "connect", connected)
    event.listen(engine.sync_engine, "begin", begun)
    return engine


def _translate(error: Exception, path: Path) -> NexusError:
    cause: BaseException | None = error.orig if isinstance(error, StatementError) else error
    if isinstance(error, PoolTimeout):
        return BackendDown(f"The memory {path} is busy.", "Wait for the other work to end and try again.")
    # The low byte is the result code, the rest says more about it (https://sqlite.org/rescode.html).
    code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
    match code:
        case sqlite3.SQLITE_FULL | sqlite3.SQLITE_IOERR:
            return StorageFull(
                f"The memory {path} could not be written: {cause}.",
                "Free some room on that disk; what was written before is kept.",
            )
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            return ConfigError(
                f"The memory {path} cannot be opened for writing: {cause}.",
                "Give yourself write access to the file and its folder, or name another file.",
            )
        case sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_CORRUPT:
            return ConfigError(
                f"The memory {path} is damaged or is not an SQLite database: {cause}.",
                "Move the file away and start again, or put a backup in its place.",
            )
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return BackendDown(
                f"The memory {path} is locked by another process.",
                "Wait for it to end, or end it, and try again.",
            )
        case _:
            return NexusError(
                f"The memory {path} refused a statement: {cause}.",
                "Nothing of that step was kept; report this line if it comes again.",
            )
