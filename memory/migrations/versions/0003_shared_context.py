"""The shared context: facts with a history, their vectors, and an index of their words."""

from __future__ import annotations

import json
import re
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_MOMENT = sa.String(32)
_NAMESPACE = sa.String(500).with_variant(sa.String(500, collation="C"), "postgresql")

_OLD = sa.table(
    "facts",
    *(sa.column(name, sa.Text) for name in ("namespace", "key", "author", "run_id", "created_at")),
    sa.column("value", sa.JSON),
)


def upgrade() -> None:
    """Make the tables and carry the facts of before over."""
    connection = op.get_bind()
    before = connection.execute(sa.select(_OLD).order_by(_OLD.c.created_at, _OLD.c.key)).mappings().all()
    op.drop_table("facts")
    _tables()
    if connection.dialect.name == "sqlite":
        _words_of_sqlite()
    else:
        _words_of_postgresql()
    _carry_over([dict(row) for row in before])


def _tables() -> None:
    op.create_table(
        "facts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), nullable=False),
        sa.Column("namespace", _NAMESPACE, nullable=False),
        sa.Column("key", sa.String(500), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("value", sa.Text),
        sa.Column("author", sa.String(200), nullable=False),
        sa.Column("run_id", sa.String(64)),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("ttl", sa.Float),
        sa.Column("expires_at", _MOMENT),
        sa.Column("since", _MOMENT, nullable=False),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("valid_to", _MOMENT),
        sa.Column("ended", sa.String(16)),
        sa.Column("superseded_by", sa.BigInteger),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_facts"),
        sqlite_autoincrement=True,
    )
    stands = sa.text("valid_to IS NULL")
    expires = sa.text("valid_to IS NULL AND expires_at IS NOT NULL")
    op.create_index(
        "ix_facts_current", "facts", ["namespace", "key"], unique=True, sqlite_where=stands, postgresql_where=stands
    )
    op.create_index("ix_facts_version", "facts", ["namespace", "version"])
    op.create_index("ix_facts_expires_at", "facts", ["expires_at"], sqlite_where=expires, postgresql_where=expires)
    op.create_table(
        "fact_vectors",
        sa.Column("fact_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("embedder", sa.String(100), nullable=False),
        sa.Column("vector", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("fact_id", "embedder", name="pk_fact_vectors"),
        sa.ForeignKeyConstraint(["fact_id"], ["facts.id"], name="fk_fact_vectors_fact_id", ondelete="CASCADE"),
    )
    op.create_table(
        "fact_namespaces",
        sa.Column("namespace", _NAMESPACE, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("namespace", name="pk_fact_namespaces"),
        sqlite_with_rowid=False,
    )


def _words_of_sqlite() -> None:
    # Only what stands is in the index, so that a word's rarity is that of today; the text itself stays in `facts`.
    op.execute(
        "CREATE VIRTUAL TABLE facts_words USING fts5(words, content='facts', content_rowid='id', "
        "tokenize=\"porter unicode61 remove_diacritics 2 tokenchars '-_.'\")"
    )
    gone = "INSERT INTO facts_words(facts_words, rowid, words) SELECT 'delete', old.id, old.words"
    come = "INSERT INTO facts_words(rowid, words) SELECT new.id, new.words"
    op.execute(f"CREATE TRIGGER facts_words_insert AFTER INSERT ON facts BEGIN {come} WHERE new.valid_to IS NULL; END")
    op.execute(f"CREATE TRIGGER facts_words_delete AFTER DELETE ON facts BEGIN {gone} WHERE old.valid_to IS NULL; END")
    op.execute(
        "CREATE TRIGGER facts_words_update AFTER UPDATE OF words, valid_to ON facts BEGIN "
        f"{gone} WHERE old.valid_to IS NULL; {come} WHERE new.valid_to IS NULL; END"
    )


def _words_of_postgresql() -> None:
    # The parser takes QX-4821, my_table and v1.2 apart; written as one word each they stay whole (memory/words.py).
    whole = "replace(replace(replace(words, '-', 'zqh'), '_', 'zqu'), '.', 'zqd')"
    op.execute(
        "ALTER TABLE facts ADD COLUMN facts_words tsvector "
        f"GENERATED ALWAYS AS (to_tsvector('english', {whole})) STORED"
    )
    op.execute("CREATE INDEX ix_facts_words ON facts USING gin (facts_words) WHERE valid_to IS NULL")


def _carry_over(rows: list[dict[str, Any]]) -> None:
    # One namespace was a text then, for instance run:ID.
    taken: dict[tuple[str, str], str] = {}
    for number, row in enumerate(rows, start=1):
        value = row["value"]
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        text = text.replace("\0", "")
        namespace = ".".join(label for label in re.split(r"[:.]", row["namespace"]) if label) or "user"
        # Two names of before may be one now.
        key = row["key"] if (namespace, row["key"]) not in taken else f"{row['key']} ({number})"
        taken[namespace, key] = text
        made = row["created_at"]
        op.execute(
            sa.text(
                "INSERT INTO facts (namespace, key, kind, text, words, value, author, run_id, source, since, "
                "created_at, version) VALUES (:namespace, :key, 'fact', :text, :words, :value, :author, :run_id, '', "
                ":made, :made, 1)"
            ).bindparams(
                namespace=namespace,
                key=key,
                text=text,
                words=" ".join(re.findall(r"\w+(?:[-.]\w+)*", text.lower())),
                value=None if isinstance(value, str) else json.dumps(value),
                author=row["author"],
                run_id=row["run_id"],
                made=made,
            )
        )
    for namespace in sorted({namespace for namespace, _ in taken}):
        op.execute(
            sa.text("INSERT INTO fact_namespaces (namespace, version) VALUES (:namespace, 1)").bindparams(
                namespace=namespace
            )
        )
