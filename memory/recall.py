"""Search among facts: by words at once, by meaning as soon as their vectors are there."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from memory.asking import ask
from memory.embedding import EmbedderSource, find_embedder
from memory.fact_rows import SELECT, fact_of
from memory.places import Area
from memory.ranking import Ranked, fuse, rare_terms
from memory.vectors import Vectors
from memory.words import Hit, count_facts_with, query_terms, search_words
from nexus_agents.core.errors import NexusError
from nexus_agents.core.facts import FoundFact

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from memory.database import Database, Transaction
    from memory.embedding import Embedder

    Vector = NDArray[np.float32]

__all__ = ["Recall", "Request"]

_AT_ONCE = 64
"""Facts without a vector that a search embeds itself, about half a second of work; the rest waits its turn."""

_BATCH = 16
_SLACK = 20
"""Hits beyond what was asked for: some may have expired."""


@dataclass(frozen=True)
class Request:
    """What is searched.

    Attributes:
        query: In plain words.
        area: Among which facts.
        limit: How many are wanted.
        offset: How many of the best are passed over.
        among: Only facts with these numbers; None for all.
        diverse: Whether what says nearly the same as a better one stands lower.
    """

    query: str
    area: Area
    limit: int
    offset: int = 0
    among: frozenset[int] | None = None
    diverse: bool = True

    @property
    def depth(self) -> int:
        """How far down each search goes."""
        return self.offset + self.limit + _SLACK


class Recall:
    """Finds facts, and makes the vectors that this needs.

    Args:
        database: Where the facts are.
        source: The embedder; None looks for one when it is first needed.
        eager: Whether vectors are made in the background as facts come in, or only by searches.
    """

    def __init__(self, database: Database, source: EmbedderSource | None, *, eager: bool) -> None:
        self._database = database
        self._given = source
        self._eager = eager
        self._closing = threading.Event()
        self._embedding = threading.Lock()
        self._vectors: Vectors | None = None
        self._background = ThreadPoolExecutor(1, thread_name_prefix="memory-embedder")
        self._queries = ThreadPoolExecutor(1, thread_name_prefix="memory-query")
        self._queued = threading.Lock()

    @cached_property
    def source(self) -> EmbedderSource:
        """The embedder, loaded or not.

        Raises:
            ConfigError: $NEXUS_EMBEDDER names one that is not there.
        """
        return self._given or find_embedder()

    def search(self, request: Request) -> list[FoundFact]:
        """Return what fits a query, best first.

        Raises:
            ConfigError: The embedder's files are not what they should be.
        """
        terms = query_terms(request.query)
        embedder = self._embedder()
        if embedder is None or not request.query.strip():
            return self._database.look(lambda transaction: self._by_words(transaction, request, terms))
        vectors = self._vectors_of(embedder)
        # Beside the first questions to the database: numpy computes without holding Python's lock.
        vector = self._queries.submit(lambda: self._embed(embedder, [request.query])[0])
        left = _AT_ONCE

        def work(transaction: Transaction) -> tuple[dict[str, dict[int, str]], list[FoundFact]]:
            names = _names(transaction, request.area)
            missing = {name: texts for name, texts in vectors.refresh(transaction, names).items() if texts}
            if missing and left > 0:
                return missing, []
            return {}, self._by_both(transaction, request, terms, vector, names, bool(missing))

        while True:
            missing, found = self._database.look(work)
            if not missing:
                return found
            chosen = _newest(missing, left)
            self._fill(embedder, chosen)
            left -= max(1, sum(map(len, chosen.values())))

    def fill(self, area: Area | None = None, progress: Callable[[int, int], None] | None = None) -> int:
        """Make all vectors that are missing, here and now; returns how many.

        Args:
            area: Only for these facts; None for all.
            progress: Told how many are done, of how many.
        """
        embedder = self._embedder()
        if embedder is None:
            return 0
        vectors = self._vectors_of(embedder)
        names = self._database.look(lambda transaction: _names(transaction, area))
        done = 0
        for name in names:
            missing = self._database.look(lambda transaction, name=name: vectors.refresh(transaction, [name])[name])
            for batch in _batches(missing):
                if self._closing.is_set():
                    return done
                self._fill(embedder, {name: batch})
                done += len(batch)
                if progress:
                    progress(done, max(done, len(missing)))
        return done

    def wake(self) -> None:
        """Begin to make vectors in the background, where that is wanted and not under way."""
        if not self._eager or self._closing.is_set() or not self._queued.acquire(blocking=False):
            return
        self._background.submit(self._catch_up)

    def close(self) -> None:
        """Stop after the batch that is being made."""
        self._closing.set()
        self._background.shutdown(wait=True, cancel_futures=True)
        self._queries.shutdown(wait=True)

    def _catch_up(self) -> None:
        # From here on a new fact asks for another round.
        self._queued.release()
        try:
            self.fill()
        except NexusError as error:
            # The fact itself is kept, and found by its words; a search will say what is wrong.
            logging.getLogger("nexus").warning("no vectors were made: %s", error.message)
        except Exception:
            logging.getLogger("nexus").exception("no vectors were made")

    def _by_words(self, transaction: Transaction, request: Request, terms: Sequence[str]) -> list[FoundFact]:
        return _read(transaction, request, fuse((), _kept(transaction, request, terms)))

    def _by_both(
        self,
        transaction: Transaction,
        request: Request,
        terms: Sequence[str],
        vector: Future[Vector],
        names: Sequence[str],
        incomplete: bool,
    ) -> list[FoundFact]:
        vectors = self._vectors
        assert vectors is not None
        # What has no vector yet can only be found by its words, rare or not.
        pointing = terms
        if not incomplete:
            counts = count_facts_with(transaction, terms, request.area, most=6)
            pointing = rare_terms(counts, vectors.count(names))
        words = _kept(transaction, request, pointing)
        near = vectors.nearest(vector.result(), names, request.depth, request.among, diverse=request.diverse)
        return _read(transaction, request, fuse(near, words))

    def _embedder(self) -> Embedder | None:
        with self._embedding:
            return self.source.load()

    def _vectors_of(self, embedder: Embedder) -> Vectors:
        with self._embedding:
            if self._vectors is None:
                self._vectors = Vectors(embedder.name)
            return self._vectors

    def _embed(self, embedder: Embedder, texts: Sequence[str]) -> Vector:
        with self._embedding:
            return embedder.embed(texts)

    def _fill(self, embedder: Embedder, texts: Mapping[str, Mapping[int, str]]) -> None:
        vectors = self._vectors_of(embedder)
        for name in sorted(texts):
            made = self._embed(embedder, list(texts[name].values()))
            by_id = dict(zip(texts[name], made, strict=True))
            self._database.run(lambda transaction, name=name, by_id=by_id: vectors.write(transaction, name, by_id))


def _names(transaction: Transaction, area: Area | None) -> list[str]:
    where = area.names if area else "namespace IS NOT NULL"
    query = f"SELECT namespace FROM fact_namespaces WHERE {where} ORDER BY namespace"
    return [row[0] for row in ask(transaction, query, area.values if area else {})]


def _kept(transaction: Transaction, request: Request, terms: Sequence[str]) -> list[Hit]:
    if request.among is None:
        return search_words(transaction, terms, request.area, request.depth)
    # The condition is none that the database knows: everything is ranked, and what may not be found is left out.
    hits = search_words(transaction, terms, request.area, 1_000_000)
    return [hit for hit in hits if hit[0] in request.among][: request.depth]


def _read(transaction: Transaction, request: Request, ranked: Sequence[Ranked]) -> list[FoundFact]:
    ranked = ranked[: request.depth]
    if not ranked:
        return []
    ids = ", ".join(str(int(one.id)) for one in ranked)
    # Without the namespace, which SQLite would go through from end to end.
    query = f"{SELECT} WHERE facts.id IN ({ids}) AND {request.area.holds}"
    known = {row[0]: row for row in ask(transaction, query, request.area.values)}
    wanted = [one for one in ranked if one.id in known][request.offset : request.offset + request.limit]
    return [
        FoundFact(fact=fact_of(known[one.id]), score=one.score, by=one.by, similarity=one.similarity) for one in wanted
    ]


def _newest(missing: Mapping[str, Mapping[int, str]], count: int) -> dict[str, dict[int, str]]:
    newest = sorted(((fact_id, name) for name, texts in missing.items() for fact_id in texts), reverse=True)[:count]
    chosen: dict[str, dict[int, str]] = {}
    for fact_id, name in newest:
        chosen.setdefault(name, {})[fact_id] = missing[name][fact_id]
    return chosen


def _batches(texts: Mapping[int, str]) -> list[dict[int, str]]:
    # Longest first, so that texts of one length come together and the end is quick.
    order = sorted(texts, key=lambda fact_id: -len(texts[fact_id]))
    return [
        {fact_id: texts[fact_id] for fact_id in order[start : start + _BATCH]} for start in range(0, len(order), _BATCH)
    ]
