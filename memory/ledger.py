"""The ledger: each tool call is written down before it starts and after it ends, with its event."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlalchemy import and_, bindparam, select, update

from memory.events import append_event
from memory.fence import Fence, hold_run
from memory.rows import JsonObject, from_row, to_row
from memory.statements import Statement, insert_row
from memory.tables import moment_text, tool_calls
from nexus_agents.core.errors import InputError
from nexus_agents.core.events import ToolStarted
from nexus_agents.core.runs import ToolCall, now

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from memory.database import Database, Transaction
    from nexus_agents.core.events import AnyEvent

__all__ = ["SqlLedger"]

FINAL = ("done", "skipped")
"""Calls that are never made again."""

_IS = and_(tool_calls.c.run_id == bindparam("_run_id"), tool_calls.c.call_id == bindparam("_call_id"))
_KNOWN = Statement(select(tool_calls.c.status, tool_calls.c.attempts).where(_IS))
_INSERT = insert_row(tool_calls)
_SET = Statement(
    update(tool_calls)
    .where(_IS)
    .values(
        {
            name: bindparam(name)
            for name in ("arguments", "status", "attempts", "result", "error", "started_at", "finished_at")
        }
    )
)


class SqlLedger:
    """`Ledger` over SQL.

    Args:
        database: Where they are kept.
        fence: The right to write about one run; that is then checked at each write.
    """

    def __init__(self, database: Database, fence: Fence | None = None) -> None:
        self._database = database
        self._fence = fence

    async def start(
        self, call: ToolCall, event: AnyEvent, *, durable: bool = False
    ) -> tuple[ToolCall, AnyEvent | None]:
        """Write a call down as started, together with its event, in one transaction.

        Where the call is known already nothing is inserted: a `done` or `skipped` row is returned as it is, with no
        event; a `started` or `failed` one is counted as one more attempt and its event is written. A `ToolStarted`
        event comes back with the number of the attempt.

        Args:
            call: The call.
            event: What tells of it.
            durable: Whether that must survive a power failure too: for effects that cannot be taken back.

        Raises:
            InputError: There is no such run, or the arguments have no JSON form.
            RunLost: Another process has taken the run.
        """

        def work(transaction: Transaction) -> tuple[ToolCall, AnyEvent | None]:
            # First, since PostgreSQL lets two at once read the same number of attempts.
            hold_run(transaction, call.run_id, self._fence)
            known = transaction.row(_KNOWN, _key(call))
            if known is not None and known[0] in FINAL:
                row = transaction.execute(select(tool_calls).where(_is(call.run_id, call.call_id))).mappings().one()
                return from_row(ToolCall, row), None
            attempts = 1 if known is None else known[1] + 1
            written = append_event(transaction, call.run_id, _counted(event, attempts), self._fence)
            fresh = {"status": "started", "result": None, "error": None, "finished_at": None, "attempts": attempts}
            started = call.model_copy(update=fresh)
            row = _driver_row(started)
            if known is None:
                transaction.run(_INSERT, row | {"seq": written.seq})
            else:
                transaction.run(_SET, row | _key(call))
            return started, written

        return await self._database.write(work, durable=durable)

    async def find(self, run_id: str, call_id: str) -> ToolCall | None:
        """Return the row of a call."""
        query = select(tool_calls).where(_is(run_id, call_id))
        row = await self._database.glance(lambda transaction: transaction.execute(query).mappings().first())
        return from_row(ToolCall, row) if row else None

    async def finish(self, call: ToolCall, event: AnyEvent) -> AnyEvent:
        """Write the outcome (`status`, `result`, `error`, `finished_at`) with its event, in one transaction.

        Raises:
            InputError: The call was never started, is done already (another process made it again), or its
                result has no JSON form.
            RunLost: Another process has taken the run.
        """
        row = _driver_row(call.model_copy(update={"finished_at": call.finished_at or now()}))

        def work(transaction: Transaction) -> AnyEvent:
            written = append_event(transaction, call.run_id, event, self._fence)
            known = transaction.row(_KNOWN, _key(call))
            if known is None or known[0] in FINAL:
                state = "was never started" if known is None else f"is {known[0]} already"
                raise InputError(
                    f"Call {call.call_id} of run {call.run_id} {state}.",
                    "An outcome is written once, by the process that started the call.",
                )
            transaction.run(_SET, row | _key(call) | {"attempts": known[1]})
            return written

        return await self._database.write(work)

    async def list(self, run_id: str) -> list[ToolCall]:
        """Return the calls of a run in the order in which they first started."""
        query = select(tool_calls).where(tool_calls.c.run_id == run_id).order_by(tool_calls.c.seq)
        return [from_row(ToolCall, row) for row in await self._database.read(query)]


def _is(run_id: str, call_id: str) -> ColumnElement[bool]:
    return and_(tool_calls.c.run_id == run_id, tool_calls.c.call_id == call_id)


def _key(call: ToolCall) -> JsonObject:
    return {"_run_id": call.run_id, "_call_id": call.call_id}


def _driver_row(call: ToolCall) -> JsonObject:
    # The driver knows neither the JSON nor the moments of SQLAlchemy.
    row = to_row(call)
    for name in ("arguments", "result", "error"):
        row[name] = None if row[name] is None else json.dumps(row[name])
    row["started_at"] = moment_text(call.started_at)
    row["finished_at"] = moment_text(call.finished_at) if call.finished_at else None
    return row


def _counted(event: AnyEvent, attempt: int) -> AnyEvent:
    return event.model_copy(update={"attempt": attempt}) if isinstance(event, ToolStarted) else event
