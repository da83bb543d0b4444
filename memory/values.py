"""Values of channels in tables: small ones in their row, large ones by content, lists by their new elements."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter, is_
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import bindparam, select, update

from memory.codec import EXACT_MESSAGES, paused_collector
from memory.statements import Statement, insert_or_ignore, insert_row
from memory.tables import blobs, list_items, lists

if TYPE_CHECKING:
    from sqlalchemy import Executable

    from memory.codec import Codec
    from memory.database import Transaction
    from memory.rows import JsonObject
    from memory.sealing import Sealer

__all__ = ["Loaded", "Plan", "Stored", "Tip", "Values"]

_INLINE_VALUE = 256
"""A value of at most so many bytes stays in its row."""

_INLINE_ELEMENT = 256
"""The same for an element of a list."""

_BLOB = b"#"
_FRESH = 2
"""The newest elements of a list are compared by content, since they are the likeliest to be changed in place."""

_WATCHED = 64
"""Of so many messages before those the text is looked at; an older one that is the same object says the same."""

_SHORTEST_BASE = 8
"""A list that shares fewer elements with another one is written whole."""

_LONGEST_CHAIN = 16
"""A list that rests on more others is written whole, so that loading it stays one short walk."""

_INSERT_BLOB = insert_or_ignore(blobs)
_INSERT_LIST = insert_row(lists)
_INSERT_ITEM = insert_row(list_items)
_GROW = Statement(
    update(lists)
    .where(lists.c.id == bindparam("_id"), lists.c.length == bindparam("_old"))
    .values(length=bindparam("length"))
    .returning(lists.c.length)
)
_LENGTH = Statement(select(lists.c.length).where(lists.c.id == bindparam("id")))
_BLOB_DATA = Statement(select(blobs.c.data).where(blobs.c.digest == bindparam("digest")))


_BASE = (lists.c.base_id, lists.c.base_length)


def _segments() -> Executable:
    chain = select(lists.c.id, *_BASE).where(lists.c.id == bindparam("id")).cte("chain", recursive=True)
    chain = chain.union_all(select(lists.c.id, *_BASE).join(chain, lists.c.id == chain.c.base_id))
    return select(chain.c.id, chain.c.base_length).order_by(chain.c.base_length)


_SEGMENTS = Statement(_segments())
_ITEMS = Statement(
    select(list_items.c.data, list_items.c.digest, blobs.c.data.label("blob"))
    .select_from(list_items.outerjoin(blobs, blobs.c.digest == list_items.c.digest))
    .where(list_items.c.list_id == bindparam("id"), list_items.c.position < bindparam("upto"))
    .order_by(list_items.c.position)
)


@dataclass(frozen=True, slots=True)
class Stored:
    """Where a value lies: in the row itself, in a blob, or as the first `length` elements of a list."""

    data: bytes | None = None
    digest: bytes | None = None
    list_id: int | None = None
    length: int | None = None

    @property
    def row(self) -> JsonObject:
        """The columns of a row that refers to it."""
        return {"data": self.data, "digest": self.digest, "list_id": self.list_id, "length": self.length}


@dataclass(slots=True)
class Tip:
    """A list as it was last written or read, to tell what is new in the next version.

    Attributes:
        segments: The lists that it rests on and where each begins, this one last.
        elements: Its elements.
        contents: What each message says, None for other elements.
        marks: Of each element its encoded form, or `#` and the digest of it.
        steady: Whether an element that is the same object says the same: so it is for text and numbers, and, as
            LangGraph asks it of its nodes, for messages; a mapping may have been changed in place.
    """

    segments: list[tuple[int, int]]
    elements: list[Any]
    contents: list[Any]
    marks: list[bytes]
    steady: bool


@dataclass(slots=True)
class Plan:
    """What has to be written for a value, made before the transaction begins.

    Attributes:
        stored: Where the value will lie, unless it is a list.
        blobs: Digest and encoded form of what may not be there yet.
        value: The list, where it is one.
        tip: The list that it goes on from.
        kept: How many elements it shares with that.
        marks: Of each new element its encoded form, or `#` and the digest of it.
    """

    stored: Stored | None = None
    blobs: list[tuple[bytes, bytes]] = field(default_factory=list[tuple[bytes, bytes]])
    value: list[Any] | None = None
    tip: Tip | None = None
    kept: int = 0
    marks: list[bytes] = field(default_factory=list[bytes])


@dataclass(frozen=True, slots=True)
class Loaded:
    """A value that was read, and what a next version of it can go on from."""

    value: Any
    tip: Tip | None = None


class Values:
    """Writes values and reads them back.

    Args:
        codec: Makes bytes of them.
        sealer: Closes those bytes.
    """

    def __init__(self, codec: Codec, sealer: Sealer) -> None:
        self._codec = codec
        self._sealer = sealer

    def plan(self, value: object, tip: Tip | None = None) -> Plan:
        """Work out what has to be written for a value.

        Args:
            value: The value.
            tip: The list that it probably goes on from.
        """
        if type(value) is list and value:
            elements = cast("list[Any]", value)
            kept = self._kept(elements, tip) if tip else 0
            plan = Plan(value=elements, tip=tip if kept else None, kept=kept)
            encoded = [self._codec.encode(element) for element in elements[kept:]]
            if plan.tip or sum(map(len, encoded)) > _INLINE_VALUE:
                for data in encoded:
                    mark = self._mark(data)
                    plan.marks.append(mark)
                    if mark is not data:
                        plan.blobs.append((mark[1:], data))
                return plan
        data = self._codec.encode(cast("object", value))
        if len(data) <= _INLINE_VALUE:
            return Plan(Stored(data=self._sealer.seal(data)))
        digest = self._sealer.digest(data)
        return Plan(Stored(digest=digest), blobs=[(digest, data)])

    def write(self, transaction: Transaction, plan: Plan) -> tuple[Stored, Tip | None]:
        """Write what a plan asks for; returns where the value lies and what the next version can go on from."""
        transaction.run_many(
            _INSERT_BLOB, [{"digest": digest, "data": self._sealer.seal(data)} for digest, data in plan.blobs]
        )
        if plan.stored is not None:
            return plan.stored, None
        assert plan.value is not None
        tip = plan.tip
        if tip is not None:
            if not plan.marks and plan.kept == len(tip.elements):
                if transaction.row(_LENGTH, {"id": tip.segments[-1][0]}) is not None:
                    return Stored(list_id=tip.segments[-1][0], length=plan.kept), tip
            elif (segments := self._go_on(transaction, plan, tip)) is not None:
                return self._stored(segments, plan, tip)
            # The list is gone: somebody has deleted the thread meanwhile.
            plan = self.plan(plan.value)
            return self.write(transaction, plan)
        return self._stored(self._begin(transaction, None, 0, plan.marks), plan, None)

    def read(self, transaction: Transaction, stored: Stored) -> Loaded:
        """Return a value.

        Raises:
            LookupError: A part of it is missing.
        """
        if stored.data is not None:
            return Loaded(self._codec.decode(self._sealer.open(stored.data)))
        if stored.digest is not None:
            row = transaction.row(_BLOB_DATA, {"digest": stored.digest})
            if row is None:
                raise LookupError("a value is missing from the memory")
            return Loaded(self._codec.decode(self._sealer.open(bytes(row[0]))))
        with paused_collector():
            return self._read_list(transaction, cast("int", stored.list_id), cast("int", stored.length))

    def _read_list(self, transaction: Transaction, list_id: int, length: int) -> Loaded:
        chain = transaction.rows(_SEGMENTS, {"id": list_id})
        segments = [(int(number), int(start)) for number, start in chain if start < length]
        ends = [*(start for _, start in segments[1:]), length]
        rows: list[tuple[bytes | None, bytes | None, bytes | None]] = []
        for (number, _), end in zip(segments, ends, strict=True):
            rows += transaction.rows(_ITEMS, {"id": number, "upto": end})
        if len(rows) != length:
            raise LookupError(f"{length - len(rows)} elements of a list are missing from the memory")
        sealed = [data if blob is None else blob for data, _, blob in rows]
        if None in sealed:
            raise LookupError("an element of a list is missing from the memory")
        parts = self._sealer.open_all(cast("list[bytes]", sealed))
        elements = self._codec.decode_many(parts)
        marks = [part if row[1] is None else _BLOB + row[1] for row, part in zip(rows, parts, strict=True)]
        return Loaded(elements, Tip(segments, list(elements), _contents(elements), marks, _are_steady(elements)))

    def _kept(self, elements: list[Any], tip: Tip) -> int:
        most = min(len(elements), len(tip.elements))
        kept = _same(elements, tip, most - _FRESH) if tip.steady else 0
        while kept < most and self._mark(self._codec.encode(elements[kept])) == tip.marks[kept]:
            kept += 1
        return kept

    def _mark(self, data: bytes) -> bytes:
        return data if len(data) <= _INLINE_ELEMENT else _BLOB + self._sealer.digest(data)

    def _go_on(self, transaction: Transaction, plan: Plan, tip: Tip) -> list[tuple[int, int]] | None:
        list_id = tip.segments[-1][0]
        kept, grown = plan.kept, plan.kept + len(plan.marks)
        at_end = kept == len(tip.elements)
        # Another fork of the thread may have gone on from here already: then its elements come after these.
        if at_end and transaction.row(_GROW, {"_id": list_id, "_old": kept, "length": grown}):
            self._insert(transaction, list_id, kept, plan.marks)
            return tip.segments
        if transaction.row(_LENGTH, {"id": list_id}) is None:
            return None
        if not plan.marks:
            return _upto(tip.segments, kept)
        below = _upto(tip.segments, kept)
        if kept < _SHORTEST_BASE or len(below) >= _LONGEST_CHAIN:
            return self._begin(transaction, None, 0, [*tip.marks[:kept], *plan.marks])
        return [*below, *self._begin(transaction, below[-1][0], kept, plan.marks)]

    def _begin(
        self, transaction: Transaction, base: int | None, start: int, marks: Sequence[bytes]
    ) -> list[tuple[int, int]]:
        # Numbers at random: two processes that write at once need not ask each other.
        list_id = int.from_bytes(os.urandom(6), "big")
        row = {"id": list_id, "base_id": base, "base_length": start, "length": start + len(marks)}
        transaction.run(_INSERT_LIST, row)
        self._insert(transaction, list_id, start, marks)
        return [(list_id, start)]

    def _insert(self, transaction: Transaction, list_id: int, start: int, marks: Sequence[bytes]) -> None:
        rows: list[JsonObject] = []
        for position, mark in enumerate(marks, start):
            blob = mark[:1] == _BLOB
            rows.append(
                {
                    "list_id": list_id,
                    "position": position,
                    "data": None if blob else self._sealer.seal(mark),
                    "digest": mark[1:] if blob else None,
                }
            )
        transaction.run_many(_INSERT_ITEM, rows)

    def _stored(self, segments: list[tuple[int, int]], plan: Plan, tip: Tip | None) -> tuple[Stored, Tip]:
        assert plan.value is not None
        kept, new = plan.kept, plan.value[plan.kept :]
        grown = Tip(
            segments,
            list(plan.value),
            [*(tip.contents[:kept] if tip else ()), *_contents(new)],
            [*(tip.marks[:kept] if tip else ()), *plan.marks],
            (tip is None or tip.steady) and _are_steady(new),
        )
        return Stored(list_id=segments[-1][0], length=len(plan.value)), grown


_CONTENT: Callable[[Any], Any] = attrgetter("content")
_STEADY: frozenset[type] = EXACT_MESSAGES | {str, int, float, bool, bytes, type(None)}


def _are_steady(elements: list[Any]) -> bool:
    return _STEADY.issuperset(map(type, elements))


def _contents(elements: list[Any]) -> list[Any]:
    try:
        return list(map(_CONTENT, elements))
    except AttributeError:
        return [getattr(element, "content", None) for element in elements]


def _same(elements: list[Any], tip: Tip, most: int) -> int:
    # Comparing a list with itself takes 2 ns an element, since identity comes first; it happens at each step.
    if most <= 0:
        return 0
    old = tip.elements
    first = max(0, most - _WATCHED)
    if elements[:most] == old[:most] and all(map(is_, elements[:most], old)):
        says = _contents(elements[first:most])
        same = map(is_, says, tip.contents[first:most])
        return first + next((index for index, kept in enumerate(same) if not kept), most - first)
    return next((index for index, (new, old) in enumerate(zip(elements, old, strict=False)) if new is not old), most)


def _upto(segments: list[tuple[int, int]], length: int) -> list[tuple[int, int]]:
    return [segment for segment in segments if segment[1] < length]
