"""Files that runs made for their users."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from memory.events import append_event
from memory.fence import Fence, hold_run
from memory.rows import from_row, to_row
from memory.tables import artifacts
from nexus_agents.core.runs import Artifact

if TYPE_CHECKING:
    from memory.database import Database, Transaction
    from nexus_agents.core.events import AnyEvent

__all__ = ["SqlArtifacts"]


class SqlArtifacts:
    """`ArtifactStore` over SQL.

    Args:
        database: Where they are kept.
        fence: The right to write about one run; that is then checked at each write.
    """

    def __init__(self, database: Database, fence: Fence | None = None) -> None:
        self._database = database
        self._fence = fence

    async def add(self, artifact: Artifact, event: AnyEvent) -> AnyEvent | None:
        """Write an artifact down with its event, in one transaction; None where path and hash are known.

        Raises:
            InputError: There is no such run.
            RunLost: Another process has taken the run.
        """
        row = to_row(artifact)
        query = select(artifacts.c.seq).where(
            artifacts.c.run_id == artifact.run_id,
            artifacts.c.path == artifact.path,
            artifacts.c.sha256 == artifact.sha256,
        )

        def work(transaction: Transaction) -> AnyEvent | None:
            # First, since PostgreSQL lets two at once look and find nothing.
            hold_run(transaction, artifact.run_id, self._fence)
            if transaction.execute(query).first() is not None:
                return None
            written = append_event(transaction, artifact.run_id, event, self._fence)
            transaction.execute(insert(artifacts).values(**row, seq=written.seq))
            return written

        return await self._database.write(work)

    async def list(self, run_id: str) -> list[Artifact]:
        """Return the artifacts of a run, oldest first."""
        query = select(artifacts).where(artifacts.c.run_id == run_id).order_by(artifacts.c.seq)
        return [from_row(Artifact, row) for row in await self._database.read(query)]
