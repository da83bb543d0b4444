"""What a server may do to us: be down, refuse us, go away and come back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator

import pytest
from langgraph.checkpoint.base import empty_checkpoint
from sqlalchemy import make_url

from memory import open_memory
from nexus_agents.core.errors import BackendDown, ConfigError, NexusError
from nexus_agents.core.events import Message
from nexus_agents.core.runs import Run
from tests.memory.postgres_server import KEYED, PostgresServer

MakeRun = Callable[..., Run]
Say = Callable[[str], Message]


@pytest.fixture
def own(postgres: PostgresServer) -> PostgresServer:
    if not postgres.ours:
        pytest.skip("NEXUS_TEST_POSTGRES_URL names a server that is not ours to stop")
    return postgres


@pytest.fixture
def stopped(own: PostgresServer) -> Iterator[PostgresServer]:
    own.stop()
    yield own
    own.start()


def changed(url: str, **parts: object) -> str:
    return make_url(url).set(**parts).render_as_string(hide_password=False)  # type: ignore[arg-type]


async def refusal(url: str) -> NexusError:
    with pytest.raises(NexusError) as caught:
        async with open_memory(url, checkpoints=False) as memory:
            await memory.runs.list()
    assert len(str(caught.value).splitlines()) == 2
    return caught.value


async def test_a_server_that_is_down_is_named(server_url: str, own: PostgresServer) -> None:
    own.stop()
    try:
        error = await refusal(changed(server_url, password="geheim"))
    finally:
        own.start()
    assert isinstance(error, BackendDown)
    assert f"127.0.0.1:{own.address.port}" in error.message
    assert "geheim" not in str(error)
    assert "Start the PostgreSQL server" in error.hint


async def test_a_host_that_is_not_there_is_named(server_url: str) -> None:
    error = await refusal(changed(server_url, host="nothing.invalid"))
    assert isinstance(error, BackendDown)
    assert "nothing.invalid" in error.message


@pytest.mark.parametrize("wrong", ["password", "no password", "user", "database"])
async def test_a_url_under_which_nobody_is_let_in_is_yours_to_mend(
    own: PostgresServer, server_url: str, wrong: str
) -> None:
    if not own.run(f"SELECT 1 FROM pg_roles WHERE rolname = '{KEYED}'"):
        own.run(f"CREATE ROLE {KEYED} LOGIN PASSWORD 'right'")
    parts = {
        "password": {"username": KEYED, "password": "geheim"},
        "no password": {"username": KEYED},
        "user": {"username": "nobody_known"},
        "database": {"database": "nothing_made"},
    }
    error = await refusal(changed(server_url, **parts[wrong]))
    assert isinstance(error, ConfigError)
    assert "the user, the password and the database" in error.hint
    assert "geheim" not in str(error)


async def test_a_user_who_may_only_read_is_told(own: PostgresServer, server_url: str, make_run: MakeRun) -> None:
    async with open_memory(server_url, checkpoints=False) as memory:
        await memory.runs.create(make_run())
    if not own.run("SELECT 1 FROM pg_roles WHERE rolname = 'reader'"):
        own.run("CREATE ROLE reader LOGIN")
    own.run("GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader", url=server_url)
    async with open_memory(changed(server_url, username="reader")) as memory:
        assert [run.id for run in await memory.runs.list()] == ["run-1"]
        with pytest.raises(ConfigError, match="permission denied"):
            await memory.runs.create(make_run("run-2"))
        with pytest.raises(ConfigError, match="permission denied"):
            await memory.checkpointer.aput({"configurable": {"thread_id": "t"}}, empty_checkpoint(), {}, {})
        assert await memory.runs.count() == 1
    own.run("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM reader", url=server_url)


async def test_after_a_restart_of_the_server_the_next_write_works_again(
    server_url: str, own: PostgresServer, make_run: MakeRun, say: Say
) -> None:
    async with open_memory(server_url) as memory:
        await memory.runs.create(make_run())
        await memory.events.append("run-1", say("before"))
        await memory.checkpointer.aput({"configurable": {"thread_id": "t"}}, empty_checkpoint(), {}, {})
        own.stop()
        with pytest.raises(BackendDown):
            await memory.events.append("run-1", say("while it is down"))
        with pytest.raises(BackendDown):
            await memory.events.read("run-1")
        own.start()
        assert (await memory.events.append("run-1", say("after"))).seq == 2
        assert len(await memory.events.read("run-1")) == 2
        await memory.checkpointer.aput({"configurable": {"thread_id": "t"}}, empty_checkpoint(), {}, {})
        assert len([item async for item in memory.checkpointer.alist({"configurable": {"thread_id": "t"}})]) == 2


async def test_a_connection_that_is_cut_harms_one_call_at_most(
    server_url: str, own: PostgresServer, make_run: MakeRun, say: Say
) -> None:
    async with open_memory(server_url, checkpoints=False) as memory:
        await memory.runs.create(make_run())
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = "
        name = make_url(server_url).database
        for number in range(3):
            await memory.events.append("run-1", say(f"{number} before"))
            own.run(f"{cut}'{name}'")
            try:
                await memory.events.append("run-1", say(f"{number} cut"))
            except BackendDown:
                await memory.events.append("run-1", say(f"{number} again"))
        events = await memory.events.read("run-1")
        assert [event.seq for event in events] == list(range(1, 7))


async def test_deadlocked_writers_are_tried_again(server_url: str, make_run: MakeRun) -> None:
    from sqlalchemy import text

    async with open_memory(server_url, checkpoints=False) as one, open_memory(server_url, checkpoints=False) as two:
        for name in ("a", "b"):
            await one.runs.create(make_run(name, title=""))
        import threading

        both = threading.Barrier(2)
        tries: list[str] = []

        def lock(first: str, second: str) -> Callable[..., None]:
            def work(transaction: object) -> None:
                tries.append(first)
                for name in (first, second):
                    statement = f"UPDATE runs SET title = title || 'x' WHERE id = '{name}'"
                    transaction.execute(text(statement))  # type: ignore[attr-defined]
                    if name == first and tries.count(first) == 1:
                        both.wait(10)

            return work

        await asyncio.gather(one.database.write(lock("a", "b")), two.database.write(lock("b", "a")))
        assert sorted(tries) in (["a", "a", "b"], ["a", "b", "b"])
        assert [run.title for run in await one.runs.list()] == ["xx", "xx"]
