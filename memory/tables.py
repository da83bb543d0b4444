"""The tables, in types that every SQL database knows; column names are the field names of the core's values."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    and_,
)

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect

__all__ = [
    "HEAD",
    "METADATA",
    "Moment",
    "artifacts",
    "blobs",
    "channel_values",
    "checkpoint_writes",
    "checkpoints",
    "consents",
    "events",
    "fact_namespaces",
    "fact_vectors",
    "facts",
    "is_ours",
    "list_items",
    "lists",
    "model_profiles",
    "moment_text",
    "runs",
    "tool_calls",
    "voices",
]

HEAD = "0005"
"""The newest revision under migrations/versions: what this code reads and writes."""

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Moment(TypeDecorator[datetime]):
    """A moment in UTC, kept as ISO 8601 text of one width so that it sorts; naive times are taken as UTC."""

    impl = String(32)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        """Return the text that is stored."""
        return None if value is None else moment_text(value)

    def process_result_value(self, value: object, dialect: Dialect) -> datetime | None:
        """Return the moment, aware of its zone."""
        return None if value is None else datetime.fromisoformat(str(value))


def is_ours(name: str | None, kind: str, parents: object) -> bool:
    """Return whether something in a database is described here (`include_name` of Alembic).

    The indexes of words are not: FTS5 keeps tables of its own, and PostgreSQL a column.

    Args:
        name: Its name.
        kind: `table`, `column`, `index`, ...
        parents: What it belongs to; not looked at.
    """
    return not (kind in ("table", "column", "index") and name is not None and "facts_words" in name)


def moment_text(moment: datetime) -> str:
    """Return a moment as the tables keep it."""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="microseconds")


_NULLABLE_JSON = JSON(none_as_null=True)


def _namespace() -> String:
    # Sorted by code point, whatever the language of the server: all below one name is one range.
    return String(500).with_variant(String(500, collation="C"), "postgresql")


runs = Table(
    "runs",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("thread_id", String(64), nullable=False, index=True),
    Column("graph", String(200), nullable=False),
    Column("request", Text, nullable=False),
    Column("status", String(16), nullable=False, index=True),
    Column("workspace", Text, nullable=False),
    Column("origin", Text, nullable=False),
    Column("model", Text),
    Column("inputs", JSON, nullable=False),
    Column("approved", JSON, nullable=False),
    Column("parent_id", String(64), ForeignKey("runs.id")),
    Column("owner", _NULLABLE_JSON),
    Column("fence", Integer, nullable=False),
    Column("rewinds", Integer, nullable=False, server_default="0"),
    Column("budget", JSON, nullable=False, server_default="{}"),
    Column("result", _NULLABLE_JSON),
    Column("error", _NULLABLE_JSON),
    Column("title", Text),
    Column("deleted_at", Moment),
    Column("created_at", Moment, nullable=False, index=True),
    Column("updated_at", Moment, nullable=False),
)

events = Table(
    "events",
    METADATA,
    Column("run_id", String(64), ForeignKey("runs.id"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("type", String(32), nullable=False),
    Column("at", Moment, nullable=False),
    Column("body", Text, nullable=False),
)

tool_calls = Table(
    "tool_calls",
    METADATA,
    Column("run_id", String(64), ForeignKey("runs.id"), primary_key=True),
    Column("call_id", String(200), primary_key=True),
    # `seq` of the event that tells of the first start: the order of the ledger.
    Column("seq", Integer, nullable=False),
    Column("tool", String(200), nullable=False),
    Column("agent", String(200), nullable=False),
    Column("arguments", JSON, nullable=False),
    Column("status", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("result", _NULLABLE_JSON),
    Column("error", _NULLABLE_JSON),
    Column("started_at", Moment, nullable=False),
    Column("finished_at", Moment),
)

model_profiles = Table(
    "model_profiles",
    METADATA,
    Column("name", String(400), primary_key=True),
    # Empty where the provider's own address is meant.
    Column("base_url", String(400), primary_key=True),
    Column("body", Text, nullable=False),
)

artifacts = Table(
    "artifacts",
    METADATA,
    Column("run_id", String(64), ForeignKey("runs.id"), primary_key=True),
    Column("path", String(4096), primary_key=True),
    Column("sha256", String(64), primary_key=True),
    Column("seq", Integer, nullable=False),
    Column("call_id", String(200), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("title", Text, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("created_at", Moment, nullable=False),
)

facts = Table(
    "facts",
    METADATA,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    # The labels with a point between each two.
    Column("namespace", _namespace(), nullable=False),
    Column("key", String(500), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("text", Text, nullable=False),
    # The text as it is searched, see memory/words.py; each database has an index of words of its own kind on it.
    Column("words", Text, nullable=False),
    # JSON that the driver is not to touch; null where the text is all.
    Column("value", Text),
    Column("author", String(200), nullable=False),
    # No foreign key: a fact outlives the run that it came from.
    Column("run_id", String(64)),
    Column("source", Text, nullable=False),
    Column("ttl", Float),
    Column("expires_at", Moment),
    Column("since", Moment, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("valid_to", Moment),
    Column("ended", String(16)),
    Column("superseded_by", BigInteger),
    # The version of its namespace at which this row was last changed: what caches look for.
    Column("version", BigInteger, nullable=False),
    # A number is never given twice, so that a cache cannot take a new row for an old one.
    sqlite_autoincrement=True,
)

fact_vectors = Table(
    "fact_vectors",
    METADATA,
    Column("fact_id", BigInteger, ForeignKey("facts.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("embedder", String(100), primary_key=True),
    # Little-endian float16, of length 1.
    Column("vector", LargeBinary, nullable=False),
)

fact_namespaces = Table(
    "fact_namespaces",
    METADATA,
    Column("namespace", _namespace(), primary_key=True),
    # One higher with each write; the row is also the lock under which the facts of a namespace are written.
    Column("version", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

voices = Table(
    "voices",
    METADATA,
    Column("name", String(200), primary_key=True),
    Column("engine", String(64), nullable=False),
    Column("base", String(200), nullable=False),
    Column("language", String(32), nullable=False),
    Column("description", Text, nullable=False),
    Column("folder", Text),
    Column("clip_sha256", String(64)),
    Column("created_at", Moment, nullable=False),
)

consents = Table(
    "consents",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("clip_sha256", String(64), nullable=False, index=True),
    Column("speaker", Text, nullable=False),
    Column("approved_by", Text, nullable=False),
    Column("statement", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("revoked_at", Moment),
)

# -- checkpoints: see docs/memory.md for how a state is laid out -------------------------------------


def _stored() -> list[Column[object]]:
    # A value: in the row itself, in a blob, or the first `length` elements of a list.
    return [
        Column("data", LargeBinary),
        Column("digest", LargeBinary(16)),
        Column("list_id", BigInteger),
        Column("length", Integer),
    ]


# Sorted by code point, whatever the language of the server.
_ORDERED = String(64).with_variant(String(64, collation="C"), "postgresql")

checkpoints = Table(
    "checkpoints",
    METADATA,
    Column("thread_id", String(255), primary_key=True),
    Column("checkpoint_ns", String(2000), primary_key=True),
    Column("checkpoint_id", _ORDERED, primary_key=True),
    Column("parent_id", String(64)),
    Column("run_id", String(64)),
    # The channels whose values were written with this checkpoint, each between two unit separators.
    Column("stored", Text, nullable=False),
    Column("metadata", LargeBinary, nullable=False),
    Column("body", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

channel_values = Table(
    "channel_values",
    METADATA,
    Column("thread_id", String(255), primary_key=True),
    Column("checkpoint_ns", String(2000), primary_key=True),
    Column("channel", String(500), primary_key=True),
    Column("version", String(64), primary_key=True),
    *_stored(),
    sqlite_with_rowid=False,
)

checkpoint_writes = Table(
    "checkpoint_writes",
    METADATA,
    Column("thread_id", String(255), primary_key=True),
    Column("checkpoint_ns", String(2000), primary_key=True),
    Column("checkpoint_id", _ORDERED, primary_key=True),
    Column("task_id", String(64), primary_key=True),
    Column("idx", Integer, primary_key=True, autoincrement=False),
    Column("task_path", Text, nullable=False),
    Column("channel", String(500), nullable=False),
    *_stored(),
    sqlite_with_rowid=False,
)

blobs = Table(
    "blobs",
    METADATA,
    # BLAKE2b of the encoded value, 16 bytes; keyed where the memory is encrypted.
    Column("digest", LargeBinary(16), primary_key=True),
    Column("data", LargeBinary, nullable=False),
)

lists = Table(
    "lists",
    METADATA,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    # The first `base_length` elements are those of another list.
    Column("base_id", BigInteger),
    Column("base_length", Integer, nullable=False),
    Column("length", Integer, nullable=False),
    sqlite_with_rowid=False,
)

list_items = Table(
    "list_items",
    METADATA,
    Column("list_id", BigInteger, primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("data", LargeBinary),
    Column("digest", LargeBinary(16)),
    sqlite_with_rowid=False,
)

_OF_A_RUN = checkpoints.c.run_id.is_not(None)
Index("ix_checkpoints_run_id", checkpoints.c.run_id, sqlite_where=_OF_A_RUN, postgresql_where=_OF_A_RUN)
Index("ix_tool_calls_order", tool_calls.c.run_id, tool_calls.c.seq)
Index("ix_artifacts_order", artifacts.c.run_id, artifacts.c.seq)

_STANDS = facts.c.valid_to.is_(None)
_EXPIRES = and_(_STANDS, facts.c.expires_at.is_not(None))
Index("ix_facts_current", facts.c.namespace, facts.c.key, unique=True, sqlite_where=_STANDS, postgresql_where=_STANDS)
Index("ix_facts_version", facts.c.namespace, facts.c.version)
Index("ix_facts_expires_at", facts.c.expires_at, sqlite_where=_EXPIRES, postgresql_where=_EXPIRES)
