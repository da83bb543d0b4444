"""Shared context: facts with their authors and sources, kept in the database and searched by words and meaning."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar, cast

from sqlalchemy import delete, text

from memory.fact_rows import SELECT, bump, checked, end, fact_of, insert, put_rows, touch
from memory.places import STANDS, Area, area_of, name_of, namespace_from
from memory.recall import Recall, Request
from memory.secret_filter import refuse_secrets
from memory.tables import facts as table
from memory.tables import moment_text
from nexus_agents.core.errors import InputError
from nexus_agents.core.facts import Fact, FactKind, FoundFact, Namespace
from nexus_agents.core.runs import now

if TYPE_CHECKING:
    from memory.database import Database, Transaction
    from memory.embedding import EmbedderSource

__all__ = ["SqlFacts"]

T = TypeVar("T")

_AT_A_TIME = 500
"""Facts of an import that are written in one transaction."""


class SqlFacts:
    """`FactStore` over SQL.

    Args:
        database: Where they are kept.
        embedder: What makes their vectors; None looks for it when it is first needed.
        eager: Whether vectors are made in the background as facts come in, or only by searches.
    """

    def __init__(self, database: Database, embedder: EmbedderSource | None = None, *, eager: bool = False) -> None:
        self.database = database
        self.recall = Recall(database, embedder, eager=eager)
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="memory-facts")

    @property
    def search_mode(self) -> str:
        """How facts are found here, and why, for people."""
        source = self.recall.source
        return f"words and meaning: {source.says}" if source.there else f"words only: {source.says}"

    async def put(self, fact: Fact) -> Fact:
        """Write a fact; one with the same namespace and key is superseded, and the very same is not written twice.

        Returns:
            The fact as it stands, with its number.

        Raises:
            InputError: It holds a secret, says nothing, is too long, or its value has no JSON form.
        """
        return (await self.put_many([fact]))[0]

    async def put_many(self, given: Sequence[Fact]) -> list[Fact]:
        """Write several facts in one transaction; see `put`."""
        ready = _ready(given)
        standing = await self.database.write(lambda transaction: put_rows(transaction, ready, now()))
        self.recall.wake()
        return standing

    def put_within(self, transaction: Transaction, given: Sequence[Fact]) -> list[Fact]:
        """Write several facts in a transaction of the caller; see `put`."""
        return put_rows(transaction, _ready(given), now())

    async def get(self, namespace: Namespace, key: str) -> Fact | None:
        """Return the fact that stands under a key."""
        query = text(f"{SELECT} WHERE {STANDS} AND namespace = :namespace AND key = :key")
        values = {"namespace": name_of(namespace), "key": key, "now": moment_text(now())}
        row = await self.database.glance(lambda transaction: transaction.execute(query, values).first())
        return fact_of(row) if row else None

    async def find(self, fact_id: int) -> Fact | None:
        """Return a fact by its number, whether it still holds or not."""
        return await self.database.glance(lambda transaction: _find(transaction, fact_id))

    async def history(self, namespace: Namespace, key: str) -> list[Fact]:
        """Return all that ever stood under a key, oldest first."""
        query = text(f"{SELECT} WHERE namespace = :namespace AND key = :key ORDER BY id")
        values = {"namespace": name_of(namespace), "key": key}
        return [fact_of(row) for row in await self.database.fetch(lambda t: t.execute(query, values).all())]

    async def search(
        self,
        query: str,
        namespaces: Sequence[Namespace] = (),
        *,
        kinds: Sequence[FactKind] = (),
        limit: int = 10,
        offset: int = 0,
        below: bool = False,
    ) -> list[FoundFact]:
        """Return the facts that fit a query in plain words, best first.

        Args:
            query: In plain words.
            namespaces: Where; none at all for everything.
            kinds: Only these kinds.
            limit: How many at most.
            offset: How many of the best are passed over.
            below: Whether what lies below the namespaces belongs to them.

        Raises:
            ConfigError: The embedder's files are not what they should be.
        """
        request = Request(query, area_of(namespaces, now(), kinds=kinds, below=below), limit, offset)
        found = await self.away(lambda: self.recall.search(request))
        await self.touched([one.fact for one in found])
        return found

    async def touched(self, read: Sequence[Fact]) -> None:
        """Start the time of facts anew that hold for some minutes after they were last read."""
        timed = [fact for fact in read if fact.ttl and not fact.valid_to]
        if timed:
            await self.database.write(lambda transaction: touch(transaction, timed, now()))

    async def forget(self, namespace: Namespace, key: str) -> Fact | None:
        """Let a fact hold no longer; it stays in the history and can be restored. None where there was none."""
        name = name_of(namespace)
        return await self.database.write(lambda transaction: forgotten(transaction, name, key, now()))

    async def restore(self, fact_id: int) -> Fact:
        """Let a fact hold again that was forgotten, superseded or has expired.

        What stands under its key now is superseded by it.

        Raises:
            InputError: There is no such fact.
        """
        moment = now()

        def work(transaction: Transaction) -> Fact:
            old = _find(transaction, fact_id)
            if old is None:
                raise InputError(f"There is no fact {fact_id}.", "See them with: nexus memory list --history")
            if old.valid_to is None:
                return old
            gone = {"id": None, "valid_to": None, "ended": None, "superseded_by": None}
            fresh = {"created_at": moment, "expires_at": None}
            return put_rows(transaction, [old.model_copy(update=gone | fresh)], moment)[0]

        fact = await self.database.write(work)
        self.recall.wake()
        return fact

    async def erase(self, namespace: Namespace, key: str) -> int:
        """Delete a fact with all its history; returns how many rows that were. It cannot be taken back."""
        name = name_of(namespace)

        def work(transaction: Transaction) -> int:
            bump(transaction, name)
            return transaction.execute(delete(table).where(table.c.namespace == name, table.c.key == key)).rowcount

        return await self.database.write(work)

    async def load(self, given: Iterable[Fact]) -> tuple[int, int]:
        """Take in facts that were exported: newer ones supersede what stands, what is known is passed over.

        Returns:
            How many were taken, and how many passed over.

        Raises:
            InputError: One of them cannot be kept; those of the 500 before it are not kept either.
        """
        ready = sorted(_ready(list(given)), key=lambda fact: fact.created_at)
        taken = 0
        for start in range(0, len(ready), _AT_A_TIME):
            part = ready[start : start + _AT_A_TIME]
            taken += await self.database.write(lambda transaction, part=part: _load(transaction, part))
        self.recall.wake()
        return taken, len(ready) - taken

    async def sweep(self) -> int:
        """End the facts whose time is over (nobody sees them anyway); returns how many."""
        return await self.database.write(lambda transaction: swept(transaction, now()))

    async def embed_pending(self, progress: Callable[[int, int], None] | None = None) -> int:
        """Make the vectors that are missing; returns how many. Searches do it for the newest 64 themselves.

        Args:
            progress: Told how many are done, of how many; called from another thread.
        """
        return await self.away(lambda: self.recall.fill(progress=progress))

    async def list(
        self,
        namespaces: Sequence[Namespace] = (),
        *,
        kinds: Sequence[FactKind] = (),
        limit: int | None = None,
        offset: int = 0,
        below: bool = False,
        history: bool = False,
    ) -> list[Fact]:
        """Return facts, newest first.

        Args:
            namespaces: Which; none at all for everything.
            kinds: Only these kinds.
            limit: How many at most; None for all.
            offset: How many of the newest are passed over.
            below: Whether what lies below the namespaces belongs to them.
            history: Whether facts that hold no longer are listed too.
        """
        area = area_of(namespaces, now(), kinds=kinds, below=below)
        return await self.database.fetch(lambda transaction: listed(transaction, area, limit, offset, history))

    async def close(self) -> None:
        """Stop making vectors."""
        await asyncio.to_thread(self.close_now)

    def close_now(self) -> None:
        """Stop making vectors."""
        self.recall.close()
        self._threads.shutdown(wait=True, cancel_futures=True)

    async def away(self, work: Callable[[], T]) -> T:
        """Do some work away from the event loop."""
        return await asyncio.wrap_future(self._threads.submit(work))


def listed(
    transaction: Transaction, area: Area, limit: int | None = None, offset: int = 0, history: bool = False
) -> list[Fact]:
    """Return facts of an area, newest first; with their history where that is wanted."""
    where = area.ever if history else area.sql
    some = "" if limit is None else f" LIMIT {int(limit)} OFFSET {int(offset)}"
    query = text(f"{SELECT} WHERE {where} ORDER BY facts.created_at DESC, facts.id DESC{some}")
    return [fact_of(row) for row in transaction.execute(query, area.values)]


def forgotten(transaction: Transaction, name: str, key: str, moment: datetime) -> Fact | None:
    """Let a fact hold no longer."""
    version = bump(transaction, name)
    query = text(f"{SELECT} WHERE namespace = :namespace AND key = :key AND valid_to IS NULL")
    row = transaction.execute(query, {"namespace": name, "key": key}).first()
    if row is None:
        return None
    fact = fact_of(row)
    end(transaction, [cast("int", fact.id)], "forgotten", moment, version)
    return fact.model_copy(update={"valid_to": moment, "ended": "forgotten"})


def swept(transaction: Transaction, moment: datetime) -> int:
    """End the facts whose time is over."""
    query = text(f"{SELECT} WHERE valid_to IS NULL AND expires_at <= :now ORDER BY namespace, id")
    over = [fact_of(row) for row in transaction.execute(query, {"now": moment_text(moment)})]
    for name in sorted({name_of(fact.namespace) for fact in over}):
        version = bump(transaction, name)
        for fact in over:
            if fact.namespace == namespace_from(name):
                end(transaction, [cast("int", fact.id)], "expired", fact.expires_at or moment, version)
    return len(over)


def _ready(given: Sequence[Fact]) -> list[Fact]:
    ready = [checked(fact) for fact in given]
    for fact in ready:
        refuse_secrets(fact)
    return ready


def _find(transaction: Transaction, fact_id: int) -> Fact | None:
    row = transaction.execute(text(f"{SELECT} WHERE facts.id = :id"), {"id": fact_id}).first()
    return fact_of(row) if row else None


def _load(transaction: Transaction, part: Sequence[Fact]) -> int:
    known = text(
        "SELECT 1 FROM facts WHERE namespace = :namespace AND key = :key AND created_at = :made AND text = :text"
    )
    later = text(
        "SELECT 1 FROM facts WHERE namespace = :namespace AND key = :key AND valid_to IS NULL AND created_at >= :made"
    )
    taken = 0
    for fact in part:
        name = name_of(fact.namespace)
        values = {"namespace": name, "key": fact.key, "made": moment_text(fact.created_at)}
        version = bump(transaction, name)
        if transaction.execute(known, values | {"text": fact.text}).first():
            continue
        if fact.valid_to:
            insert(transaction, fact.model_copy(update={"id": None, "superseded_by": None}), version)
        elif transaction.execute(later, values).first():
            continue
        else:
            put_rows(transaction, [fact], max(now(), fact.created_at))
        taken += 1
    return taken
