"""Questions in SQL text, put to the driver itself: a search asks several, and SQLAlchemy takes ten times as long."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from memory.database import Transaction

__all__ = ["ask"]

_NAMED = re.compile(r"(?<!:):([a-z_]\w*)")


def ask(transaction: Transaction, sql: str, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
    """Return the rows of a question.

    Args:
        transaction: Where to ask.
        sql: With parameters as `:name`, and no other colons or percent signs.
        values: The parameters; more than are named is no fault.
    """
    transaction.cursor.execute(_of_driver(sql, transaction.dialect), values)
    return transaction.cursor.fetchall()


@lru_cache(maxsize=256)
def _of_driver(sql: str, dialect: str) -> str:
    # Both drivers take a mapping: psycopg as %(name)s, sqlite3 as :name.
    return _NAMED.sub(r"%(\1)s", sql) if dialect == "postgresql" else sql
