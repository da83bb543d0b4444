"""The ledger: each tool call is written down before it starts and after it ends, with its event."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import and_, insert, select, update

from memory.events import append_event
from memory.rows import from_row, to_row
from memory.tables import tool_calls
from nexus_agents.core.errors import InputError
from nexus_agents.core.events import ToolStarted
from nexus_agents.core.runs import ToolCall, now

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Executable, RowMapping
    from sqlalchemy.ext.asyncio import AsyncConnection

    from memory.database import Database
    from nexus_agents.core.events import AnyEvent

__all__ = ["SqlLedger"]

_OUTCOME = ("status", "result", "error")
_FRESH = {"status": "started", "result": None, "error": None, "finished_at": None}


class SqlLedger:
    """`Ledger` over SQL.

    Args:
        database: The file.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def start(self, call: ToolCall, event: AnyEvent) -> tuple[ToolCall, AnyEvent | None]:
        """Write a call down as started, together with its event, in one transaction.

        Where the call is known already nothing is inserted: a `done` row is returned as it is with no event;
        a `started` or `failed` one is counted as one more attempt and its event is written. A `ToolStarted`
        event comes back with the number of the attempt.

        Raises:
            InputError: There is no such run, or the arguments have no JSON form.
        """

        async def work(connection: AsyncConnection) -> tuple[ToolCall, AnyEvent | None]:
            known = _first((await connection.execute(_select(call.run_id, call.call_id))).mappings().all())
            if known is not None and known.status == "done":
                return known, None
            attempts = 1 if known is None else known.attempts + 1
            written = await append_event(connection, call.run_id, _counted(event, attempts))
            started = call.model_copy(update={**_FRESH, "attempts": attempts})
            if known is None:
                await connection.execute(insert(tool_calls).values(**to_row(started), seq=written.seq))
            else:
                await connection.execute(update(tool_calls).where(_is(call)).values(to_row(started)))
            return started, written

        return await self._database.write(work)

    async def find(self, run_id: str, call_id: str) -> ToolCall | None:
        """Return the row of a call."""
        return _first(await self._database.read(_select(run_id, call_id)))

    async def finish(self, call: ToolCall, event: AnyEvent) -> AnyEvent:
        """Write the outcome (`status`, `result`, `error`, `finished_at`) with its event, in one transaction.

        Raises:
            InputError: The call was never started, is done already (another process made it again), or its
                result has no JSON form.
        """
        row = to_row(call)
        outcome = {name: row[name] for name in _OUTCOME} | {"finished_at": call.finished_at or now()}

        async def work(connection: AsyncConnection) -> AnyEvent:
            known = _first((await connection.execute(_select(call.run_id, call.call_id))).mappings().all())
            if known is None or known.status == "done":
                state = "was never started" if known is None else "is done already"
                raise InputError(
                    f"Call {call.call_id} of run {call.run_id} {state}.",
                    "An outcome is written once, by the process that started the call.",
                )
            await connection.execute(update(tool_calls).where(_is(call)).values(outcome))
            return await append_event(connection, call.run_id, event)

        return await self._database.write(work)

    async def list(self, run_id: str) -> list[ToolCall]:
        """Return the calls of a run in the order in which they first started."""
        query = select(tool_calls).where(tool_calls.c.run_id == run_id).order_by(tool_calls.c.seq)
        return [from_row(ToolCall, row) for row in await self._database.read(query)]


def _is(call: ToolCall) -> ColumnElement[bool]:
    return and_(tool_calls.c.run_id == call.run_id, tool_calls.c.call_id == call.call_id)


def _select(run_id: str, call_id: str) -> Executable:
    return select(tool_calls).where(tool_calls.c.run_id == run_id, tool_calls.c.call_id == call_id)


def _first(rows: Sequence[RowMapping]) -> ToolCall | None:
    return from_row(ToolCall, rows[0]) if rows else None


def _counted(event: AnyEvent, attempt: int) -> AnyEvent:
    return event.model_copy(update={"attempt": attempt}) if isinstance(event, ToolStarted) else event
