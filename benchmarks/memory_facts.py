"""What the shared context costs and finds: 10,000 facts, put one by one and asked for by words and by meaning.

`python benchmarks/memory_facts.py` prints a table and writes results/memory_facts.json. LangGraph's own SqliteStore
takes the same facts in the same run. The facts and the questions are made from templates with a fixed seed: questions
that share only a name with the fact that answers them, and questions about identifiers. `--facts 2000` is a quick look.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import random
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from memory import SqlMemory, open_memory
from memory.embedding import EmbedderSource, find_embedder
from nexus_agents.core.facts import Fact

RESULTS = Path(__file__).parent / "results" / "memory_facts.json"
FACTS = 10_000
PARAPHRASES = 300
IDENTIFIERS = 150
PEERS = 500
"""Facts that LangGraph's store is given: it takes milliseconds for each."""

PLACE = ("project", "benchmark")
WORDS_ONLY = EmbedderSource(None, "switched off for this measurement")

NAMES = """
Ada Boris Chiara Dmitri Esra Fatima Gustav Helena Ibrahim Joanna Kenji Leila Mateo
Nora Oskar Paulina Rafael Sanna Tomas Ursula Vikram Wanda Xavier Yasmin Zoltan
"""
SURNAMES = "Abara Berg Castillo Duarte Eklund Fischer Greco Horvat Ito Jovanovic"
PEOPLE = [f"{first} {last}" for first in NAMES.split() for last in random.Random(first).sample(SURNAMES.split(), 4)]

TOLD = (
    (
        "{n} drinks {x} before the first meeting",
        "which beverage does {n} like at breakfast?",
        "matcha|espresso|cocoa|cider",
    ),
    ("{n} relocated to {x} in spring", "in which city is {n} living?", "Porto|Kyoto|Tartu|Quito|Graz"),
    ("{n} writes new services in {x}", "what programming language does {n} prefer?", "Rust|Go|Elixir|Kotlin"),
    ("{n} adopted a {x} from the shelter", "does {n} own a pet?", "beagle|kitten|parrot|tortoise"),
    ("{n} gets a rash from {x}", "what is {n} allergic to?", "peanuts|shrimp|gluten|pollen"),
    ("{n} practises the {x} every evening", "what is {n}'s musical hobby?", "cello|drums|banjo|piano"),
    ("{n} commutes on a {x}", "how does {n} get to the office?", "cargo bike|night train|scooter"),
    ("{n} was born on {x}", "when do we celebrate {n}'s birthday?", "3 March|17 June|8 December"),
    ("{n} wants all records kept in {x}", "what database should we use for {n}?", "Postgres|SQLite|MySQL"),
    ("{n} cannot join calls before ten because of school drop-off", "when is {n} not available for meetings?", ""),
    ("{n} signed off the quarterly budget", "who approved the spending plan, was it {n}?", ""),
    ("the nightly build of {n} broke because a certificate had lapsed", "why did {n}'s pipeline fail?", ""),
    ("{n} asked for short replies without emojis", "what writing style does {n} want from us?", ""),
    ("{n} left the laptop on a train", "which device did {n} lose?", ""),
    ("{n} relies on a screen reader", "does {n} have accessibility needs?", ""),
    ("{n} became the lead of the team", "was {n} promoted?", ""),
    ("{n} is training for a marathon", "which sport is {n} preparing for?", ""),
    ("{n} speaks fluent Portuguese", "what foreign language does {n} know?", ""),
    ("{n} turned down the offer from the bank", "did {n} accept the new job?", ""),
    ("{n} keeps the spare key under the doormat", "where can we find a way into {n}'s house?", ""),
)
NOISE = (
    "{n} met {m} in the canteen to talk about {t}",
    "{n} sent {m} a spreadsheet on {t}",
    "{n} and {m} disagreed over {t}",
    "{m} reminded {n} about {t}",
    "{n} postponed the workshop on {t}",
    "{n} drew three slides about {t} for {m}",
)
TOPICS = """
invoice layout|cache eviction|garden tools|paint colours|the offsite|data retention|a new logo|train tickets|unit tests
ceramic tiles|battery life|the summer menu|cover art|password rules|heat pumps|museum hours|shelf brackets
"""
ABOUT_IDS = (
    ("ticket {i} was closed by {n}", "status of {i}?"),
    ("{n} opened {i} about the login form", "what happened with {i}"),
    ("{i} blocks the release, says {n}", "who knows about {i}?"),
    ("{n} promised a refund for {i}", "what about {i}"),
)

Question = tuple[str, str]
"""A question, and the text of the fact that answers it."""


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--facts", type=int, default=FACTS)
    parser.add_argument("--postgres", metavar="URL", help="measure on this (empty) PostgreSQL database as well")
    options = parser.parse_args()
    rows = asyncio.run(measure(options.facts, options.postgres))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def make(count: int) -> tuple[list[str], list[Question], list[Question]]:
    """Return texts, questions that paraphrase some of them, and questions about identifiers in others."""
    dice = random.Random(7)
    texts: list[str] = []
    asked: list[Question] = []
    for name in PEOPLE:
        for told, question, choices in TOLD:
            texts.append(told.format(n=name, x=dice.choice(choices.split("|"))))
            asked.append((question.format(n=name), texts[-1]))
    named: list[Question] = []
    for number in dice.sample(range(1000, 10_000), IDENTIFIERS):
        identifier = f"{dice.choice(['QX', 'INV', 'BUG', 'RFC', 'job_'])}-{number}".replace("_-", "_")
        told, question = dice.choice(ABOUT_IDS)
        texts.append(told.format(i=identifier, n=dice.choice(PEOPLE)))
        named.append((question.format(i=identifier), texts[-1]))
    topics = TOPICS.strip().replace("\n", "|").split("|")
    while len(texts) < count:
        one, other = dice.sample(PEOPLE, 2)
        text = dice.choice(NOISE).format(n=one, m=other, t=dice.choice(topics))
        texts.append(f"{text} ({len(texts)})")
    dice.shuffle(texts)
    return texts, dice.sample(asked, PARAPHRASES), named


async def measure(count: int, postgres: str | None) -> list[dict[str, Any]]:
    """Measure on SQLite, beside LangGraph's store, and on PostgreSQL where a database is named."""
    texts, asked, named = make(count)
    with tempfile.TemporaryDirectory() as folder:
        theirs = their_rate(Path(folder, "theirs.db"), texts[:PEERS])
        rows = await ours(f"sqlite:///{folder}/nexus.db", "SQLite", texts, asked, named, must=True)
    rows.append(_row(f"LangGraph's SqliteStore: facts put one by one, {PEERS}, no index", theirs, "facts/s"))
    rows.append(_row("SQLite: facts put one by one, against SqliteStore", rows[0]["value"] / theirs, "times"))
    if postgres:
        rows += await ours(postgres, "PostgreSQL", texts, asked, named, must=False)
    return rows


async def ours(
    url: str, name: str, texts: list[str], asked: list[Question], named: list[Question], *, must: bool
) -> list[dict[str, Any]]:
    """Put and ask."""
    count = f"{len(texts):,}"
    async with open_memory(url, checkpoints=False, embedder=WORDS_ONLY) as memory:
        begun = time.perf_counter()
        for text in texts:
            await memory.facts.put(Fact(namespace=PLACE, text=text, author="benchmark", source="a template"))
        rate = len(texts) / (time.perf_counter() - begun)
        rows = [_row(f"{name}: facts put one by one, {count}", rate, "facts/s", at_least=2_000 if must else None)]
        words = await ask(memory, [*asked, *named])
        rows += [
            _row(f"{name}, words alone: p95 of a query among {count}", words.p95, "ms"),
            _row(f"{name}, words alone: paraphrase R@5 ({PARAPHRASES} questions)", words.recall(asked, 5), ""),
            _row(f"{name}, words alone: identifier R@5 ({IDENTIFIERS} questions)", words.recall(named, 5), ""),
        ]
    source = find_embedder()
    if not source.there:
        return [*rows, _row(f"{name}: by meaning: not measured, {source.says.split(';')[0]}", 0, "")]
    async with open_memory(url, checkpoints=False, embedder=source) as memory:
        begun = time.perf_counter()
        made = await memory.facts.embed_pending()
        rows.append(
            _row(f"{name}: vectors made, {made:,}, one thread", made / (time.perf_counter() - begun), "facts/s")
        )
        begun = time.perf_counter()
        await memory.facts.search("warm up", [PLACE])
        rows.append(_row(f"{name}: the first query, which reads {made:,} vectors", _ms(begun), "ms"))
        both = await ask(memory, [*asked, *named])
        return [
            *rows,
            _row(f"{name}, words and meaning: median of a query among {count}", both.median, "ms"),
            _row(
                f"{name}, words and meaning: p95 of a query among {count}", both.p95, "ms", at_most=20 if must else None
            ),
            _row(f"{name}, words and meaning: paraphrase R@1", both.recall(asked, 1), ""),
            _row(f"{name}, words and meaning: paraphrase R@5", both.recall(asked, 5), "", at_least=0.8),
            _row(f"{name}, words and meaning: identifier R@1", both.recall(named, 1), ""),
            _row(f"{name}, words and meaning: identifier R@5", both.recall(named, 5), "", at_least=0.98),
        ]


class Asked:
    """What came back, and how long it took."""

    def __init__(self) -> None:
        self.found: dict[str, list[str]] = {}
        self.took: list[float] = []

    @property
    def p95(self) -> float:
        """95 of 100 queries took no longer (ms)."""
        return statistics.quantiles(self.took, n=20)[-1]

    @property
    def median(self) -> float:
        """Half of the queries took no longer (ms)."""
        return statistics.median(self.took)

    def recall(self, questions: list[Question], first: int) -> float:
        """Return the share of questions whose fact is among the first ones."""
        return statistics.mean(answer in self.found[question][:first] for question, answer in questions)


async def ask(memory: SqlMemory, questions: list[Question]) -> Asked:
    """Ask every question once."""
    asked = Asked()
    for question, _ in questions:
        begun = time.perf_counter()
        found = await memory.facts.search(question, [PLACE])
        asked.took.append(_ms(begun))
        asked.found[question] = [one.fact.text for one in found]
    return asked


def their_rate(path: Path, texts: list[str]) -> float:
    """Return how many facts a second LangGraph's own store takes; it cannot search by words."""
    from langgraph.store.sqlite import SqliteStore

    with SqliteStore.from_conn_string(str(path)) as store:
        store.setup()
        begun = time.perf_counter()
        for number, text in enumerate(texts):
            store.put(PLACE, str(number), {"text": text, "author": "benchmark", "source": "a template"})
        return len(texts) / (time.perf_counter() - begun)


def _ms(begun: float) -> float:
    return 1000 * (time.perf_counter() - begun)


def _row(
    what: str, value: float, unit: str, *, at_most: float | None = None, at_least: float | None = None
) -> dict[str, Any]:
    must = f"<= {at_most:g}" if at_most is not None else f">= {at_least:g}" if at_least is not None else None
    met = (at_most is None or value <= at_most) and (at_least is None or value >= at_least)
    row = {
        "what": what,
        "value": round(value, 3 if value < 100 else 0),
        "unit": unit,
        "must_be": must,
        "met": None if must is None else met,
        "machine": f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}, "
        f"SQLite {sqlite3.sqlite_version}",
    }
    says = "" if must is None else f"must be {must}: {'met' if met else 'NOT MET'}"
    print(f"{row['what']:<80} {row['value']:>10} {unit:<8} {says}", flush=True)
    return row


if __name__ == "__main__":
    main()
