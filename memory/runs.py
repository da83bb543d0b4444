"""The table of runs: who works on what, and how it ended."""

from __future__ import annotations

import platform
import socket
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, func, select, update

from memory.events import append_event
from memory.rows import from_driver, from_row, to_driver, to_json, to_row
from memory.statements import Statement, insert_row
from memory.tables import runs
from nexus_agents.core.errors import InputError
from nexus_agents.core.runs import Owner, Run, RunError, RunStatus, now

if TYPE_CHECKING:
    from memory.database import Database, Transaction
    from nexus_agents.core.budget import Limits
    from nexus_agents.core.events import AnyEvent

__all__ = ["REMOTE_SECONDS", "SqlRuns"]

REMOTE_SECONDS = 60
"""An owner on another host counts as alive for so long after its last sign of life (seconds)."""

_SAME_START_SECONDS = 1.0
_SAME_TICK_SECONDS = 0.1
_NAMED = 5

_ID = Statement(select(runs.c.id).where(runs.c.id == bindparam("id")))
_INSERT = insert_row(runs)
_TAKE = Statement(select(runs).where(runs.c.id == bindparam("id")).with_for_update())
_OWNED: dict[str, Any] = {name: bindparam(name) for name in ("status", "owner", "updated_at")}
_TAKEN = Statement(update(runs).where(runs.c.id == bindparam("_id")).values(_OWNED | {"fence": bindparam("fence")}))
_SETTLE = Statement(
    update(runs)
    .where(runs.c.id == bindparam("_id"), runs.c.fence == bindparam("_fence"))
    .values(_OWNED | {"result": bindparam("result"), "error": bindparam("error")})
)


class SqlRuns:
    """`RunStore` over SQL.

    Args:
        database: Where they are kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, run: Run) -> None:
        """Write a new run down.

        Raises:
            InputError: The id is taken, or the parent is not known.
        """
        row = to_driver(runs, to_row(run))

        def work(transaction: Transaction) -> None:
            taken = transaction.row(_ID, {"id": run.id})
            if taken is not None or (run.parent_id and transaction.row(_ID, {"id": run.parent_id}) is None):
                raise InputError(
                    f"Run {run.id} exists already, or its parent {run.parent_id} does not.",
                    "Give a new run an id of its own, and a parent that was run here.",
                )
            transaction.run(_INSERT, row)

        await self._database.write(work)

    async def get(self, run_id: str) -> Run | None:
        """Return a run by its id, or by a prefix of it that fits only one.

        Raises:
            InputError: The prefix fits several runs.
        """
        if not run_id:
            return None
        query = select(runs).where(runs.c.id.startswith(run_id, autoescape=True)).order_by(runs.c.id).limit(_NAMED + 1)
        rows = await self._database.read(query)
        # An id that is also the beginning of others sorts before them.
        if len(rows) == 1 or (rows and rows[0]["id"] == run_id):
            return from_row(Run, rows[0])
        if not rows:
            return None
        named = ", ".join(str(row["id"]) for row in rows[:_NAMED]) + (", ..." if len(rows) > _NAMED else "")
        raise InputError(f"{run_id!r} fits several runs: {named}.", "Give more characters of the id.")

    async def list(
        self, *, limit: int = 50, statuses: Sequence[RunStatus] = (), thread_id: str | None = None
    ) -> list[Run]:
        """Return runs that were not deleted, newest first."""
        query = (
            select(runs)
            .where(runs.c.deleted_at.is_(None))
            .order_by(runs.c.created_at.desc(), runs.c.id.desc())
            .limit(limit)
        )
        if statuses:
            query = query.where(runs.c.status.in_(statuses))
        if thread_id is not None:
            query = query.where(runs.c.thread_id == thread_id)
        return [from_row(Run, row) for row in await self._database.read(query)]

    async def count(self, *, statuses: Sequence[RunStatus] = ()) -> int:
        """Return how many runs there are, of any status or of some."""
        query = select(func.count().label("number")).select_from(runs)
        if statuses:
            query = query.where(runs.c.status.in_(statuses))
        return int((await self._database.read(query))[0]["number"])

    async def rename(self, run_id: str, title: str | None) -> bool:
        """Give a run a name, or take it away; False where there is no such run."""
        return await self._database.change(update(runs).where(runs.c.id == run_id).values(title=title)) == 1

    async def delete(self, run_id: str, *, deleted: bool = True) -> bool:
        """Delete a run from the lists, or bring it back; False where there is no such run."""
        moment = now() if deleted else None
        return await self._database.change(update(runs).where(runs.c.id == run_id).values(deleted_at=moment)) == 1

    async def amend(
        self,
        run_id: str,
        *,
        approved: Sequence[str] = (),
        revoked: Sequence[str] = (),
        budget: Limits | None = None,
    ) -> Run:
        """Add to what is approved for a run, take some of it back, and change what it may use up.

        Raises:
            InputError: There is no such run.
        """

        def work(transaction: Transaction) -> Run:
            row = transaction.row(_TAKE, {"id": run_id})
            if row is None:
                raise InputError(f"There is no run {run_id}.", "List the runs to see their ids.")
            run = from_driver(Run, runs, row)
            changed = run.model_copy(
                update={
                    "approved": [entry for entry in dict.fromkeys([*run.approved, *approved]) if entry not in revoked],
                    "budget": budget.over(run.budget) if budget else run.budget,
                }
            )
            given = {"approved": changed.approved, "budget": changed.budget.model_dump(mode="json")}
            transaction.execute(update(runs).where(runs.c.id == run_id).values(given))
            return changed

        return await self._database.write(work)

    async def claim(self, run_id: str, owner: Owner) -> Run:
        """Take a run for this process: status `running`, fence one higher.

        Raises:
            InputError: There is no such run, or a living process works on it.
        """

        def work(transaction: Transaction) -> Run:
            row = transaction.row(_TAKE, {"id": run_id})
            if row is None:
                raise InputError(f"There is no run {run_id}.", "List the runs to see their ids.")
            run = from_driver(Run, runs, row)
            if run.owner is not None and run.owner != owner and _alive(run.owner, run):
                elsewhere = "" if _is_here(run.owner) else f" on {run.owner.host}"
                raise InputError(
                    f"Run {run_id} is being worked on by process {run.owner.pid}{elsewhere}.",
                    "Wait for it to end, or end that process and try again.",
                )
            taken = run.model_copy(
                update={"status": "running", "owner": owner, "fence": run.fence + 1, "updated_at": now()}
            )
            given = {"owner": owner.model_dump(mode="json"), "fence": taken.fence, "updated_at": taken.updated_at}
            transaction.run(_TAKEN, {"_id": run_id, "status": taken.status, **to_driver(runs, given)})
            return taken

        return await self._database.write(work)

    async def heartbeat(self, run_id: str, fence: int) -> bool:
        """Give a sign of life; False where the run was freed or another process took it."""
        changed = await self._database.change(
            update(runs)
            .where(runs.c.id == run_id, runs.c.fence == fence, runs.c.owner.is_not(None))
            .values(updated_at=now())
        )
        return changed == 1

    async def settle(
        self,
        run_id: str,
        fence: int,
        status: RunStatus,
        *,
        result: Mapping[str, object] | None = None,
        error: RunError | None = None,
        event: AnyEvent | None = None,
    ) -> AnyEvent | bool:
        """Write how a run stands and free it, with the event that says so, in one transaction.

        Returns:
            The event with its `seq`, or True without one; False (and nothing written) where another process took it.

        Raises:
            InputError: The result has no JSON form.
        """
        given = {"result": to_json(result), "error": to_json(error), "updated_at": now()}
        settled = {"_id": run_id, "_fence": fence, "status": status, "owner": None, **to_driver(runs, given)}

        def work(transaction: Transaction) -> AnyEvent | bool:
            if transaction.run(_SETTLE, settled) != 1:
                return False
            return append_event(transaction, run_id, event) if event else True

        return await self._database.write(work)


def _is_here(owner: Owner) -> bool:
    return owner.host in (platform.node(), socket.gethostname())


def _alive(owner: Owner, run: Run) -> bool:
    if not _is_here(owner):
        return abs(now() - run.updated_at) < timedelta(seconds=REMOTE_SECONDS)
    import psutil

    try:
        process = psutil.Process(owner.pid)
        started = process.create_time()
        # Linux counts from the start of the machine and macOS from the epoch: setting the clock moves one of the two.
        same = abs(started - owner.started) <= _SAME_START_SECONDS or (
            owner.since_boot is not None and abs(started - psutil.boot_time() - owner.since_boot) <= _SAME_TICK_SECONDS
        )
        # A zombie has ended; only its parent has not looked yet.
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True
