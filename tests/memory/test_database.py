"""What happens when the disk is full, the file is not writable or is not ours, and when work is cut."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from memory import SqlMemory, open_memory
from memory.database import Transaction
from memory.events import SqlEvents
from memory.runs import SqlRuns
from memory.sqlite import SqliteDatabase
from nexus_agents.core.errors import BackendDown, ConfigError, InputError, NexusError, StorageFull
from nexus_agents.core.events import Message
from nexus_agents.core.runs import Run

MakeRun = Callable[..., Run]
Say = Callable[[str], Message]


@pytest.fixture
async def database(file_memory: SqlMemory, path: Path, make_run: MakeRun) -> AsyncIterator[SqliteDatabase]:
    await file_memory.runs.create(make_run())
    opened = SqliteDatabase(path)
    yield opened
    await opened.close()


@pytest.mark.parametrize(
    "other",
    [
        "mysql://localhost/nexus",
        "postgresql://localhost",
        "nexus.db",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:///file:nexus.db?mode=memory",
        "sqlite+aiosqlite:///nexus.db",
        "",
    ],
)
async def test_other_urls_are_refused(other: str) -> None:
    with pytest.raises(ConfigError, match="neither the URL of an SQLite file nor of PostgreSQL") as caught:
        async with open_memory(other, checkpoints=False):
            pass
    assert "sqlite:///nexus.db" in caught.value.hint


@pytest.mark.parametrize("other", ["postgresql://me:geheim@host", "postgresql://me:geh@eim@host:port/nexus"])
async def test_a_refused_url_is_shown_without_its_password(other: str) -> None:
    with pytest.raises(ConfigError, match="me:\\*\\*\\*@host") as caught:
        async with open_memory(other, checkpoints=False):
            pass
    assert "geh" not in str(caught.value)


async def test_folders_are_made_and_the_file_is_private(tmp_path: Path) -> None:
    path = tmp_path / "déjà vu" / "a b%20?#.db"
    async with open_memory(f"sqlite:///{path}", checkpoints=False) as memory:
        assert memory.name == str(path)
        assert await memory.runs.list() == []
    assert path.stat().st_mode & 0o777 == 0o600


async def test_a_memory_opened_without_checkpoints_says_so(memory: SqlMemory) -> None:
    with pytest.raises(ConfigError, match="without checkpoints"):
        _ = memory.checkpointer


async def test_the_connections_are_set_as_they_must_be(database: SqliteDatabase, path: Path) -> None:
    def ask(transaction: Transaction) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        return [transaction.execute(text(f"PRAGMA {name}")).scalar_one() for name in names]

    assert await database.write(ask) == ["wal", 1, 1, 0], "on the event loop nothing waits"
    assert database.run(ask) == ["wal", 1, 1, 30_000]
    assert await database.write(ask, durable=True) == ["wal", 2, 1, 30_000]
    assert (await database.read(text("PRAGMA query_only")))[0]["query_only"] == 1
    glanced = await database.glance(lambda transaction: transaction.execute(text("PRAGMA query_only")).scalar_one())
    assert glanced == 1
    powerful = SqliteDatabase(path, "power")
    assert await powerful.write(ask) == ["wal", 2, 1, 30_000]
    await powerful.close()


async def test_a_full_disk_refuses_the_write_and_keeps_what_was_there(
    file_memory: SqlMemory, database: SqliteDatabase, say: Say
) -> None:
    def limit(transaction: Transaction) -> None:
        pages = transaction.execute(text("PRAGMA page_count")).scalar_one()
        transaction.execute(text(f"PRAGMA max_page_count = {pages + 8}"))

    await database.write(limit)
    events = SqlEvents(database)
    answered = 0
    full: StorageFull | None = None
    while full is None and answered < 1000:
        try:
            answered = (await events.append("run-1", say("x" * 2000))).seq
        except StorageFull as error:
            full = error
    assert full is not None
    assert answered > 0
    assert str(database.path) in full.message
    assert [event.seq for event in await file_memory.events.read("run-1")] == list(range(1, answered + 1))
    assert (await file_memory.runs.get("run-1")) is not None

    # The other memory has no such limit: the lock is free and the numbering goes on.
    assert (await file_memory.events.append("run-1", say("room again"))).seq == answered + 1


async def test_a_lock_held_elsewhere_is_named(
    file_memory: SqlMemory, path: Path, monkeypatch: pytest.MonkeyPatch, make_run: MakeRun
) -> None:
    await file_memory.runs.list()
    monkeypatch.setattr("memory.sqlite.BUSY_SECONDS", 0.2)
    impatient = SqliteDatabase(path)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(BackendDown, match="locked by another process"):
            await SqlRuns(impatient).create(make_run())
        assert await SqlRuns(impatient).list() == [], "readers do not wait"
    finally:
        holder.close()
        await impatient.close()


async def test_a_writer_that_waits_for_the_lock_blocks_nobody_and_keeps_its_place(
    file_memory: SqlMemory, path: Path, make_run: MakeRun, say: Say
) -> None:
    await file_memory.runs.create(make_run())
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        tasks = [asyncio.create_task(file_memory.events.append("run-1", say(text))) for text in "abc"]
        for _ in range(10):
            await asyncio.sleep(0.005)
            assert await file_memory.events.read("run-1") == []
        assert not any(task.done() for task in tasks)
    finally:
        holder.close()
    late = await file_memory.events.append("run-1", say("d"))
    assert [event.seq for event in [*await asyncio.gather(*tasks), late]] == [1, 2, 3, 4]


async def test_readers_can_write_nothing(memory: SqlMemory, make_run: MakeRun) -> None:
    await memory.runs.create(make_run())
    with pytest.raises(NexusError, match=r"readonly|read-only"):
        await memory.database.read(text("DELETE FROM runs RETURNING id"))
    with pytest.raises(NexusError, match=r"readonly|read-only"):
        await memory.database.glance(lambda transaction: transaction.execute(text("DELETE FROM runs")).rowcount)
    assert await memory.runs.count() == 1


async def test_a_file_that_is_no_database_is_left_alone(path: Path, file_url: str) -> None:
    path.write_bytes(b"Dear diary, " * 1000)
    with pytest.raises(ConfigError, match="not an SQLite database") as caught:
        async with open_memory(file_url):
            pass
    assert "Move the file away" in caught.value.hint
    assert path.read_bytes() == b"Dear diary, " * 1000


async def test_a_folder_in_place_of_the_file(path: Path, file_url: str) -> None:
    path.mkdir()
    with pytest.raises(ConfigError, match="directory"):
        async with open_memory(file_url, checkpoints=False):
            pass


async def test_a_damaged_file_is_reported(file_url: str, path: Path, make_run: MakeRun) -> None:
    async with open_memory(file_url, checkpoints=False) as memory:
        for number in range(50):
            await memory.runs.create(make_run(f"r{number}", request="x" * 3000))
    whole = bytearray(path.read_bytes())
    for start in range(4096, len(whole) - 4096, 4096):
        whole[start : start + 512] = random.Random(start).randbytes(512)
    path.write_bytes(whole)
    with pytest.raises(ConfigError, match="damaged"):
        async with open_memory(file_url, checkpoints=False) as memory:
            await memory.runs.list(limit=1000)


WITHOUT_RIGHTS = """
import asyncio, os, sys
from memory import open_memory
from nexus_agents.core.errors import ConfigError

import memory.sql, memory.checkpoints  # while the packages may still be readable for this user only
if os.getuid() == 0:
    os.setgid(65534)
    os.setuid(65534)

async def main():
    try:
        async with open_memory(sys.argv[1], checkpoints=False) as opened:
            await opened.runs.list()
            print("opened")
    except ConfigError as error:
        print(error.message)

asyncio.run(main())
"""


@pytest.mark.parametrize("shut", ["file", "folder"])
async def test_a_file_or_folder_without_write_access_is_named(
    file_memory: SqlMemory, path: Path, make_run: MakeRun, shut: str
) -> None:
    await file_memory.runs.create(make_run())
    for folder in (path.parent, *path.parents[1:3]):
        folder.chmod(0o755 if shut == "file" else 0o555)
    path.chmod(0o444 if shut == "file" else 0o666)
    answer = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", WITHOUT_RIGHTS, f"sqlite:///{path}"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    for folder in (path.parent, *path.parents[1:3]):
        folder.chmod(0o700)
    assert answer.returncode == 0, answer.stderr
    assert "cannot be opened for writing" in answer.stdout
    assert str(path) in answer.stdout


WRITES_UNTIL_KILLED = """
import asyncio, sys
from memory import open_memory
from nexus_agents.core.events import Message

async def main():
    async with open_memory(sys.argv[1], checkpoints=False) as memory:
        while True:
            event = await memory.events.append("run-1", Message(agent="a", text="x" * 5000))
            print(event.seq, flush=True)

asyncio.run(main())
"""


async def test_kill_9_while_writing_loses_nothing_that_was_answered(
    memory: SqlMemory, make_run: MakeRun, url: str, say: Say
) -> None:
    await memory.runs.create(make_run())
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITES_UNTIL_KILLED, url, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    answered = 0
    while answered < 40:
        answered = int(await process.stdout.readline())
    os.kill(process.pid, signal.SIGKILL)
    rest = (await process.stdout.read()).split(b"\n")[:-1]
    await process.wait()
    answered = int(rest[-1]) if rest else answered

    seqs = [event.seq for event in await memory.events.read("run-1")]
    assert seqs == list(range(1, len(seqs) + 1))
    assert len(seqs) in (answered, answered + 1), "one may be committed and not yet printed"
    async with asyncio.timeout(5):
        assert (await memory.events.append("run-1", say("on"))).seq == len(seqs) + 1
    if isinstance(memory.database, SqliteDatabase):
        with sqlite3.connect(memory.database.path) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_cancelled_callers_leave_the_lock_free(memory: SqlMemory, make_run: MakeRun, say: Say) -> None:
    await memory.runs.create(make_run())
    dice = random.Random(7)
    tasks: list[asyncio.Task[object]] = []
    for number in range(60):
        tasks.append(asyncio.create_task(memory.events.append("run-1", say(str(number)))))
        tasks.append(asyncio.create_task(memory.events.read("run-1")))
    for task in tasks:
        await asyncio.sleep(dice.random() * 0.002)
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    async with asyncio.timeout(5):
        last = (await memory.events.append("run-1", say("after"))).seq
    assert [event.seq for event in await memory.events.read("run-1")] == list(range(1, last + 1))


async def test_closing_waits_for_writes_whose_callers_were_cancelled(url: str, make_run: MakeRun, say: Say) -> None:
    async with open_memory(url, checkpoints=False) as memory:
        await memory.runs.create(make_run())
        task = asyncio.create_task(memory.events.append("run-1", say("kept")))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
    async with open_memory(url, checkpoints=False) as memory:
        assert len(await memory.events.read("run-1")) == 1


OPENS_AND_IS_CANCELLED = """
import asyncio, random, sys
from memory import open_memory

async def opened():
    async with open_memory(sys.argv[1]) as memory:
        await memory.runs.list()

async def main():
    dice = random.Random(3)
    await opened()
    for _ in range(25):
        task = asyncio.create_task(opened())
        await asyncio.sleep(dice.random() * 0.03)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    async with asyncio.timeout(10):
        await opened()
    print("fine")

asyncio.run(main())
"""


async def test_a_process_ends_whose_opening_was_cancelled(url: str) -> None:
    answer = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", OPENS_AND_IS_CANCELLED, url],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (answer.returncode, answer.stdout) == (0, "fine\n"), answer.stderr


async def test_an_error_in_the_middle_takes_all_back(memory: SqlMemory, make_run: MakeRun) -> None:
    await memory.runs.create(make_run())

    def work(transaction: Transaction) -> None:
        transaction.execute(text("UPDATE runs SET status = 'done'"))
        raise InputError("no", "no")

    with pytest.raises(InputError):
        await memory.database.write(work)
    with pytest.raises(InputError):
        memory.database.run(work)
    assert [run.status for run in await memory.runs.list()] == ["queued"]


async def test_writes_are_carried_out_in_the_order_in_which_they_were_asked_for(memory: SqlMemory) -> None:
    order: list[int] = []
    writes = [memory.database.write(lambda _, number=number: order.append(number)) for number in range(50)]
    await asyncio.gather(*writes)
    assert order == list(range(50))


async def test_a_read_sees_one_committed_state(memory: SqlMemory, make_run: MakeRun) -> None:
    count = text("SELECT count(*) FROM runs")

    def twice(transaction: Transaction) -> tuple[int, int]:
        before = transaction.execute(count).scalar_one()
        memory.database.run(lambda writing: writing.execute(text("UPDATE runs SET status = 'done'")))
        memory.database.run(lambda writing: writing.execute(text("DELETE FROM runs")))
        return before, transaction.execute(count).scalar_one()

    await memory.runs.create(make_run())
    assert await memory.database.fetch(twice) == (1, 1)
    assert await memory.runs.count() == 0
