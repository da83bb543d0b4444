from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text

import memory.migrate
from memory import open_memory
from memory.migrate import MIGRATIONS, migrate, revision
from memory.sqlite import writer_engine
from memory.tables import HEAD, METADATA, is_ours
from nexus_agents.core.errors import ConfigError, NexusError, StorageFull
from nexus_agents.core.runs import Run
from tests.memory.conftest import opened

MakeRun = Callable[..., Run]

NEXT = "0999"
LAST = f'''
"""One more revision, made for this test: it rebuilds a table that others refer to."""
import sqlalchemy as sa
from alembic import op

revision = "{NEXT}"
down_revision = "{HEAD}"


def upgrade():
    with op.batch_alter_table("runs") as batch:
        batch.add_column(sa.Column("colour", sa.Text, server_default="green", nullable=False))
        batch.alter_column("graph", new_column_name="machine")
'''


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / f"{NEXT}_colour.py").write_text(LAST)
    return folder


def ask(url: str, query: str) -> list[tuple[object, ...]]:
    with opened(url) as database:
        return [tuple(row) for row in database.look(lambda transaction: transaction.execute(text(query)).all())]


async def test_the_revisions_make_what_the_tables_say(url: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]
    async with open_memory(url, checkpoints=False):
        pass

    def differences(connection: Connection) -> list[object]:
        options = {"compare_type": True, "include_name": is_ours}
        return compare_metadata(MigrationContext.configure(connection, opts=options), METADATA)

    engine = create_engine(make_url(url))
    with engine.connect() as connection:
        assert differences(connection) == []
    engine.dispose()


async def test_an_empty_database_is_filled(url: str) -> None:
    with opened(url) as database:
        assert revision(database) is None
        async with open_memory(url, checkpoints=False) as memory:
            assert await memory.runs.list() == []
            assert revision(database) == HEAD


async def test_a_ready_file_is_left_alone(file_url: str, path: Path) -> None:
    async with open_memory(file_url, checkpoints=False):
        pass
    before = path.read_bytes()
    async with open_memory(file_url, checkpoints=False) as memory:
        assert await memory.runs.list() == []
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir() if file.is_file()] == ["nexus.db"]


async def test_a_newer_memory_is_refused_and_left_alone(url: str) -> None:
    async with open_memory(url, checkpoints=False) as memory:
        await memory.database.change(text("UPDATE alembic_version SET version_num = '1000'"))
    with pytest.raises(ConfigError, match=r"newer version of Nexus \(revision 1000\)") as caught:
        async with open_memory(url, checkpoints=False):
            pass
    assert caught.value.hint.startswith("Update Nexus")
    assert ask(url, "SELECT version_num FROM alembic_version") == [("1000",)]


async def test_an_older_memory_is_upgraded_with_all_that_it_holds(url: str, scripts: Path, make_run: MakeRun) -> None:
    async with open_memory(url, checkpoints=False) as memory:
        await memory.runs.create(make_run("parent"))
        await memory.runs.create(make_run("child", parent_id="parent"))
    with opened(url) as database:
        migrate(database, scripts=scripts, head=NEXT)
        assert revision(database) == NEXT
    assert ask(url, "SELECT id, machine, colour, parent_id FROM runs ORDER BY id DESC") == [
        ("parent", "assistant", "green", None),
        ("child", "assistant", "green", "parent"),
    ]
    with pytest.raises(ConfigError, match="newer version"):
        async with open_memory(url, checkpoints=False):
            pass


async def test_a_file_is_copied_before_it_is_upgraded(
    file_url: str, path: Path, scripts: Path, make_run: MakeRun
) -> None:
    async with open_memory(file_url, checkpoints=False) as memory:
        await memory.runs.create(make_run())
        migrate(memory.database, scripts=scripts, head=NEXT)
    copy = path.with_name(f"nexus.db.before-{NEXT}")
    with opened(f"sqlite:///{copy}") as database:
        assert revision(database) == HEAD
    assert ask(f"sqlite:///{copy}", "SELECT graph FROM runs") == [("assistant",)]
    assert copy.stat().st_mode & 0o777 == 0o600


async def test_an_upgrade_that_fails_leaves_the_memory_as_it_was(url: str, scripts: Path, make_run: MakeRun) -> None:
    async with open_memory(url, checkpoints=False) as memory:
        await memory.runs.create(make_run())
    last = scripts / "versions" / f"{NEXT}_colour.py"
    last.write_text(LAST + '    op.execute("SELECT x FROM nowhere")\n')
    with opened(url) as database, pytest.raises(NexusError, match="nowhere"):
        migrate(database, scripts=scripts, head=NEXT)
    last.write_text(LAST + "    op.execute(\"UPDATE runs SET parent_id = 'nobody'\")\n")
    with opened(url) as database, pytest.raises(NexusError, match=r"refers to missing rows|foreign key"):
        migrate(database, scripts=scripts, head=NEXT)
    async with open_memory(url, checkpoints=False) as memory:
        assert await memory.runs.get("run-1") == (await memory.runs.list())[0]


def test_no_room_for_the_first_tables(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cramped(path: Path, *, foreign_keys: bool = True) -> Engine:
        engine = writer_engine(path, foreign_keys=foreign_keys)
        event.listen(engine, "connect", lambda dbapi, _: dbapi.cursor().execute("PRAGMA max_page_count=6"))
        return engine

    path.touch()
    with opened(f"sqlite:///{path}") as database:
        monkeypatch.setattr(memory.migrate, "writer_engine", cramped)
        with pytest.raises(StorageFull):
            migrate(database)
        monkeypatch.undo()
        assert revision(database) is None, "nothing was half made"
        migrate(database)
        assert revision(database) == HEAD


OPENS = """
import asyncio, sys
from memory import open_memory
from nexus_agents.core.runs import Run

async def main():
    sys.stdin.readline()
    async with open_memory(sys.argv[1]) as memory:
        await memory.runs.create(
            Run(id=sys.argv[2], thread_id="t", graph="g", request="r", workspace="/w", origin="/w")
        )

asyncio.run(main())
"""


async def test_four_processes_may_start_at_once(url: str) -> None:
    processes = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", OPENS, url, f"r{number}"),
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for number in range(4)
    ]
    answers = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    assert [process.returncode for process in processes] == [0] * 4, answers
    assert ask(url, "SELECT id FROM runs ORDER BY id") == [(f"r{number}",) for number in range(4)]
    assert ask(url, "SELECT version_num FROM alembic_version") == [(HEAD,)]
