"""A thread as it stood at one of its checkpoints, copied to another thread: nested graphs included, values shared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Table, insert, literal, select, tuple_, update

from memory.tables import channel_values, checkpoint_writes, checkpoints
from nexus_agents.core.errors import ConfigError, InputError

if TYPE_CHECKING:
    from memory.checkpoint_rows import Reader, Row
    from memory.database import Transaction

__all__ = ["copy_until"]

Place = tuple[str, str]
"""Namespace and checkpoint id."""

_AT_ONCE = 500
"""Rows that one statement names: databases take a limited number of parameters."""


def copy_until(reader: Reader, source: str, target: str, at: Place, *, told: Mapping[str, Any]) -> None:
    """Copy a thread as it stood at one of its checkpoints.

    What is copied are the ancestors of that checkpoint, those of the checkpoints around it, where it lies in a nested
    graph, and the nested graphs that had begun by then. Ids stay, so that a nested graph is found again by the task
    that runs it. Where a graph is to go on, nothing that its tasks wrote is copied: they run again, and the ledger
    knows which of their calls were finished.

    Args:
        reader: Reads the checkpoints, within a write transaction.
        source: The thread.
        target: Another thread, which is empty.
        at: Namespace and id of the checkpoint.
        told: What the metadata of the newest checkpoint of the run's own graph say besides.

    Raises:
        ConfigError: The checkpoint, or one around it, is damaged.
        InputError: It is not there.
    """
    rows = {(row.namespace, row.checkpoint_id): row for row in reader.rows({"configurable": {"thread_id": source}})}
    if at not in rows:
        raise InputError(f"Checkpoint {at[1]} is not there any more.", "It was cleaned up: choose another one.")
    around = _around(reader, rows[at])
    heads = {at, *((namespace, checkpoint_id) for namespace, checkpoint_id in around.items())}
    if missing := heads - set(rows):
        raise InputError(
            f"Checkpoint {at[1]} lies in a graph whose own state was cleaned up.",
            f"Choose one outside of it: {next(iter(missing))[1]} is not there any more.",
        )
    kept: set[Place] = set()
    for head in heads:
        kept |= _line(rows, head)
    _add_nested(reader, rows, at, {head[0] for head in heads}, kept, heads)
    live = _versions(reader, [rows[place] for place in kept], heads)
    own = next(head for head in heads if not head[0])
    place = ("checkpoint_ns", "checkpoint_id")
    _copy(reader.transaction, checkpoints, place, source, target, kept)
    _copy(reader.transaction, checkpoint_writes, place, source, target, kept - heads)
    _copy(reader.transaction, channel_values, ("checkpoint_ns", "channel", "version"), source, target, live)
    metadata = cast("dict[str, Any]", reader.metadata(rows[own])) | dict(told)
    here = [checkpoints.c.thread_id == target, *_is(checkpoints, own)]
    reader.transaction.execute(update(checkpoints).where(*here).values(metadata=reader.as_metadata(metadata)))


def _around(reader: Reader, row: Row) -> dict[str, str]:
    told = cast("dict[str, Any]", reader.metadata(row))
    return cast("dict[str, str]", told.get("parents") or {})


def _line(rows: Mapping[Place, Row], head: Place) -> set[Place]:
    found: set[Place] = set()
    namespace, current = head[0], str(head[1])
    while (namespace, current) in rows and (namespace, current) not in found:
        found.add((namespace, current))
        current = rows[(namespace, current)].parent_id or ""
    return found


def _add_nested(
    reader: Reader, rows: Mapping[Place, Row], at: Place, known: set[str], kept: set[Place], heads: set[Place]
) -> None:
    # Graphs beside the chosen one, and those that had ended: as far as they had come at that moment. Ids sort by time.
    newest: dict[str, str] = {}
    for namespace, checkpoint_id in rows:
        if namespace not in known and newest.get(namespace, "") < checkpoint_id <= at[1]:
            newest[namespace] = checkpoint_id
    for namespace, checkpoint_id in sorted(newest.items(), key=lambda item: len(item[0])):
        head = (namespace, checkpoint_id)
        try:
            around = _around(reader, rows[head])
        except ConfigError:
            continue
        if around and max(around.items(), key=lambda item: len(item[0])) in kept:
            kept |= _line(rows, head)
            heads.add(head)


def _versions(reader: Reader, rows: Sequence[Row], heads: set[Place]) -> set[tuple[str, str, str]]:
    live: set[tuple[str, str, str]] = set()
    for row in rows:
        try:
            versions = cast("dict[str, Any]", reader.body(row)["channel_versions"])
        except ConfigError:
            if (row.namespace, row.checkpoint_id) in heads:
                raise
            # An ancestor that is damaged is listed as such; nothing goes on from it.
            continue
        live |= {(row.namespace, channel, str(version)) for channel, version in versions.items()}
    return live


def _copy(
    transaction: Transaction, table: Table, keys: Sequence[str], source: str, target: str, places: Iterable[Any]
) -> None:
    others = [column for column in table.columns if column.name != "thread_id"]
    names = ["thread_id", *(column.name for column in others)]
    wanted = sorted(places)
    for start in range(0, len(wanted), _AT_ONCE):
        these = tuple_(*(table.c[key] for key in keys)).in_(wanted[start : start + _AT_ONCE])
        copied = select(literal(target), *others).where(table.c.thread_id == source, these)
        transaction.execute(insert(table).from_select(names, copied))


def _is(table: Table, place: Place) -> list[Any]:
    return [table.c.checkpoint_ns == place[0], table.c.checkpoint_id == place[1]]
