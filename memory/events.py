"""The event log: numbered without gaps within each run, whatever number of processes writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pydantic import ValidationError
from sqlalchemy import bindparam, func, select

from memory.fence import Fence, hold_run
from memory.statements import Statement, insert_row
from memory.tables import events, moment_text
from nexus_agents.core.errors import ConfigError, InputError
from nexus_agents.core.events import EVENT, Usage, UserSaid

if TYPE_CHECKING:
    from memory.database import Database, Transaction
    from nexus_agents.core.events import AnyEvent

__all__ = ["SqlEvents", "append_event"]

MOST_AT_ONCE = 500
"""Runs that one question names: SQLite takes no more than 999 values in older versions."""


_LAST = Statement(select(func.max(events.c.seq)).where(events.c.run_id == bindparam("run_id")))
_INSERT = insert_row(events)


class SqlEvents:
    """`EventLog` over SQL.

    Args:
        database: Where they are kept.
        fence: The right to write about one run; that is then checked at each write.
    """

    def __init__(self, database: Database, fence: Fence | None = None) -> None:
        self._database = database
        self._fence = fence

    async def append(self, run_id: str, event: AnyEvent) -> AnyEvent:
        """Persist an event and return it with its `seq`.

        Raises:
            InputError: There is no such run, or something in the event has no JSON form.
            RunLost: Another process has taken the run.
        """
        return await self._database.write(lambda transaction: append_event(transaction, run_id, event, self._fence))

    async def read(self, run_id: str, *, after: int = 0) -> list[AnyEvent]:
        """Return the events of a run with `seq` above `after`, in order.

        Raises:
            ConfigError: An event was written by another version.
        """
        query = (
            select(events.c.seq, events.c.body)
            .where(events.c.run_id == run_id, events.c.seq > after)
            .order_by(events.c.seq)
        )
        return [_parse(run_id, row["seq"], row["body"]) for row in await self._database.read(query)]

    async def said(self, run_id: str, *, after: int = 0) -> list[UserSaid]:
        """Return what people have said to a run with `seq` above `after`, in order; quick, to be asked often."""
        asked = {"run_id": run_id, "after": after, "type": "user_said"}
        rows = await self._database.glance(lambda transaction: transaction.rows(_SAID, asked))
        found = [_parse(run_id, seq, body) for seq, body in rows]
        return [event for event in found if isinstance(event, UserSaid)]

    async def usage(self, run_ids: Sequence[str]) -> dict[str, list[Usage]]:
        """Return what the calls of models used in each of some runs."""
        used: dict[str, list[Usage]] = {run_id: [] for run_id in run_ids}
        ids = list(used)
        for first in range(0, len(ids), MOST_AT_ONCE):
            part = ids[first : first + MOST_AT_ONCE]
            query = (
                select(events.c.run_id, events.c.seq, events.c.body)
                .where(events.c.type == "usage", events.c.run_id.in_(part))
                .order_by(events.c.run_id, events.c.seq)
            )
            for row in await self._database.read(query):
                event = _parse(row["run_id"], row["seq"], row["body"])
                if isinstance(event, Usage):
                    used[row["run_id"]].append(event)
        return used


_SAID = Statement(
    select(events.c.seq, events.c.body)
    .where(
        events.c.run_id == bindparam("run_id"), events.c.seq > bindparam("after"), events.c.type == bindparam("type")
    )
    .order_by(events.c.seq)
)


def append_event(transaction: Transaction, run_id: str, event: AnyEvent, fence: Fence | None = None) -> AnyEvent:
    """Number and write an event within a write transaction that is open already.

    Raises:
        InputError: There is no such run, or something in the event has no JSON form.
        RunLost: Another process has taken the run.
    """
    hold_run(transaction, run_id, fence)
    last = transaction.rows(_LAST, {"run_id": run_id})[0][0] or 0
    numbered = event.model_copy(update={"seq": last + 1})
    try:
        body = EVENT.dump_json(numbered).decode()
    except ValueError as error:
        raise InputError(
            f"An event of kind {event.type} cannot be kept, since it has no JSON form: {error}.",
            "Give text, numbers, lists and mappings.",
        ) from error
    row = {"run_id": run_id, "seq": numbered.seq, "type": event.type, "at": moment_text(event.at), "body": body}
    transaction.run(_INSERT, row)
    return numbered


def _parse(run_id: str, seq: int, body: str) -> AnyEvent:
    try:
        return EVENT.validate_json(body)
    except ValidationError as error:
        raise ConfigError(
            f"Event {seq} of run {run_id} cannot be read by this version: {error.errors()[0]['msg']}.",
            "Use the version of Nexus that wrote it.",
        ) from error
