"""Rows of the table of facts: written, superseded and ended within a transaction that somebody else began."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any, cast

from pydantic_core import to_json
from sqlalchemy import Integer, bindparam, literal_column, select, update
from sqlalchemy.dialects import postgresql, sqlite

from memory.places import name_of, namespace_from
from memory.statements import Statement
from memory.tables import fact_namespaces, facts, moment_text
from memory.words import searchable
from nexus_agents.core.errors import ConfigError, InputError
from nexus_agents.core.facts import Ending, Fact

if TYPE_CHECKING:
    from sqlalchemy import Executable

    from memory.database import Transaction

__all__ = ["COLUMNS", "SELECT", "Row", "bump", "checked", "end", "fact_of", "insert", "put_rows", "touch"]

Row = Sequence[Any]
COLUMNS = [column for column in facts.columns if column.name not in ("words", "version")]
"""What makes up a `Fact`, in the order in which `fact_of` takes it."""

SELECT = "SELECT " + ", ".join(f"facts.{column.name}" for column in COLUMNS) + " FROM facts"

_LONGEST_TEXT = 100_000
_LONGEST = {"key": 500, "author": 200, "run_id": 64}

_CURRENT = Statement(
    select(*COLUMNS).where(
        facts.c.namespace == bindparam("namespace"), facts.c.key == bindparam("key"), facts.c.valid_to.is_(None)
    )
)
_END = Statement(
    update(facts)
    .where(facts.c.id == bindparam("_id"))
    .values({name: bindparam(name) for name in ("valid_to", "ended", "version")})
)
_POINT = Statement(update(facts).where(facts.c.id == bindparam("_id")).values(superseded_by=bindparam("superseded_by")))
_LAST = Statement(
    update(facts).where(facts.c.id == bindparam("_id")).values(ttl=bindparam("ttl"), expires_at=bindparam("expires_at"))
)


def _insert(dialect: str) -> Executable:
    made = facts.insert().values({c.name: bindparam(c.name) for c in facts.columns if c.name != "id"})
    return made.returning(facts.c.id) if dialect == "postgresql" else made


def _bump(dialect: str) -> Executable:
    module = postgresql if dialect == "postgresql" else sqlite
    one = literal_column("1", Integer)
    made = module.insert(fact_namespaces).values(namespace=bindparam("namespace"), version=one)
    made = made.on_conflict_do_update(index_elements=["namespace"], set_={"version": fact_namespaces.c.version + one})
    return made.returning(fact_namespaces.c.version)


_INSERT = Statement(_insert)
_BUMP = Statement(_bump)


def checked(fact: Fact) -> Fact:
    """Return a fact as it can be kept: without the characters that PostgreSQL refuses.

    Raises:
        InputError: It says nothing, is too long, or has no JSON form.
    """
    name_of(fact.namespace)
    if not fact.text.strip() and fact.value is None:
        raise InputError("There is nothing to remember.", "Give a text, or a value.")
    if len(fact.text) > _LONGEST_TEXT:
        raise InputError(
            f"This is too long to remember: {len(fact.text):,} characters.",
            f"Remember what it comes down to, in at most {_LONGEST_TEXT:,}.",
        )
    for field, most in _LONGEST.items():
        if len(getattr(fact, field) or "") > most:
            raise InputError(f"The {field} of a fact is too long.", f"It may have {most} characters.")
    said = f"{fact.key}{fact.text}{fact.author}{fact.source}{fact.run_id}"
    if not said.isascii():
        try:
            said.encode()
        except UnicodeEncodeError as error:
            raise InputError("A fact cannot be kept whose text is broken Unicode.", "Give whole characters.") from error
    if "\0" not in said:
        return fact
    texts = {field: getattr(fact, field) for field in ("key", "text", "author", "source")}
    return fact.model_copy(update={name: one.replace("\0", "\N{REPLACEMENT CHARACTER}") for name, one in texts.items()})


def fact_of(row: Row) -> Fact:
    """Return the fact that a row holds, its columns in the order of `COLUMNS`."""
    found = {column.name: value for column, value in zip(COLUMNS, row, strict=True)}
    try:
        found["value"] = None if found["value"] is None else json.loads(found["value"])
        return Fact.model_validate(found | {"namespace": namespace_from(found["namespace"])})
    except ValueError as error:
        raise ConfigError(
            f"The memory holds a fact that this version cannot read: number {found['id']}.",
            "Use the version of Nexus that wrote it, or erase it: nexus memory forget --erase",
        ) from error


def bump(transaction: Transaction, name: str) -> int:
    """Return the next version of a namespace, and hold it against other writers until the commit."""
    return transaction.rows(_BUMP, {"namespace": name})[0][0]


def put_rows(transaction: Transaction, given: Sequence[Fact], moment: datetime) -> list[Fact]:
    """Write facts, each in the place of the one that stood under its key.

    What stands there already, word for word, is not written twice; its time starts anew.

    Args:
        transaction: A write transaction.
        given: Facts that were `checked`.
        moment: Now.

    Returns:
        Them as they stand, in the order given.
    """
    if len(given) == 1:
        name = name_of(given[0].namespace)
        return [_put(transaction, given[0], name, bump(transaction, name), moment)]
    standing: dict[int, Fact] = {}
    placed = sorted(enumerate(given), key=lambda pair: name_of(pair[1].namespace))
    # In this order for all, so that two writers never hold what the other waits for.
    for name, group in groupby(placed, key=lambda pair: name_of(pair[1].namespace)):
        version = bump(transaction, name)
        for place, fact in group:
            standing[place] = _put(transaction, fact, name, version, moment)
    return [standing[place] for place in range(len(given))]


def _put(transaction: Transaction, fact: Fact, name: str, version: int, moment: datetime) -> Fact:
    row = transaction.row(_CURRENT, {"namespace": name, "key": fact.key})
    old = fact_of(row) if row else None
    if old and old.expires_at and old.expires_at <= moment:
        end(transaction, [cast("int", old.id)], "expired", old.expires_at, version)
        old = None
    lasting = {"ttl": fact.ttl, "expires_at": _expiry(fact, moment)}
    if old and (old.kind, old.text, old.value) == (fact.kind, fact.text, fact.value):
        return touch(transaction, [old.model_copy(update=lasting)], moment)[0] if fact.ttl or old.ttl else old
    if old:
        end(transaction, [cast("int", old.id)], "superseded", moment, version)
        lasting["since"] = old.since
    new = fact.model_copy(update=lasting)
    new.id = insert(transaction, new, version)
    if old:
        transaction.run(_POINT, {"_id": old.id, "superseded_by": new.id})
    return new


def insert(transaction: Transaction, fact: Fact, version: int) -> int:
    """Write one row and return its number."""
    row: dict[str, object] = {
        **fact.__dict__,
        "namespace": name_of(fact.namespace),
        "words": searchable(fact.text),
        "value": None if fact.value is None else _json(fact.value),
        "version": version,
    }
    for name in ("created_at", "since", "expires_at", "valid_to"):
        row[name] = moment_text(moment) if (moment := fact.__dict__[name]) else None
    if transaction.dialect == "postgresql":
        return cast("Row", transaction.row(_INSERT, row))[0]
    transaction.run(_INSERT, row)
    return transaction.cursor.lastrowid


def end(transaction: Transaction, ids: Iterable[int], how: Ending, moment: datetime, version: int) -> None:
    """Let facts hold no longer; they stay in the history."""
    said = {"valid_to": moment_text(moment), "ended": how, "version": version}
    for fact_id in ids:
        transaction.run(_END, {"_id": fact_id, **said})


def touch(transaction: Transaction, read: Sequence[Fact], moment: datetime) -> list[Fact]:
    """Start the time of facts anew that hold for some minutes after they were last read."""
    touched = [fact.model_copy(update={"expires_at": _expiry(fact, moment, anew=True)}) for fact in read]
    for fact in touched:
        until = moment_text(fact.expires_at) if fact.expires_at else None
        transaction.run(_LAST, {"_id": fact.id, "ttl": fact.ttl, "expires_at": until})
    return touched


def _json(value: object) -> str:
    try:
        return to_json(value).decode()
    except ValueError as error:
        raise InputError(
            f"A fact cannot be kept, since its value has no JSON form: {error}.",
            "Give text, numbers, lists, mappings or pydantic models.",
        ) from error


def _expiry(fact: Fact, moment: datetime, *, anew: bool = False) -> datetime | None:
    if fact.ttl and (anew or not fact.expires_at):
        return moment + timedelta(minutes=fact.ttl)
    return fact.expires_at
