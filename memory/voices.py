"""Voices that were made here, and the consents behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from memory.rows import from_row, to_row
from memory.tables import consents, voices
from nexus_agents.core.runs import now
from nexus_agents.core.voices import Consent, Voice

if TYPE_CHECKING:
    from memory.database import Database, Transaction

__all__ = ["SqlVoices"]


class SqlVoices:
    """`VoiceStore` over SQL.

    Args:
        database: Where they are kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, voice: Voice) -> None:
        """Write a voice; the same name again replaces it."""
        row = to_row(voice)

        def work(transaction: Transaction) -> None:
            # One statement, since PostgreSQL lets two at once look for a voice and find none.
            module = postgresql if transaction.dialect == "postgresql" else sqlite
            put = module.insert(voices).values(row)
            transaction.execute(put.on_conflict_do_update(index_elements=["name"], set_=row))

        await self._database.write(work)

    async def get(self, name: str) -> Voice | None:
        """Return a voice by name."""
        query = select(voices).where(voices.c.name == name)
        rows = await self._database.read(query)
        return from_row(Voice, rows[0]) if rows else None

    async def list(self) -> list[Voice]:
        """Return all voices by name."""
        query = select(voices).order_by(voices.c.name)
        return [from_row(Voice, row) for row in await self._database.read(query)]

    async def remove(self, name: str) -> bool:
        """Forget a voice; False where there was none. Its consents stay: they are a record."""
        return await self._database.change(delete(voices).where(voices.c.name == name)) == 1

    async def add_consent(self, consent: Consent) -> None:
        """Write a consent down."""
        await self._database.change(insert(consents).values(to_row(consent)))

    async def consent_for(self, clip_sha256: str) -> Consent | None:
        """Return the newest consent for a clip that was not revoked."""
        query = (
            select(consents)
            .where(consents.c.clip_sha256 == clip_sha256, consents.c.revoked_at.is_(None))
            .order_by(consents.c.created_at.desc(), consents.c.id.desc())
            .limit(1)
        )
        rows = await self._database.read(query)
        return from_row(Consent, rows[0]) if rows else None

    async def revoke(self, clip_sha256: str) -> int:
        """Revoke the consents for a clip; returns how many."""
        statement = (
            update(consents)
            .where(consents.c.clip_sha256 == clip_sha256, consents.c.revoked_at.is_(None))
            .values(revoked_at=now())
        )
        return await self._database.change(statement)
