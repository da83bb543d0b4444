"""What every database of the memory offers: short write transactions in order, and reads beside them."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from memory.sealing import Open, Sealer

if TYPE_CHECKING:
    from sqlalchemy import Connection, CursorResult, Executable, RowMapping, UpdateBase

    from memory.statements import Statement

__all__ = ["Database", "Transaction"]

T = TypeVar("T")

_READERS = 4
_ROWS_AT_ONCE = 16


class Transaction:
    """An open transaction: statements of SQLAlchemy or, where each microsecond counts, of the driver itself.

    Args:
        connection: SQLAlchemy's connection, with the transaction begun.
        cursor: A cursor of the driver within the same transaction.
        dialect: `sqlite` or `postgresql`.
    """

    __slots__ = ("connection", "cursor", "dialect")

    def __init__(self, connection: Connection, cursor: Any, dialect: str) -> None:
        self.connection = connection
        self.cursor = cursor
        self.dialect = dialect

    def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        """Run a statement by way of SQLAlchemy."""
        return self.connection.execute(statement, parameters)

    def tuples(self, statement: Executable) -> list[tuple[Any, ...]]:
        """Return the rows of a statement, by way of SQLAlchemy, in the order of its columns."""
        return [tuple(row) for row in self.connection.execute(statement)]

    def run(self, statement: Statement, values: Mapping[str, object]) -> int:
        """Run a statement by way of the driver and return how many rows it met."""
        self.cursor.execute(statement.text(self.dialect), values)
        return self.cursor.rowcount

    def run_many(self, statement: Statement, values: Sequence[Mapping[str, object]]) -> None:
        """Run a statement once for each set of values."""
        if self.dialect == "postgresql" and 1 < len(values) <= _ROWS_AT_ONCE:
            # One statement of many rows: psycopg's executemany, and each of its statements, waits for the server.
            flat = {f"{name}_{number}": value for number, row in enumerate(values) for name, value in row.items()}
            self.cursor.execute(statement.text_of_rows(self.dialect, len(values)), flat)
        elif len(values) == 1:
            self.cursor.execute(statement.text(self.dialect), values[0])
        elif values:
            self.cursor.executemany(statement.text(self.dialect), values)

    def rows(self, statement: Statement, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """Return the rows of a statement, in the order of its columns."""
        self.cursor.execute(statement.text(self.dialect), values)
        return self.cursor.fetchall()

    def row(self, statement: Statement, values: Mapping[str, object]) -> tuple[Any, ...] | None:
        """Return the first row of a statement."""
        self.cursor.execute(statement.text(self.dialect), values)
        return self.cursor.fetchone()


Work = Callable[[Transaction], T]


class Database(ABC):
    """One database. Writes of one process follow each other in the order in which they were asked for.

    A write runs to its end even where whoever waits for it is cancelled: a driver that is stopped between BEGIN and
    COMMIT would leave the write lock in the hands of nobody.

    Attributes:
        name: What messages call it; without a password.
        dialect: `sqlite` or `postgresql`.
        sealer: How the states of graphs lie in it: as they are, unless it is opened encrypted.
    """

    name: str
    dialect: str
    sealer: Sealer = Open()

    def __init__(self) -> None:
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="memory-writer")
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="memory-reader")
        self._queued: set[Future[Any]] = set()

    @abstractmethod
    def run(self, work: Work[T], *, durable: bool = False, batched: bool = False) -> T:
        """Run some work in a write transaction, here and now.

        It is committed at the end, or not at all where the work raises.

        Args:
            work: What is done; short, and waiting for nothing else.
            durable: Whether the commit must survive a power failure, whatever the setting of the database.
            batched: Whether statements may be sent without waiting for each: only `row` and `rows` tell a result then,
                and an error may come with the commit.

        Raises:
            StorageFull: No room; nothing of this transaction is kept, everything before it is.
            ConfigError: The database cannot be written, or is none.
            BackendDown: It is locked by another process for too long, or does not answer.
        """

    @abstractmethod
    def look(self, work: Work[T]) -> T:
        """Run some work that only reads, here and now; it sees one committed state.

        Raises:
            ConfigError: The database cannot be read.
            BackendDown: It does not answer.
        """

    async def write(self, work: Work[T], *, durable: bool = False, batched: bool = False) -> T:
        """Run some work in a write transaction from async code; see `run`."""
        return await self._queue(lambda: self.run(work, durable=durable, batched=batched))

    async def glance(self, work: Work[T]) -> T:
        """Run some work that reads a few rows; see `look`."""
        return await self.fetch(work)

    async def fetch(self, work: Work[T]) -> T:
        """Run some work that reads, away from the event loop; see `look`."""
        return await asyncio.wrap_future(self._readers.submit(self.look, work))

    async def read(self, query: Executable) -> Sequence[RowMapping]:
        """Return the rows of a query."""
        return await self.fetch(lambda transaction: transaction.execute(query).mappings().all())

    async def change(self, statement: UpdateBase) -> int:
        """Run one statement in a write transaction and return how many rows it met."""
        return await self.write(lambda transaction: transaction.execute(statement).rowcount)

    async def close(self) -> None:
        """Wait for writes whose callers are gone, and close all connections."""
        await asyncio.shield(asyncio.to_thread(self.close_now))

    def close_now(self) -> None:
        """Wait for what is queued, and close all connections."""
        self._writer.shutdown(wait=True)
        self._readers.shutdown(wait=True)
        self._dispose()

    @abstractmethod
    def _dispose(self) -> None: ...

    async def _queue(self, job: Callable[[], T]) -> T:
        future = self._writer.submit(job)
        self._queued.add(future)
        future.add_done_callback(self._queued.discard)
        return await asyncio.shield(asyncio.wrap_future(future))
