from __future__ import annotations

import asyncio
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine

from memory import open_memory
from memory.migrate import MIGRATIONS, migrate, revision
from memory.tables import HEAD, METADATA
from nexus_agents.core.errors import ConfigError, NexusError, StorageFull
from nexus_agents.core.runs import Run

MakeRun = Callable[..., Run]

SECOND = '''
"""A second revision, made for this test: it rebuilds a table that others refer to."""
import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade():
    with op.batch_alter_table("runs") as batch:
        batch.add_column(sa.Column("colour", sa.Text, server_default="green", nullable=False))
        batch.alter_column("graph", new_column_name="machine")
'''


@pytest.fixture
def scripts(tmp_path: Path) -> Path:
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / "0002_colour.py").write_text(SECOND)
    return folder


def ask(path: Path, query: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


async def test_the_revisions_make_what_the_tables_say(url: str, path: Path) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]
    async with open_memory(url, checkpoints=False):
        pass

    def differences(connection: Connection) -> list[object]:
        return compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), METADATA)

    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        assert differences(connection) == []
    engine.dispose()


async def test_an_empty_file_is_filled_and_a_ready_one_left_alone(url: str, path: Path) -> None:
    path.touch()
    assert await revision(path) is None
    async with open_memory(url, checkpoints=False):
        assert await revision(path) == HEAD
    before = path.read_bytes()
    async with open_memory(url, checkpoints=False) as memory:
        assert await memory.runs.list() == []
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir() if file.is_file()] == ["nexus.db"]


async def test_a_newer_memory_is_refused_and_left_alone(url: str, path: Path) -> None:
    async with open_memory(url, checkpoints=False):
        pass
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0999'")
    with pytest.raises(ConfigError, match=r"newer version of Nexus \(revision 0999\)") as caught:
        async with open_memory(url, checkpoints=False):
            pass
    assert caught.value.hint.startswith("Update Nexus")
    assert ask(path, "SELECT version_num FROM alembic_version") == [("0999",)]


async def test_an_older_memory_is_copied_and_upgraded(url: str, path: Path, scripts: Path, make_run: MakeRun) -> None:
    async with open_memory(url, checkpoints=False) as memory:
        await memory.runs.create(make_run("parent"))
        await memory.runs.create(make_run("child", parent_id="parent"))
        await migrate(path, scripts=scripts, head="0002")
    columns = "SELECT id, machine, colour, parent_id FROM runs ORDER BY id DESC"
    assert ask(path, columns) == [
        ("parent", "assistant", "green", None),
        ("child", "assistant", "green", "parent"),
    ]
    assert await revision(path) == "0002"
    copy = path.with_name("nexus.db.before-0002")
    assert await revision(copy) == "0001"
    assert ask(copy, "SELECT graph FROM runs") == [("assistant",), ("assistant",)]
    assert copy.stat().st_mode & 0o777 == 0o600
    with pytest.raises(ConfigError, match="newer version"):
        async with open_memory(url, checkpoints=False):
            pass


async def test_an_upgrade_that_fails_leaves_the_memory_as_it_was(
    url: str, path: Path, scripts: Path, make_run: MakeRun
) -> None:
    async with open_memory(url, checkpoints=False) as memory:
        await memory.runs.create(make_run())
    second = scripts / "versions" / "0002_colour.py"
    second.write_text(SECOND + '    op.execute("SELECT x FROM nowhere")\n')
    with pytest.raises(NexusError, match="no such table"):
        await migrate(path, scripts=scripts, head="0002")
    second.write_text(SECOND + "    op.execute(\"UPDATE runs SET parent_id = 'nobody'\")\n")
    with pytest.raises(ConfigError, match="refers to missing rows"):
        await migrate(path, scripts=scripts, head="0002")
    async with open_memory(url, checkpoints=False) as memory:
        assert await memory.runs.get("run-1") == (await memory.runs.list())[0]


async def test_no_room_for_the_first_tables(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import memory.migrate
    from memory.database import writer_engine

    def cramped(path: Path, *, foreign_keys: bool = True) -> object:
        from sqlalchemy import event

        engine = writer_engine(path, foreign_keys=foreign_keys)
        event.listen(engine.sync_engine, "connect", lambda dbapi, _: dbapi.cursor().execute("PRAGMA max_page_count=6"))
        return engine

    path.touch()
    monkeypatch.setattr(memory.migrate, "writer_engine", cramped)
    with pytest.raises(StorageFull):
        await migrate(path)
    monkeypatch.undo()
    assert await revision(path) is None, "nothing was half made"
    await migrate(path)
    assert await revision(path) == HEAD


OPENS = """
import asyncio, sys
from memory import open_memory
from nexus_agents.core.runs import Run

async def main():
    sys.stdin.readline()
    async with open_memory(sys.argv[1], checkpoints=sys.argv[3] == "yes") as memory:
        await memory.runs.create(
            Run(id=sys.argv[2], thread_id="t", graph="g", request="r", workspace="/w", origin="/w")
        )

asyncio.run(main())
"""


@pytest.mark.parametrize("checkpoints", ["no", "yes"])
async def test_four_processes_may_start_at_once(url: str, path: Path, checkpoints: str) -> None:
    processes = [
        await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", OPENS, url, f"r{number}", checkpoints),
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for number in range(4)
    ]
    answers = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
    assert [process.returncode for process in processes] == [0] * 4, answers
    assert ask(path, "SELECT id FROM runs ORDER BY id") == [(f"r{number}",) for number in range(4)]
    assert ask(path, "SELECT version_num FROM alembic_version") == [(HEAD,)]
