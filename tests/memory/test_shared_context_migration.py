from __future__ import annotations

import asyncio
from pathlib import Path

from sqlalchemy import make_url, text

from memory import SqlMemory, open_memory
from memory.database import Database, Transaction
from memory.migrate import migrate, revision
from memory.postgres import PostgresDatabase
from memory.sqlite import SqliteDatabase
from tests.memory.concepts import WORDS_ONLY

OLD = (
    ("run:1122-0404-3f9a1c", "port", '"The port is 8000 in my_table."'),
    ("run.1122-0404-3f9a1c", "port", '{"port": 9000, "why": "taken"}'),
    ("notes", "list", "[1, null]"),
    ("notes", "nothing", None),
)


def fill_as_before(url: str) -> None:
    """Make the tables as they were at revision 0002, with facts in the form of that time."""
    server = url.startswith("postgresql")
    database: Database = (
        PostgresDatabase(make_url(url)) if server else SqliteDatabase(Path(url.removeprefix("sqlite:///")))
    )
    insert = text("INSERT INTO facts VALUES (:namespace, :key, :value, 'planning', NULL, :made)")

    def work(transaction: Transaction) -> None:
        for place, (namespace, key, value) in enumerate(OLD):
            made = f"2026-11-22T04:04:0{place}.000000+00:00"
            transaction.execute(insert, {"namespace": namespace, "key": key, "value": value, "made": made})

    try:
        migrate(database, head="0002")
        assert revision(database) == "0002"
        database.run(work)
    finally:
        database.close_now()


async def test_facts_of_before_are_carried_over(url: str) -> None:
    await asyncio.to_thread(fill_as_before, url)
    async with open_memory(url, checkpoints=False, embedder=WORDS_ONLY) as memory:
        found = {(fact.namespace, fact.key): fact for fact in await memory.facts.list()}
        first = found[("run", "1122-0404-3f9a1c"), "port"]
        assert (first.text, first.value, first.author) == ("The port is 8000 in my_table.", None, "planning")
        assert f"{first.created_at:%Y-%m-%d %H:%M:%S}" == "2026-11-22 04:04:00"
        assert first.since == first.created_at
        second = found[("run", "1122-0404-3f9a1c"), "port (2)"]
        assert second.value == {"port": 9000, "why": "taken"}
        assert found[("notes",), "list"].value == [1, None]
        assert len(found) == 4
        assert [one.fact.key for one in await memory.facts.search("my_table", [("run",)], below=True)] == ["port"]
        # They are superseded like any other.
        await memory.facts.put(first.model_copy(update={"text": "The port is 8001."}))
        assert len(await memory.facts.history(first.namespace, "port")) == 2


async def test_the_words_are_indexed_by_the_database_itself(memory: SqlMemory) -> None:
    def names(transaction: Transaction) -> set[str]:
        query = (
            "SELECT name FROM sqlite_master" if transaction.dialect == "sqlite" else "SELECT indexname FROM pg_indexes"
        )
        return set(transaction.execute(text(query)).scalars())

    assert {"facts_words", "ix_facts_words"} & await memory.database.fetch(names)
