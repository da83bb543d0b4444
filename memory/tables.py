"""The tables, in types that every SQL database knows; column names are the field names of the core's values."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)

if TYPE_CHECKING:
    from sqlalchemy.engine import Dialect

__all__ = [
    "HEAD",
    "METADATA",
    "Moment",
    "artifacts",
    "consents",
    "events",
    "facts",
    "runs",
    "tool_calls",
    "voices",
]

HEAD = "0001"
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
        if value is None:
            return None
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return aware.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: object, dialect: Dialect) -> datetime | None:
        """Return the moment, aware of its zone."""
        return None if value is None else datetime.fromisoformat(str(value))


_NULLABLE_JSON = JSON(none_as_null=True)

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
    Column("namespace", String(500), primary_key=True),
    Column("key", String(500), primary_key=True),
    Column("value", JSON),
    Column("author", String(200), nullable=False),
    # No foreign key: a fact outlives the run that it came from.
    Column("run_id", String(64)),
    Column("created_at", Moment, nullable=False),
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

Index("ix_tool_calls_order", tool_calls.c.run_id, tool_calls.c.seq)
Index("ix_artifacts_order", artifacts.c.run_id, artifacts.c.seq)
