"""Two searches made one: what words found and what meaning found, in one order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from memory.words import Hit

__all__ = ["Ranked", "fuse", "rare_terms"]

_RARE = 5
"""A word in at most so many facts is a name for them (measured on 10,000 facts: no paraphrase has one, each question
with an identifier does)."""

_SHARE = 100
"""Among few facts a word must be in less than one of a hundred to be rare; in a single one it always is."""

# Reciprocal rank fusion (Cormack et al. 2009) with a small constant, so that the first places count, and words before
# meaning. With the customary constant of 60 and equal weights it finds less than either search alone.
_CONSTANT = 10
_WEIGHT_OF_WORDS = 3.0


@dataclass(frozen=True)
class Ranked:
    """A fact in the order of a search."""

    id: int
    score: float
    by: Literal["words", "meaning", "both"]
    similarity: float | None = None


def rare_terms(counts: Mapping[str, int], total: int) -> list[str]:
    """Return the words of a query that are rare enough to point at facts.

    Args:
        counts: How many facts hold each word, counted up to 6.
        total: How many facts there are.
    """
    most = max(1, min(_RARE, total // _SHARE))
    return [term for term, count in counts.items() if 0 < count <= most]


def fuse(meaning: Sequence[Hit], words: Sequence[Hit]) -> list[Ranked]:
    """Return what either search found, best first.

    Args:
        meaning: Number and cosine, nearest first; empty where meaning was not searched.
        words: Number and score, best first; empty where no word of the query is rare.
    """
    if not meaning:
        return [Ranked(fact_id, score, "words") for fact_id, score in words]
    similar = dict(meaning)
    if not words:
        return [Ranked(fact_id, cosine, "meaning", cosine) for fact_id, cosine in meaning]
    scores: dict[int, float] = {}
    for weight, hits in ((1.0, meaning), (_WEIGHT_OF_WORDS, words)):
        for place, (fact_id, _) in enumerate(hits, start=1):
            scores[fact_id] = scores.get(fact_id, 0.0) + weight / (_CONSTANT + place)
    named = {fact_id for fact_id, _ in words}
    order = sorted(scores, key=lambda fact_id: (-scores[fact_id], -fact_id))
    return [
        Ranked(
            fact_id,
            scores[fact_id],
            ("both" if fact_id in similar else "words") if fact_id in named else "meaning",
            similar.get(fact_id),
        )
        for fact_id in order
    ]
