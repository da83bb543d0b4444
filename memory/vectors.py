"""Vectors of facts: kept as float16 beside them, searched exactly in a matrix that each process keeps in memory.

At 10,000 facts a search takes 2 to 4 ms and finds the nearest ones for certain, where an index in the database would
need an extension that many Pythons cannot load.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select, update

from memory.embedding.threads import one_thread
from memory.fact_rows import bump
from memory.statements import Statement, insert_or_ignore
from memory.tables import fact_namespaces, fact_vectors, facts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from memory.database import Transaction

    Vector = NDArray[np.float32]

__all__ = ["Vectors"]

_MOST_NAMESPACES = 64
_CANDIDATES = 50
"""The nearest facts, among which those that say the same are moved down."""

_RELEVANCE = 0.8
"""What nearness to the query counts, against nearness to better hits."""

_VERSION = Statement(select(fact_namespaces.c.version).where(fact_namespaces.c.namespace == bindparam("namespace")))
_CHANGED = Statement(
    select(facts.c.id, facts.c.valid_to, fact_vectors.c.vector, facts.c.text)
    .select_from(
        facts.outerjoin(
            fact_vectors, (fact_vectors.c.fact_id == facts.c.id) & (fact_vectors.c.embedder == bindparam("embedder"))
        )
    )
    .where(facts.c.namespace == bindparam("namespace"), facts.c.version > bindparam("seen"))
)
_KNOWN = Statement(select(facts.c.id).where(facts.c.namespace == bindparam("namespace"), facts.c.id == bindparam("id")))
_INSERT = insert_or_ignore(fact_vectors)


class Vectors:
    """The vectors of one embedder, by namespace; safe to use from several threads.

    Args:
        embedder: Name of the embedder.
    """

    def __init__(self, embedder: str) -> None:
        self._embedder = embedder
        self._matrices: OrderedDict[str, _Matrix] = OrderedDict()
        self._lock = threading.Lock()

    def refresh(self, transaction: Transaction, names: Iterable[str]) -> dict[str, dict[int, str]]:
        """Read what any process has written in some namespaces since the last time.

        Returns:
            By namespace, number and text of the facts that have no vector yet.
        """
        with self._lock:
            return {name: dict(self._fresh(transaction, name).pending) for name in names}

    def nearest(
        self,
        query: Vector,
        names: Iterable[str],
        limit: int,
        allowed: frozenset[int] | None = None,
        *,
        diverse: bool = True,
    ) -> list[tuple[int, float]]:
        """Return the facts whose vectors are nearest to that of a query, as number and cosine, best first.

        Args:
            query: A vector of length 1, shape `(dimensions,)`.
            names: Namespaces, refreshed before.
            limit: How many at most.
            allowed: Only these; None for all.
            diverse: Whether what says nearly the same as a better one stands lower.
        """
        import numpy as np

        count = max(limit, _CANDIDATES)
        with self._lock, one_thread():
            parts = [self._matrices[name].nearest(query, count, allowed) for name in names if name in self._matrices]
        parts = [part for part in parts if len(part[0])]
        if not parts:
            return []
        ids, scores, vectors = (np.concatenate([part[column] for part in parts]) for column in range(3))
        # Of two that are as near, the newer one.
        order = np.lexsort((-ids, -scores))[:count]
        ids, scores, vectors = ids[order], scores[order], vectors[order]
        if diverse:
            first = _diverse(scores[:_CANDIDATES], vectors[:_CANDIDATES], limit)
            order = [*first, *range(min(_CANDIDATES, len(ids)), len(ids))]
            ids, scores = ids[order], scores[order]
        return list(zip(ids[:limit].tolist(), scores[:limit].tolist(), strict=True))

    def write(self, transaction: Transaction, name: str, made: Mapping[int, Vector]) -> None:
        """Write vectors of facts of one namespace; facts that were erased meanwhile are passed over."""
        version = bump(transaction, name)
        there = [fact_id for fact_id in made if transaction.row(_KNOWN, {"namespace": name, "id": fact_id})]
        transaction.run_many(
            _INSERT,
            [
                {"fact_id": fact_id, "embedder": self._embedder, "vector": made[fact_id].astype("<f2").tobytes()}
                for fact_id in there
            ],
        )
        # Other processes look for what has changed.
        transaction.execute(update(facts).where(facts.c.id.in_(there)).values(version=version))

    def count(self, names: Iterable[str]) -> int:
        """Return how many vectors some namespaces have."""
        with self._lock:
            return sum(len(self._matrices[name]) for name in names if name in self._matrices)

    def _fresh(self, transaction: Transaction, name: str) -> _Matrix:
        matrix = self._matrices.setdefault(name, _Matrix())
        self._matrices.move_to_end(name)
        row = transaction.row(_VERSION, {"namespace": name})
        version: int = row[0] if row else 0
        if version < matrix.version:
            # The database was put back to an earlier state.
            matrix = self._matrices[name] = _Matrix()
        if version > matrix.version:
            values = {"namespace": name, "embedder": self._embedder, "seen": matrix.version}
            matrix.change(transaction.rows(_CHANGED, values), version)
        if len(self._matrices) > _MOST_NAMESPACES:
            self._matrices.popitem(last=False)
        return matrix


class _Matrix:
    """The vectors of one namespace, a column each: a product with a query is then four times as quick."""

    def __init__(self) -> None:
        self.version = 0
        self.pending: dict[int, str] = {}
        self._columns: dict[int, int] = {}
        self._room = 0
        self._ids: Any = None
        self._data: Any = None

    def __len__(self) -> int:
        return len(self._columns)

    def change(self, changed: Sequence[Sequence[Any]], version: int) -> None:
        """Take in rows of (number, until when it held, vector or none, text)."""
        self.version = version
        come: dict[int, bytes] = {}
        for fact_id, valid_to, vector, text in changed:
            self.pending.pop(fact_id, None)
            if valid_to is not None or not text:
                self._drop(fact_id)
            elif vector is None:
                self.pending[fact_id] = text
            elif fact_id not in self._columns:
                come[fact_id] = vector
        if come:
            self._append(come)

    def nearest(self, query: Vector, limit: int, allowed: frozenset[int] | None) -> tuple[Any, Any, Any]:
        """Return numbers, cosines and vectors of the nearest ones, in no order."""
        import numpy as np

        count = len(self._columns)
        if not count:
            return (), (), ()
        scores = query @ self._data[:, :count]
        rows = np.arange(count)
        if allowed is not None:
            kept = (fact_id in allowed for fact_id in self._ids[:count].tolist())
            rows = rows[np.fromiter(kept, dtype=bool, count=count)]
        if len(rows) > limit:
            rows = rows[np.argpartition(-scores[rows], limit)[:limit]]
        return self._ids[rows], scores[rows], self._data[:, rows].T

    def _append(self, come: Mapping[int, bytes]) -> None:
        import numpy as np

        new = np.frombuffer(b"".join(come.values()), dtype="<f2").reshape(len(come), -1).astype(np.float32)
        begin, finish = len(self._columns), len(self._columns) + len(come)
        if finish > self._room:
            # Room for twice as many, so that facts that come one by one are not all copied each time.
            room = max(64, 2 * finish if begin else finish)
            data, ids = np.empty((new.shape[1], room), dtype=np.float32), np.empty(room, dtype=np.int64)
            if begin:
                data[:, :begin], ids[:begin] = self._data[:, :begin], self._ids[:begin]
            self._data, self._ids, self._room = data, ids, room
        self._data[:, begin:finish] = new.T
        self._ids[begin:finish] = list(come)
        self._columns |= {fact_id: begin + place for place, fact_id in enumerate(come)}

    def _drop(self, fact_id: int) -> None:
        row = self._columns.pop(fact_id, None)
        if row is None:
            return
        # The last one moves into the gap.
        last = len(self._columns)
        if row != last:
            self._data[:, row], self._ids[row] = self._data[:, last], self._ids[last]
            self._columns[int(self._ids[row])] = row


def _diverse(scores: Any, vectors: Any, limit: int) -> list[int]:
    """Return the first hits in an order in which each next one is near to the query and not to those before it.

    Maximal marginal relevance (Carbonell and Goldstein 1998): among thousands of facts, a question would otherwise be
    answered by ten that say the same.
    """
    import numpy as np

    with one_thread():
        alike = vectors @ vectors.T
    alike *= 1 - _RELEVANCE
    relevant = _RELEVANCE * scores
    closest = np.zeros(len(scores), dtype=np.float32)
    order: list[int] = []
    for _ in range(min(limit, len(scores))):
        best = int((relevant - closest).argmax())
        order.append(best)
        relevant[best] = -np.inf
        np.maximum(closest, alike[best], out=closest)
    return order
