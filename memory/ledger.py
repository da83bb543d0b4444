"""The ledger: each tool call is written down before it starts and after it ends, with its event."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, bindparam, select, update

from memory.events import append_event
from memory.fence import Fence, hold_run
from memory.rows import JsonObject, from_driver, from_row, to_driver, to_row
from memory.statements import Statement, insert_row
from memory.tables import tool_calls
from nexus_agents.core.errors import InputError
from nexus_agents.core.events import ToolStarted
from nexus_agents.core.runs import ToolCall, now

if TYPE_CHECKING:
    from memory.database import Database, Transaction
    from nexus_agents.core.events import AnyEvent

__all__ = ["SqlLedger"]

FINAL = ("done", "skipped")
"""Calls that are never made again."""

_IS = and_(tool_calls.c.run_id == bindparam("_run_id"), tool_calls.c.call_id == bindparam("_call_id"))
_KNOWN = Statement(select(tool_calls.c.status, tool_calls.c.attempts).where(_IS))
_ROW = Statement(select(tool_calls).where(_IS))
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
                row = transaction.row(_ROW, _key(call))
                assert row is not None
                return from_driver(ToolCall, tool_calls, row), None
            attempts = 1 if known is None else known[1] + 1
            written = append_event(transaction, call.run_id, _counted(event, attempts), self._fence)
            fresh = {"status": "started", "result": None, "error": None, "finished_at": None, "attempts": attempts}
            started = call.model_copy(update=fresh)
            row = to_driver(tool_calls, to_row(started))
            if known is None:
                transaction.run(_INSERT, row | {"seq": written.seq})
            else:
                transaction.run(_SET, row | _key(call))
            return started, written

        return await self._database.write(work, durable=durable)

    async def find(self, run_id: str, call_id: str) -> ToolCall | None:
        """Return the row of a call."""
        key = {"_run_id": run_id, "_call_id": call_id}
        row = await self._database.glance(lambda transaction: transaction.row(_ROW, key))
        return from_driver(ToolCall, tool_calls, row) if row else None

    async def name(self, run_id: str, call_id: str, rewinds: int) -> str:
        """Return the id under which a call of a run that was rewound is known, or is to be made.

        What a rewind left is not taken for what is done now: not here, and not where a tool marks its effect with the
        id of its call.

        Args:
            run_id: The run.
            call_id: The id that its place in the graph gives it.
            rewinds: How often the run was rewound.
        """
        if not rewinds:
            return call_id
        ids = [call_id, *(f"{call_id}~{number}" for number in range(1, rewinds + 1))]
        counts = and_(tool_calls.c.run_id == run_id, tool_calls.c.call_id.in_(ids), tool_calls.c.status != "undone")
        query = select(tool_calls.c.call_id).where(counts).order_by(tool_calls.c.seq.desc()).limit(1)
        found = await self._database.glance(lambda transaction: transaction.execute(query).scalar())
        return str(found) if found is not None else ids[-1]

    async def finish(self, call: ToolCall, event: AnyEvent) -> AnyEvent:
        """Write the outcome (`status`, `result`, `error`, `finished_at`) with its event, in one transaction.

        Raises:
            InputError: The call was never started, is done already (another process made it again), or its
                result has no JSON form.
            RunLost: Another process has taken the run.
        """
        row = to_driver(tool_calls, to_row(call.model_copy(update={"finished_at": call.finished_at or now()})))

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


def _key(call: ToolCall) -> JsonObject:
    return {"_run_id": call.run_id, "_call_id": call.call_id}


def _counted(event: AnyEvent, attempt: int) -> AnyEvent:
    return event.model_copy(update={"attempt": attempt}) if isinstance(event, ToolStarted) else event
