"""The event log: numbered without gaps within each run, whatever number of processes writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError
from sqlalchemy import func, insert, select

from memory.tables import events, runs
from nexus_agents.core.errors import ConfigError, InputError
from nexus_agents.core.events import EVENT

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from memory.database import Database
    from nexus_agents.core.events import AnyEvent

__all__ = ["SqlEvents", "append_event"]


class SqlEvents:
    """`EventLog` over SQL.

    Args:
        database: The file.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def append(self, run_id: str, event: AnyEvent) -> AnyEvent:
        """Persist an event and return it with its `seq`.

        Raises:
            InputError: There is no such run, or something in the event has no JSON form.
        """
        return await self._database.write(lambda connection: append_event(connection, run_id, event))

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


async def append_event(connection: AsyncConnection, run_id: str, event: AnyEvent) -> AnyEvent:
    """Number and write an event within a write transaction that is open already.

    Raises:
        InputError: There is no such run, or something in the event has no JSON form.
    """
    query = (
        select(func.coalesce(func.max(events.c.seq), 0))
        .select_from(runs.outerjoin(events, events.c.run_id == runs.c.id))
        .where(runs.c.id == run_id)
        .group_by(runs.c.id)
    )
    last = (await connection.execute(query)).scalar_one_or_none()
    if last is None:
        raise InputError(f"There is no run {run_id}.", "Create the run before anything is written about it.")
    numbered = event.model_copy(update={"seq": last + 1})
    try:
        body = EVENT.dump_json(numbered).decode()
    except ValueError as error:
        raise InputError(
            f"An event of kind {event.type} cannot be kept, since it has no JSON form: {error}.",
            "Give text, numbers, lists and mappings.",
        ) from error
    await connection.execute(
        insert(events).values(run_id=run_id, seq=numbered.seq, type=event.type, at=event.at, body=body)
    )
    return numbered


def _parse(run_id: str, seq: int, body: str) -> AnyEvent:
    try:
        return EVENT.validate_json(body)
    except ValidationError as error:
        raise ConfigError(
            f"Event {seq} of run {run_id} cannot be read by this version: {error.errors()[0]['msg']}.",
            "Use the version of Nexus that wrote it.",
        ) from error
