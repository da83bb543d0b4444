"""One SQLite file behind a few connections: writers that take the lock first, and readers that never wait for it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

from sqlalchemy import URL, create_engine, event
from sqlalchemy.exc import SQLAlchemyError, StatementError

from memory.database import Database, Transaction, Work
from nexus_agents.core.errors import BackendDown, ConfigError, NexusError, StorageFull

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

__all__ = ["BUSY_SECONDS", "Durability", "SqliteDatabase", "reader_engine", "translated", "writer_engine"]

T = TypeVar("T")

BUSY_SECONDS = 30.0
"""How long a transaction waits for the write lock of another process (seconds)."""

Durability = Literal["process", "power"]
"""What a commit survives: the death of the process, or a power failure too (an fsync each time)."""


class SqliteDatabase(Database):
    """One SQLite file.

    A write begins with `BEGIN IMMEDIATE`. The driver would otherwise take the lock at the first write, after the reads
    that it rests on, and two processes that read the same number would both write the next one. From async code it
    runs on the event loop while the lock is free, since a hop to a thread costs several times the transaction, and in
    a thread of its own where it has to wait.

    Args:
        path: The file, absolute.
        durability: What each commit survives.
    """

    dialect = "sqlite"

    def __init__(self, path: Path, durability: Durability = "process") -> None:
        super().__init__()
        self.path = path
        self.name = str(path)
        self._inline = durability == "process"
        level = "NORMAL" if self._inline else "FULL"
        self._hasty = _Lane(writer_engine(path, synchronous=level, wait=0))
        self._patient = _Lane(writer_engine(path, synchronous=level))
        self._fsynced = _Lane(writer_engine(path, synchronous="FULL")) if self._inline else self._patient
        self._glances = _Lane(reader_engine(path))
        self._read_engine = reader_engine(path)
        self._lock = threading.Lock()
        self._looking = threading.Lock()

    def run(self, work: Work[T], *, durable: bool = False, batched: bool = False) -> T:
        """Run some work in a write transaction, here and now; see `Database.run`."""
        with self._lock, translated(self.path):
            return (self._fsynced if durable else self._patient).transact(work)

    def look(self, work: Work[T]) -> T:
        """Run some work that only reads; see `Database.look`."""
        with translated(self.path), self._read_engine.begin() as connection:
            return work(Transaction(connection, _cursor(connection), self.dialect))

    async def write(self, work: Work[T], *, durable: bool = False, batched: bool = False) -> T:
        """Run some work in a write transaction from async code; see `Database.run`."""
        if self._inline and not durable and not self._queued and self._lock.acquire(blocking=False):
            try:
                with translated(self.path):
                    if self._hasty.begin():
                        return self._hasty.finish(work)
            finally:
                self._lock.release()
        return await self._queue(lambda: self.run(work, durable=durable))

    async def glance(self, work: Work[T]) -> T:
        """Run some work that reads a few rows; see `Database.look`."""
        if not self._looking.acquire(blocking=False):
            return await self.fetch(work)
        try:
            with translated(self.path):
                return self._glances.read(work)
        finally:
            self._looking.release()

    def _dispose(self) -> None:
        with translated(self.path):
            for lane in (self._hasty, self._patient, self._fsynced, self._glances):
                lane.close()
            self._read_engine.dispose()


class _Lane:
    """One connection that is kept, and the transactions on it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._open: Transaction | None = None

    @property
    def transaction(self) -> Transaction:
        if self._open is None:
            # SQLAlchemy begins nothing by itself here: BEGIN and COMMIT are ours, to the driver.
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            self._open = Transaction(connection, _cursor(connection), "sqlite")
        return self._open

    def begin(self) -> bool:
        """Begin a transaction; False where another process holds the lock for longer than this lane waits."""
        try:
            self.transaction.cursor.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                return False
            raise
        return True

    def finish(self, work: Work[T]) -> T:
        transaction = self.transaction
        try:
            result = work(transaction)
            transaction.cursor.execute("COMMIT")
        except BaseException:
            # A full disk has rolled back already.
            if transaction.cursor.connection.in_transaction:
                transaction.cursor.execute("ROLLBACK")
            raise
        return result

    def transact(self, work: Work[T]) -> T:
        if not self.begin():
            raise BackendDown(
                f"The memory {self._engine.url.database} is locked by another process.",
                "Wait for it to end, or end it, and try again.",
            )
        return self.finish(work)

    def read(self, work: Work[T]) -> T:
        transaction = self.transaction
        transaction.cursor.execute("BEGIN")
        try:
            return work(transaction)
        finally:
            transaction.cursor.execute("ROLLBACK")

    def close(self) -> None:
        if self._open is not None:
            self._open.connection.close()
            self._open = None
        self._engine.dispose()


def writer_engine(
    path: Path, *, synchronous: str = "NORMAL", wait: float | None = None, foreign_keys: bool = True
) -> Engine:
    """Return an engine that writes, each of its transactions begun with `BEGIN IMMEDIATE`.

    Args:
        path: The file.
        synchronous: When SQLite waits for the disk: NORMAL at its checkpoints, FULL at each commit.
        wait: How long to wait for the lock (seconds); `BUSY_SECONDS` by default.
        foreign_keys: Whether references are checked.
    """
    # On macOS an fsync alone leaves it to the disk when it writes (sqlite.org/pragma.html#pragma_fullfsync).
    full = f"fullfsync = {int(synchronous == 'FULL')}"
    level = f"synchronous = {synchronous}"
    # The log is written back every 16 MB rather than every 4: that is when SQLite waits for the disk.
    log = "wal_autocheckpoint = 4000"
    pragmas = ("journal_mode = WAL", level, full, log, f"foreign_keys = {int(foreign_keys)}")
    return _engine(path, begin="BEGIN IMMEDIATE", pragmas=pragmas, wait=BUSY_SECONDS if wait is None else wait)


def reader_engine(path: Path) -> Engine:
    """Return an engine whose connections refuse every write."""
    return _engine(path, begin="BEGIN", pragmas=("query_only = 1",), wait=BUSY_SECONDS)


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


def _engine(path: Path, *, begin: str, pragmas: tuple[str, ...], wait: float) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        # A connection goes from the event loop to a thread and back, and is used by one at a time.
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False, "isolation_level": None},
    )

    def connected(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        # The wait comes last: these may have to wait for another process that opens the file.
        for pragma in (*pragmas, f"busy_timeout = {int(1000 * wait)}"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    def begun(connection: Connection) -> None:
        if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
            connection.exec_driver_sql(begin)

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begun)
    return engine


def _cursor(connection: Connection) -> sqlite3.Cursor:
    driver = connection.connection.dbapi_connection
    assert driver is not None
    return driver.cursor()  # type: ignore[return-value]


def _translate(error: Exception, path: Path) -> NexusError:
    cause: BaseException | None = error.orig if isinstance(error, StatementError) else error
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
