"""What servers have said of their models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from memory.tables import model_profiles
from nexus_agents.core.models import ModelProfile

if TYPE_CHECKING:
    from memory.database import Database, Transaction

__all__ = ["SqlProfiles"]


class SqlProfiles:
    """`ProfileStore` over SQL.

    Args:
        database: Where they are kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, profile: ModelProfile) -> None:
        """Write a profile; the same name at the same address again replaces it."""
        row = {"name": profile.name, "base_url": profile.base_url or "", "body": profile.model_dump_json()}

        def work(transaction: Transaction) -> None:
            module = postgresql if transaction.dialect == "postgresql" else sqlite
            put = module.insert(model_profiles).values(row)
            keys = ["name", "base_url"]
            transaction.execute(put.on_conflict_do_update(index_elements=keys, set_={"body": row["body"]}))

        await self._database.write(work)

    async def get(self, name: str, base_url: str | None) -> ModelProfile | None:
        """Return what is known about a model at an address."""
        table = model_profiles.c
        query = select(table.body).where(table.name == name, table.base_url == (base_url or ""))
        rows = await self._database.read(query)
        return _read(rows[0]["body"]) if rows else None

    async def list(self) -> list[ModelProfile]:
        """Return all profiles by name."""
        rows = await self._database.read(select(model_profiles.c.body).order_by(model_profiles.c.name))
        return [profile for row in rows if (profile := _read(row["body"]))]


def _read(body: str) -> ModelProfile | None:
    try:
        return ModelProfile.model_validate_json(body)
    except ValidationError:
        # Another version wrote it: the server is asked again.
        return None
