from __future__ import annotations

import os
import platform
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from sqlalchemy import make_url

from memory import SqlMemory, open_memory
from memory.checkpoints import SqlCheckpointer
from memory.database import Database
from memory.migrate import migrate
from memory.postgres import PostgresDatabase
from memory.sqlite import SqliteDatabase
from nexus_agents.core.events import Message, ToolFinished, ToolStarted
from nexus_agents.core.runs import Owner, Run, ToolCall
from tests.memory.postgres_server import NoServer, PostgresServer, find_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    try:
        with find_server() as server:
            yield server
    except NoServer as reason:
        pytest.skip(str(reason))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "nexus.db"


@pytest.fixture
def file_url(path: Path) -> str:
    return f"sqlite:///{path}"


@pytest.fixture
def server_url(postgres: PostgresServer) -> Iterator[str]:
    with postgres.database() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    name = "file_url" if request.param == "sqlite" else "server_url"
    return str(request.getfixturevalue(name))


@contextmanager
def opened(url: str) -> Iterator[Database]:
    """A database as it is, without tables where it has none."""
    parsed = make_url(url)
    found = SqliteDatabase(Path(parsed.database or "")) if parsed.drivername == "sqlite" else PostgresDatabase(parsed)
    try:
        yield found
    finally:
        found.close_now()


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    with opened(url) as found:
        migrate(found)
        yield found


@pytest.fixture
def saver(database: Database) -> SqlCheckpointer:
    return SqlCheckpointer(database)


@pytest.fixture
async def memory(url: str) -> AsyncIterator[SqlMemory]:
    async with open_memory(url, checkpoints=False) as opened:
        yield opened


@pytest.fixture
async def file_memory(file_url: str) -> AsyncIterator[SqlMemory]:
    async with open_memory(file_url, checkpoints=False) as opened:
        yield opened


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Run]:
    def make(run_id: str = "run-1", **fields: object) -> Run:
        known = {
            "thread_id": "thread-1",
            "graph": "assistant",
            "request": "what is 7 * 13?",
            "workspace": str(tmp_path),
            "origin": str(tmp_path),
        }
        return Run.model_validate({"id": run_id, **known, **fields})

    return make


@pytest.fixture
def me() -> Owner:
    started = psutil.Process(os.getpid()).create_time()
    return Owner(host=platform.node(), pid=os.getpid(), started=started)


@pytest.fixture
def say() -> Callable[[str], Message]:
    return lambda text: Message(agent="assistant", text=text)


@pytest.fixture
def call() -> ToolCall:
    return ToolCall(run_id="run-1", call_id="c-1", tool="write_file", agent="backend", arguments={"path": "é.py"})


@pytest.fixture
def started(call: ToolCall) -> ToolStarted:
    return ToolStarted(agent=call.agent, tool=call.tool, call_id=call.call_id, arguments=call.arguments)


@pytest.fixture
def finished(call: ToolCall) -> ToolFinished:
    return ToolFinished(agent=call.agent, tool=call.tool, call_id=call.call_id, ok=True, summary="written", seconds=0.1)
