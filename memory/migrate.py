"""Bring the tables of a database to the revision that this code reads, before anything else uses it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import inspect, text

from memory.database import Database, Transaction
from memory.legacy import CHECKPOINTS, convert
from memory.sqlite import SqliteDatabase, translated, writer_engine
from memory.tables import HEAD
from nexus_agents.core.errors import ConfigError

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["MIGRATIONS", "migrate", "revision"]

MIGRATIONS = Path(__file__).parent / "migrations"

_LOCK = 0x6E657875
"""Number of the advisory lock under which a PostgreSQL database is upgraded."""


def migrate(database: Database, *, scripts: Path = MIGRATIONS, head: str = HEAD) -> None:
    """Upgrade a database to `head`, in one transaction that every other process waits for.

    An SQLite file that holds an older revision is first copied beside itself, as `NAME.before-HEAD`.

    Args:
        database: The database; an empty file is one without tables.
        scripts: Folder of the Alembic scripts.
        head: The revision to reach.

    Raises:
        ConfigError: A newer version of Nexus wrote the database, or it is no database, or not writable.
        StorageFull: There is no room for the copy or for the new tables; the old ones are as they were.
    """
    if revision(database) == head:
        return
    if isinstance(database, SqliteDatabase):
        _migrate_file(database, scripts, head)
    else:
        database.run(lambda transaction: _migrate_server(transaction.connection, database.name, scripts, head))


def revision(database: Database) -> str | None:
    """Return the revision that a database holds; None where it has no tables of Nexus."""
    return database.look(_quick_revision)


def _migrate_file(database: SqliteDatabase, scripts: Path, head: str) -> None:
    path = database.path
    # Foreign keys are off here, as SQLite asks where tables are made anew (sqlite.org/lang_altertable.html,
    # section 7), and checked before the commit.
    engine = writer_engine(path, foreign_keys=False)
    try:
        with translated(path), engine.begin() as connection:
            # Another process may have been first while this one waited for the lock.
            found = _revision(connection)
            if found == head:
                return
            _refuse_unknown(str(path), found, scripts)
            if found is not None:
                _copy(path, path.with_name(f"{path.name}.before-{head}"))
            _upgrade(connection, scripts, head)
            if inspect(connection).has_table(CHECKPOINTS):
                driver: Any = connection.connection.dbapi_connection
                convert(Transaction(connection, driver.cursor(), database.dialect), database)
            broken = connection.execute(text("PRAGMA foreign_key_check")).first()
            if broken is not None:
                raise ConfigError(
                    f"The memory {path} could not be upgraded: table {broken[0]} refers to missing rows.",
                    "It is as it was; move it away, or go on with the version of Nexus that wrote it.",
                )
    finally:
        engine.dispose()


def _migrate_server(connection: Connection, name: str, scripts: Path, head: str) -> None:
    connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})
    found = _revision(connection)
    if found == head:
        return
    _refuse_unknown(name, found, scripts)
    _upgrade(connection, scripts, head)


def _quick_revision(transaction: Transaction) -> str | None:
    # Asked at each start, where SQLAlchemy's inspector takes as long as the rest of it.
    present = (
        "SELECT to_regclass('alembic_version')"
        if transaction.dialect == "postgresql"
        else "SELECT name FROM sqlite_master WHERE name = 'alembic_version'"
    )
    transaction.cursor.execute(present)
    found = transaction.cursor.fetchone()
    if not found or found[0] is None:
        return None
    transaction.cursor.execute("SELECT version_num FROM alembic_version")
    row = transaction.cursor.fetchone()
    return str(row[0]) if row else None


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def _refuse_unknown(name: str, found: str | None, scripts: Path) -> None:
    known = {script.name.split("_")[0] for script in (scripts / "versions").glob("[0-9]*.py")}
    if found is not None and found not in known:
        raise ConfigError(
            f"The memory {name} was written by a newer version of Nexus (revision {found}).",
            "Update Nexus, or name another database.",
        )


def _upgrade(connection: Connection, scripts: Path, head: str) -> None:
    # Imported here, since nearly every start finds its tables ready.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, head)


def _copy(source: Path, target: Path) -> None:
    # Readers go on while the lock is held, and see what was committed before it was taken.
    half = target.with_name(target.name + ".half")
    half.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(source)) as connection:
            connection.execute("VACUUM INTO ?", (str(half),))
        half.chmod(0o600)
        half.replace(target)
    finally:
        half.unlink(missing_ok=True)
