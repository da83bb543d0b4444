"""A PostgreSQL database, by way of psycopg 3."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from memory.database import Database, Transaction, Work
from nexus_agents.core.errors import BackendDown, ConfigError, InputError, MissingExtra, NexusError, StorageFull

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection

__all__ = ["PostgresDatabase"]

T = TypeVar("T")

_CONNECT_SECONDS = 10
_AGAIN = ("40001", "40P01")
"""Serialization failure, deadlock: the server has taken all back and asks to try again."""

_REFUSED = (
    "authentication failed",
    "does not exist",
    "no password supplied",
    "no pg_hba.conf entry",
    "not permitted to log in",
    "permission denied",
)
"""What a server says that lets nobody in under this URL: the driver knows no code for errors while it connects."""

_HERE = ("", "localhost", "127.0.0.1", "::1")

_TRUSTED_SECONDS = 1.0
"""A connection that was used so lately is taken to be alive."""

_ATTEMPTS = 5
_PAUSE_SECONDS = 0.05


class PostgresDatabase(Database):
    """One PostgreSQL database. Each commit is on the server's disk, as its own settings say.

    Args:
        url: `postgresql://user@host/database`.

    Raises:
        MissingExtra: psycopg is not installed.
    """

    dialect = "postgresql"

    def __init__(self, url: URL) -> None:
        super().__init__()
        try:
            import psycopg
        except ImportError as error:
            raise MissingExtra("A memory on PostgreSQL", "postgres") from error
        self._lock = threading.Lock()
        self._near = (url.host or "").lower() in _HERE or (url.host or "").startswith("/")
        self._open: Transaction | None = None
        self._asked = 0.0
        self._driver_error: type[Exception] = psycopg.Error
        self.name = url.render_as_string(hide_password=True)
        self._engine = create_engine(
            url.set(drivername="postgresql+psycopg"),
            pool_size=6,
            max_overflow=0,
            pool_pre_ping=True,
            pool_recycle=1800,
            connect_args={"connect_timeout": _CONNECT_SECONDS, "application_name": "nexus", "prepare_threshold": 2},
        )

    def run(self, work: Work[T], *, durable: bool = False, batched: bool = False) -> T:
        """Run some work in a write transaction, here and now; see `Database.run`."""
        for attempt in range(_ATTEMPTS):
            try:
                with self._lock, self._translated():
                    return self._transact(work, batched)
            except _TryAgain:
                time.sleep(_PAUSE_SECONDS * 2**attempt)
        raise BackendDown(f"The memory {self.name} is busy.", "Wait for the other work to end and try again.")

    async def write(self, work: Work[T], *, durable: bool = False, batched: bool = False) -> T:
        """Run some work in a write transaction from async code; see `Database.run`.

        A batched one goes to a server on this machine from the event loop itself: it takes half a millisecond, and the
        way to a thread and back takes longer.
        """
        if self._near and batched and not self._queued and self._lock.acquire(blocking=False):
            try:
                with self._translated():
                    return self._transact(work, batched)
            except _TryAgain:
                # It has waited for somebody already: the next time it does so away from the event loop.
                pass
            finally:
                self._lock.release()
        return await self._queue(lambda: self.run(work, durable=durable, batched=batched))

    def look(self, work: Work[T]) -> T:
        """Run some work that only reads; see `Database.look`."""
        with self._translated(), self._engine.connect() as connection:
            reading = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with reading.begin():
                return work(self._transaction(reading))

    def _transact(self, work: Work[T], batched: bool) -> T:
        transaction = self._writing()
        driver = transaction.cursor.connection
        try:
            if not batched:
                with transaction.connection.begin():
                    return work(transaction)
            # What is batched runs by way of the driver alone, and so do its BEGIN and COMMIT.
            with driver.pipeline():
                result = work(transaction)
                # Not `commit()`, which would wait for the server here and again at the end.
                transaction.cursor.execute("COMMIT")
            return result
        except BaseException:
            if driver.closed:
                self._drop()
            else:
                driver.rollback()
            raise

    def _writing(self) -> Transaction:
        # One connection is kept for writing: to fetch it from a pool and to give it back costs as much as a commit.
        if self._open is not None and not self._is_alive(self._open):
            self._drop()
        if self._open is None:
            self._open = self._transaction(self._engine.connect())
        return self._open

    def _is_alive(self, transaction: Transaction) -> bool:
        if (moment := time.monotonic()) - self._asked > _TRUSTED_SECONDS:
            try:
                transaction.cursor.execute("SELECT 1")
            except self._driver_error:
                return False
        self._asked = moment
        return True

    def _drop(self) -> None:
        if self._open is not None:
            self._open.connection.invalidate()
            self._open.connection.close()
            self._open = None

    def _transaction(self, connection: Connection) -> Transaction:
        driver: Any = connection.connection.dbapi_connection
        return Transaction(connection, driver.cursor(), self.dialect)

    def _dispose(self) -> None:
        if self._open is not None:
            self._open.connection.close()
            self._open = None
        self._engine.dispose()

    @contextmanager
    def _translated(self) -> Generator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            cause = error.orig if isinstance(error, DBAPIError) else error
            raise _translate(cause or error, self.name) from error
        except self._driver_error as error:
            raise _translate(error, self.name) from error


class _TryAgain(NexusError):
    """The server took a transaction back because of another one."""


def _translate(cause: BaseException, name: str) -> NexusError:
    # https://www.postgresql.org/docs/current/errcodes-appendix.html
    code = str(getattr(cause, "sqlstate", None) or "")
    said = str(cause).strip().split("\n")[0] or type(cause).__name__
    if code in _AGAIN:
        return _TryAgain(said)
    if code == "53100":
        return StorageFull(
            f"The memory {name} could not be written: {said}.",
            "Free some room on the server's disk; what was written before is kept.",
        )
    if type(cause).__name__ == "DataError" and not code:
        return InputError(f"A text cannot be kept on PostgreSQL: {said}.", "Take the NUL characters out of it.")
    refused = not code and any(words in said for words in _REFUSED)
    if refused or code in ("25006", "42501") or code.startswith("28") or code == "3D000":
        return ConfigError(
            f"The memory {name} cannot be used: {said}.",
            "Check the user, the password and the database of the URL, and what that user may do.",
        )
    if code.startswith(("08", "57P", "53")) or not code:
        return BackendDown(
            f"The memory {name} does not answer: {said}.",
            "Start the PostgreSQL server, or correct the URL, and try again.",
        )
    return NexusError(
        f"The memory {name} refused a statement: {said}.",
        "Nothing of that step was kept; report this line if it comes again.",
    )
