"""Shared context: what agents tell each other and later runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from memory.rows import from_row, to_row
from memory.tables import facts
from nexus_agents.core.runs import Fact

if TYPE_CHECKING:
    from memory.database import Database, Transaction

__all__ = ["SqlContext"]


class SqlContext:
    """`ContextStore` over SQL.

    Args:
        database: Where they are kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, fact: Fact) -> None:
        """Write a fact; the same namespace and key again replaces its value.

        Raises:
            InputError: The value has no JSON form.
        """
        row = to_row(fact)
        same = (facts.c.namespace == fact.namespace) & (facts.c.key == fact.key)

        def work(transaction: Transaction) -> None:
            if transaction.execute(update(facts).where(same).values(row)).rowcount == 0:
                transaction.execute(insert(facts).values(row))

        await self._database.write(work)

    async def get(self, namespace: str, key: str) -> Fact | None:
        """Return one fact."""
        query = select(facts).where(facts.c.namespace == namespace, facts.c.key == key)
        rows = await self._database.read(query)
        return from_row(Fact, rows[0]) if rows else None

    async def list(self, namespace: str) -> list[Fact]:
        """Return the facts of a namespace, oldest first; one that was replaced counts from then on."""
        query = select(facts).where(facts.c.namespace == namespace).order_by(facts.c.created_at, facts.c.key)
        return [from_row(Fact, row) for row in await self._database.read(query)]
