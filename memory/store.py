"""LangGraph's store over the shared context: the same facts, by its own interface."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from langgraph.store.base import (
    BaseStore,
    GetOp,
    Item,
    ListNamespacesOp,
    MatchCondition,
    Op,
    PutOp,
    Result,
    SearchItem,
    SearchOp,
    TTLConfig,
    get_text_at_path,
    tokenize_path,
    validate_op_namespace,
)
from sqlalchemy import text

from memory.fact_rows import SELECT, fact_of, touch
from memory.facts import forgotten, listed, swept
from memory.places import STANDS, area_of, name_of, namespace_from
from memory.recall import Request
from memory.tables import moment_text
from nexus_agents.core.facts import Fact, text_of
from nexus_agents.core.runs import now

if TYPE_CHECKING:
    from memory.database import Transaction
    from memory.facts import SqlFacts

__all__ = ["SqlStore"]


class SqlStore(BaseStore):
    """`BaseStore` of LangGraph over the facts of a memory.

    A value that is put in the place of another supersedes it, and one that is deleted is forgotten: both stay in the
    history. Searches go by words, and by meaning where there is an embedder; `index` says which fields of a value are
    searched, all of them by default. Within one batch, what is read is what stood before it.

    Args:
        facts: The facts.
        author: Who is written down as the author.
        ttl: How long values hold by default, and whether reading starts their time anew.
    """

    supports_ttl = True

    def __init__(self, facts: SqlFacts, *, author: str = "graph", ttl: TTLConfig | None = None) -> None:
        self._facts = facts
        self._author = author
        self.ttl_config = ttl

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Execute operations here and now."""
        wanted = _checked(ops)
        answers: list[Result] = [self._answer(op) for op in wanted]
        puts = _last_of_each(wanted)
        if puts:
            self._facts.database.run(lambda transaction: self._write(transaction, puts))
            self._facts.recall.wake()
        return answers

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """Execute operations away from the event loop."""
        wanted = _checked(ops)
        answers: list[Result] = []
        for op in wanted:
            answers.append(None if isinstance(op, PutOp) else await self._facts.away(lambda op=op: self._answer(op)))
        puts = _last_of_each(wanted)
        if puts:
            await self._facts.database.write(lambda transaction: self._write(transaction, puts))
            self._facts.recall.wake()
        return answers

    def sweep_ttl(self) -> int:
        """End the values whose time is over; returns how many. Reads never show them, swept or not."""
        return self._facts.database.run(lambda transaction: swept(transaction, now()))

    def _write(self, transaction: Transaction, puts: Sequence[PutOp]) -> None:
        for op in puts:
            if op.value is None:
                forgotten(transaction, name_of(op.namespace), op.key, now())
        self._facts.put_within(transaction, [self._fact(op) for op in puts if op.value is not None])

    def _fact(self, op: PutOp) -> Fact:
        value = dict(op.value or {})
        if op.index is False:
            searched = ""
        elif op.index:
            searched = "; ".join(said for path in op.index for said in get_text_at_path(value, tokenize_path(path)))
        else:
            searched = text_of(value)
        return Fact(
            namespace=op.namespace,
            key=op.key,
            value=value,
            text=searched,
            author=self._author,
            ttl=op.ttl,
        )

    def _answer(self, op: Op) -> Result:
        match op:
            case GetOp():
                return self._get(op)
            case SearchOp():
                return self._search(op)
            case ListNamespacesOp():
                return self._namespaces(op)
            case _:
                return None

    def _get(self, op: GetOp) -> Item | None:
        query = text(f"{SELECT} WHERE {STANDS} AND namespace = :namespace AND key = :key")
        values = {"namespace": name_of(op.namespace), "key": op.key, "now": moment_text(now())}
        row = self._facts.database.look(lambda transaction: transaction.execute(query, values).first())
        if row is None:
            return None
        fact = fact_of(row)
        self._refresh([fact], op.refresh_ttl)
        return Item(**_fields(fact))

    def _search(self, op: SearchOp) -> list[SearchItem]:
        area = area_of([op.namespace_prefix] if op.namespace_prefix else [], now(), below=True)
        keeps = _filter(op.filter) if op.filter else None
        if op.query is None or not op.query.strip():
            slice_of_all = (op.limit, op.offset) if keeps is None else (None, 0)
            facts = self._facts.database.look(lambda transaction: listed(transaction, area, *slice_of_all))
            if keeps is not None:
                facts = [fact for fact in facts if keeps(_value(fact))][op.offset : op.offset + op.limit]
            self._refresh(facts, op.refresh_ttl)
            return [SearchItem(**_fields(fact)) for fact in facts]
        among = None
        if keeps is not None:
            every = self._facts.database.look(lambda transaction: listed(transaction, area))
            among = frozenset(cast("int", fact.id) for fact in every if keeps(_value(fact)))
        found = self._facts.recall.search(Request(op.query, area, op.limit, op.offset, among, diverse=False))
        self._refresh([one.fact for one in found], op.refresh_ttl)
        return [
            SearchItem(**_fields(one.fact), score=one.score if one.similarity is None else one.similarity)
            for one in found
        ]

    def _refresh(self, read: Sequence[Fact], wanted: bool) -> None:
        timed = [fact for fact in read if fact.ttl]
        if wanted and timed:
            self._facts.database.run(lambda transaction: touch(transaction, timed, now()))

    def _namespaces(self, op: ListNamespacesOp) -> list[tuple[str, ...]]:
        query = text(f"SELECT DISTINCT namespace FROM facts WHERE {STANDS}")
        values = {"now": moment_text(now())}
        names = self._facts.database.look(lambda transaction: transaction.execute(query, values).scalars().all())
        conditions = op.match_conditions or ()
        every = [namespace_from(name) for name in names]
        kept = {one[: op.max_depth] for one in every if all(_matches(condition, one) for condition in conditions)}
        return sorted(kept)[op.offset : op.offset + op.limit]


def _checked(ops: Iterable[Op]) -> list[Op]:
    wanted = list(ops)
    for op in wanted:
        validate_op_namespace(op)
    return wanted


def _last_of_each(ops: Sequence[Op]) -> list[PutOp]:
    last = {(op.namespace, op.key): op for op in ops if isinstance(op, PutOp)}
    return list(last.values())


def _value(fact: Fact) -> dict[str, Any]:
    # A store holds mappings; what people and tools remember is mostly a text.
    if isinstance(fact.value, dict):
        return cast("dict[str, Any]", fact.value)
    return {"text": fact.text} if fact.value is None else {"value": fact.value}


def _fields(fact: Fact) -> dict[str, Any]:
    return {
        "namespace": fact.namespace,
        "key": fact.key,
        "value": _value(fact),
        "created_at": fact.since,
        "updated_at": fact.created_at,
    }


def _matches(condition: MatchCondition, namespace: tuple[str, ...]) -> bool:
    path = condition.path
    if len(namespace) < len(path):
        return False
    part = namespace[: len(path)] if condition.match_type == "prefix" else namespace[len(namespace) - len(path) :]
    return all(wanted in ("*", label) for wanted, label in zip(path, part, strict=True))


def _filter(wanted: Mapping[str, Any]) -> Callable[[Mapping[str, Any]], bool]:
    return lambda value: all(_meets(value.get(field), one) for field, one in wanted.items())


def _meets(value: object, wanted: object) -> bool:
    if not isinstance(wanted, Mapping):
        return value == wanted
    conditions = cast("Mapping[str, object]", wanted)
    if not any(name.startswith("$") for name in conditions):
        given = cast("Mapping[str, object]", value) if isinstance(value, Mapping) else None
        return given is not None and all(_meets(given.get(name), one) for name, one in conditions.items())
    return all(_compares(value, name, one) for name, one in conditions.items())


def _compares(value: Any, operator: str, wanted: Any) -> bool:
    match operator:
        case "$eq":
            return value == wanted
        case "$ne":
            return value != wanted
        case "$gt" | "$gte" | "$lt" | "$lte":
            pass
        case _:
            raise ValueError(f"Unsupported operator: {operator}")
    try:
        below, same = value < wanted, value == wanted
    except TypeError:
        # A text is neither above nor below a number, and nothing is above what is not there.
        return False
    return {"$gt": not below and not same, "$gte": not below, "$lt": below, "$lte": below or same}[operator]
