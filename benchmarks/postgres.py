"""A PostgreSQL server to measure on: the one that NEXUS_TEST_POSTGRES_URL names, or one that is started and stopped."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["database_bytes", "server"]

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "memory"))

_BYTES = """
SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""


@contextmanager
def server() -> Generator[Any]:
    """Give a server, or None where there is none; one that was started here is stopped again."""
    from postgres_server import NoServer, find_server

    try:
        with find_server() as found:
            yield found
    except NoServer as error:
        print(f"Not measured on PostgreSQL: {error}")
        yield None


def database_bytes(found: Any, url: str) -> int:
    """Return the bytes of the tables and indexes of a database, what was deleted not counted."""
    return int(found.run("VACUUM", _BYTES, url=url)[0][0])
