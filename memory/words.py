"""The words of facts: how a text is prepared for the index of each database, and how it is asked."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from memory.asking import ask

if TYPE_CHECKING:
    from memory.database import Transaction
    from memory.places import Area

__all__ = ["LONGEST", "Hit", "count_facts_with", "query_terms", "search_words", "searchable"]

LONGEST = 20_000
"""Characters of a text that are searched by words."""

_MOST_TERMS = 24
_MOST_COUNTED = 2_000
"""Facts with a word that are counted on PostgreSQL: above this, a word is common and says next to nothing."""

# A word with hyphens, points or underscores inside is one (QX-4821, my_table, v1.2), and so is each of its parts.
_WORD = re.compile(r"\w+(?:[-.]\w+)*")
_INNER = re.compile(r"[-._]+")
# Chinese, Japanese and Korean are written without spaces: two characters at a time stand for words.
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af]+")
_ACCENTS = re.compile(r"[\u0300-\u036f]")

_STOP_WORDS = frozenset(
    [
        "a",
        "about",
        "after",
        "all",
        "also",
        "am",
        "an",
        "and",
        "any",
        "are",
        "as",
        "at",
        "be",
        "been",
        "but",
        "by",
        "can",
        "could",
        "did",
        "do",
        "does",
        "for",
        "from",
        "had",
        "has",
        "have",
        "he",
        "her",
        "his",
        "how",
        "i",
        "if",
        "in",
        "into",
        "is",
        "it",
        "its",
        "just",
        "like",
        "may",
        "me",
        "my",
        "no",
        "not",
        "now",
        "of",
        "on",
        "or",
        "our",
        "out",
        "over",
        "s",
        "she",
        "should",
        "so",
        "some",
        "t",
        "than",
        "that",
        "the",
        "their",
        "them",
        "then",
        "there",
        "these",
        "they",
        "this",
        "those",
        "to",
        "up",
        "us",
        "was",
        "we",
        "were",
        "what",
        "when",
        "where",
        "which",
        "who",
        "whom",
        "whose",
        "why",
        "will",
        "with",
        "would",
        "you",
        "your",
    ]
)

Hit = tuple[int, float]
"""The number of a fact, and how well it fits; higher is better."""


def searchable(said: str) -> str:
    """Return a text as the index of words takes it: lower case, without accents, compounds whole and in parts."""
    return " ".join(_split(said[:LONGEST]))


def query_terms(query: str) -> list[str]:
    """Return the words of a query that are worth looking for, each once and at most 24.

    Stop words are left out, unless there is nothing else.
    """
    words = list(dict.fromkeys(_split(query[:LONGEST])))
    return ([word for word in words if word not in _STOP_WORDS] or words)[:_MOST_TERMS]


def search_words(transaction: Transaction, terms: Sequence[str], area: Area, limit: int) -> list[Hit]:
    """Return the facts that hold any of some words, best first.

    SQLite ranks by BM25. PostgreSQL adds up how rare the words are that a fact holds, divided by its length: its own
    `ts_rank` does not know that a rare word says more.

    Args:
        transaction: Where to look.
        terms: As `query_terms` gives them.
        area: The namespaces.
        limit: How many at most.
    """
    if not terms:
        return []
    if transaction.dialect == "sqlite":
        # CROSS JOIN: first the words, then the rows. SQLite would otherwise go through the namespace.
        query = (
            "SELECT facts.id, -bm25(facts_words) FROM facts_words CROSS JOIN facts ON facts.id = facts_words.rowid "
            f"WHERE facts_words MATCH :match AND {area.sql} ORDER BY 2 DESC, 1 DESC LIMIT :limit"
        )
        values = {"match": " OR ".join(map(_quoted, terms)), "limit": limit, **area.values}
        return [(row[0], row[1]) for row in ask(transaction, query, values)]
    counts = count_facts_with(transaction, terms, area, most=_MOST_COUNTED)
    known = [term for term in terms if counts[term]]
    if not known:
        return []
    weights = {f"w{place}": math.log(1 + _MOST_COUNTED / counts[term]) for place, term in enumerate(known)}
    score = " + ".join(
        f"CASE WHEN facts_words @@ {_tsquery(place)} THEN CAST(:w{place} AS float) ELSE 0 END"
        for place in range(len(known))
    )
    any_of = " || ".join(_tsquery(place) for place in range(len(known)))
    query = (
        f"SELECT id, ({score}) / (1 + 0.05 * length(facts_words)) AS score FROM facts "
        f"WHERE facts_words @@ ({any_of}) AND {area.sql} ORDER BY score DESC, id DESC LIMIT :limit"
    )
    values = {**_named(known), **weights, "limit": limit, **area.values}
    return [(row[0], row[1]) for row in ask(transaction, query, values)]


def count_facts_with(transaction: Transaction, terms: Sequence[str], area: Area, *, most: int) -> Mapping[str, int]:
    """Return how many facts hold each of some words, counting no further than `most`."""
    if not terms:
        return {}
    if transaction.dialect == "sqlite":
        one = (
            "SELECT count(*) FROM (SELECT 1 FROM facts_words CROSS JOIN facts ON facts.id = facts_words.rowid "
            f"WHERE facts_words MATCH :match AND {area.sql} LIMIT :most)"
        )
        values = {"most": most, **area.values}
        return {term: ask(transaction, one, {**values, "match": _quoted(term)})[0][0] for term in terms}
    counts = ", ".join(
        f"(SELECT count(*) FROM (SELECT 1 FROM facts WHERE facts_words @@ {_tsquery(place)} AND {area.sql} "
        f"LIMIT :most) AS some{place})"
        for place in range(len(terms))
    )
    (row,) = ask(transaction, f"SELECT {counts}", {**_named(terms), "most": most, **area.values})
    return dict(zip(terms, row, strict=True))


def _split(said: str) -> list[str]:
    said = said.lower()
    if not said.isascii():
        said = unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFKD", said)))
        said = _UNSPACED.sub(lambda run: f" {_pairs(run[0])} ", said)
    words: list[str] = []
    for word in _WORD.findall(said):
        words.append(word)
        if not word.isalnum():
            words += [part for part in _INNER.split(word) if part and part != word]
    return words


def _pairs(run: str) -> str:
    return " ".join(run[place : place + 2] for place in range(max(1, len(run) - 1)))


def _quoted(term: str) -> str:
    # In quotes everything is a word to FTS5, NEAR, * and AND included.
    return '"' + term.replace('"', '""') + '"'


def _tsquery(place: int) -> str:
    # The same replacements as in the column, see revision 0003.
    whole = f"replace(replace(replace(CAST(:t{place} AS text), '-', 'zqh'), '_', 'zqu'), '.', 'zqd')"
    return f"plainto_tsquery('english', {whole})"


def _named(terms: Sequence[str]) -> dict[str, str]:
    return {f"t{place}": term for place, term in enumerate(terms)}
