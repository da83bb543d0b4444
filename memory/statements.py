"""Statements of SQLAlchemy, compiled once for each database and then handed to the driver as text."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, cast

from sqlalchemy.dialects import postgresql, sqlite

if TYPE_CHECKING:
    from sqlalchemy import Executable, Insert, Table
    from sqlalchemy.engine import Dialect

__all__ = ["Statement", "insert_or_ignore", "insert_or_replace", "insert_row"]

_PARAMETER = re.compile(r"%\((\w+)\)s(::\w+)?")
_ROW = re.compile(r"VALUES (\([^()]*(?:%\(\w+\)s[^()]*)+\))")


class Statement:
    """One statement with named parameters.

    SQLAlchemy takes about 100 microseconds to run a statement, the driver 5: what runs at each step of a graph runs
    through here. Columns must be of types that need no translation (text, numbers, bytes).

    Args:
        build: The statement, or what makes it for a dialect (`sqlite` or `postgresql`).
    """

    def __init__(self, build: Executable | Callable[[str], Executable]) -> None:
        self._build = build
        self._texts: dict[str, str] = {}
        self._of_rows: dict[int, str] = {}

    def text(self, dialect: str) -> str:
        """Return the statement as a database is given it."""
        text = self._texts.get(dialect)
        if text is None:
            made = self._build(dialect) if callable(self._build) else self._build
            compiled = cast("Insert", made).compile(dialect=_dialect(dialect))
            assert not any(compiled.params.values()), f"a value that nobody will hand to the driver: {compiled}"
            text = self._texts[dialect] = str(compiled)
        return text

    def text_of_rows(self, dialect: str, number: int) -> str:
        """Return an insert of so many rows at once; each one's parameters end in its number, from 0."""
        text = self._of_rows.get(number)
        if text is None:
            whole = self.text(dialect)
            found = _ROW.search(whole)
            assert found, f"no insert of a row: {whole}"
            rows = [_PARAMETER.sub(rf"%(\g<1>_{row})s", found[1]) for row in range(number)]
            text = self._of_rows[number] = whole[: found.start(1)] + ", ".join(rows) + whole[found.end(1) :]
        return text


def insert_row(table: Table) -> Statement:
    """Return an insert of whole rows."""
    return Statement(table.insert().values(_binds([column.name for column in table.columns])))


def insert_or_ignore(table: Table) -> Statement:
    """Return an insert of whole rows that leaves a row with the same key as it is."""
    names = {column.name: column for column in table.columns}
    keys = [column.name for column in table.primary_key]

    def build(dialect: str) -> Executable:
        module = postgresql if dialect == "postgresql" else sqlite
        return module.insert(table).values(_binds(list(names))).on_conflict_do_nothing(index_elements=keys)

    return Statement(build)


def insert_or_replace(table: Table) -> Statement:
    """Return an insert of whole rows that takes the place of a row with the same key."""
    keys = [column.name for column in table.primary_key]
    others = [column.name for column in table.columns if not column.primary_key]

    def build(dialect: str) -> Executable:
        module = postgresql if dialect == "postgresql" else sqlite
        insert = module.insert(table).values(_binds([*keys, *others]))
        return insert.on_conflict_do_update(index_elements=keys, set_={name: insert.excluded[name] for name in others})

    return Statement(build)


def _binds(names: list[str]) -> dict[str, object]:
    from sqlalchemy import bindparam

    return {name: bindparam(name) for name in names}


@lru_cache
def _dialect(name: str) -> Dialect:
    # Both drivers take a mapping: psycopg as %(name)s, sqlite3 as :name.
    return postgresql.dialect(paramstyle="pyformat") if name == "postgresql" else sqlite.dialect(paramstyle="named")
