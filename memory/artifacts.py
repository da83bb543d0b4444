"""Files that runs made for their users."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from memory.events import append_event
from memory.rows import from_row, to_row
from memory.tables import artifacts
from nexus_agents.core.runs import Artifact

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from memory.database import Database
    from nexus_agents.core.events import AnyEvent

__all__ = ["SqlArtifacts"]


class SqlArtifacts:
    """`ArtifactStore` over SQL.

    Args:
        database: The file.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, artifact: Artifact, event: AnyEvent) -> AnyEvent | None:
        """Write an artifact down with its event, in one transaction; None where path and hash are known.

        Raises:
            InputError: There is no such run.
        """
        row = to_row(artifact)
        query = select(artifacts.c.seq).where(
            artifacts.c.run_id == artifact.run_id,
            artifacts.c.path == artifact.path,
            artifacts.c.sha256 == artifact.sha256,
        )

        async def work(connection: AsyncConnection) -> AnyEvent | None:
            if (await connection.execute(query)).first() is not None:
                return None
            written = await append_event(connection, artifact.run_id, event)
            await connection.execute(insert(artifacts).values(**row, seq=written.seq))
            return written

        return await self._database.write(work)

    async def list(self, run_id: str) -> list[Artifact]:
        """Return the artifacts of a run, oldest first."""
        query = select(artifacts).where(artifacts.c.run_id == run_id).order_by(artifacts.c.seq)
        return [from_row(Artifact, row) for row in await self._database.read(query)]
