"""A podcast script made of the sentences of some notes: chosen and shared out between two voices, none invented."""

from __future__ import annotations

import heapq
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import PurePath

from nexus_agents.core.errors import InputError
from nexus_agents.core.work import PodcastScript, ScriptTurn
from nexus_agents.models.builtin.notes import Section, Sentence, content_words, read_notes

__all__ = ["TEMPLATES", "WORDS_PER_MINUTE", "extract_script", "extract_topic"]

WORDS_PER_MINUTE = 150
"""The usual rate of read speech, between the 140 and 160 that broadcasters plan with."""

TEMPLATES = {
    "opening": "Welcome to {title}. This episode is read from {source} by the built-in voices: "
    "no language model wrote it.",
    "first": "We begin with: {heading}.",
    "next": "Next: {heading}.",
    "then": "And now: {heading}.",
    "question": "{heading}",
    "closing": "That was {title}, read from {source}.",
}
"""All that is said besides the notes themselves; a heading that is a question is asked as it stands."""

LONGEST_UNASKED = 10.0
"""Minutes of an episode whose length nobody named; longer notes are shortened to it."""
SHORTEST, LONGEST = 0.5, 180.0
LEAST_SENTENCES = 3
TURN_WORDS = 60
FIRST_BONUS = 1.5
"""How much more the first sentence of a section weighs; chosen, not measured."""


def extract_script(
    notes: str, *, source: str, title: str | None, host: str, guest: str, minutes: float | None
) -> PodcastScript:
    """Return a script whose every sentence stands in the notes or in `TEMPLATES`.

    The sentences are ranked by SumBasic (Nenkova and Vanderwende 2005: the mean probability of a sentence's
    words, squared once used, so that the same is not said twice), with a bonus for the first sentence of a
    section (Edmundson 1969), and are read in the order of the notes. The same notes give the same script.

    Args:
        notes: Markdown or plain text.
        source: The file it came from; each turn names it with the lines.
        title: What the episode is called; the topic of the notes where None.
        host: Who opens and asks.
        guest: Who answers.
        minutes: Length at `WORDS_PER_MINUTE`; None for all, 10 minutes at most.

    Raises:
        InputError: Fewer than three sentences, or a length outside 0.5 to 180 minutes.
    """
    if minutes is not None and not SHORTEST <= minutes <= LONGEST:
        raise InputError(
            f"An episode of {minutes:g} minutes cannot be made.",
            f"Ask for {SHORTEST:g} to {LONGEST:g} minutes.",
        )
    name = PurePath(source.replace("\\", "/")).name
    sections = read_notes(notes)
    if sum(len(section.sentences) for section in sections) < LEAST_SENTENCES:
        raise InputError(
            f"{name} has no sentences to read.",
            f"Give notes of at least {LEAST_SENTENCES} whole sentences; code, tables and addresses are not read.",
        )
    said = {"title": (title or extract_topic(notes) or PurePath(name).stem).strip().rstrip("."), "source": name}
    budget = int(WORDS_PER_MINUTE * (minutes or LONGEST_UNASKED))
    chosen = _choose(sections, budget - _words(_say("opening", said)) - _words(_say("closing", said)))
    turns = _turns(chosen, said, source, (host, guest))
    return PodcastScript(
        title=said["title"],
        speakers=[host, guest],
        turns=turns,
        written_by=f"builtin:nexus, extracted from {name} word for word",
    )


def extract_topic(notes: str) -> str:
    """Return what some notes are about: their title, else their first heading, else their two commonest words."""
    front = re.match(r"---\s*\n(?:.*\n)*?title:\s*[\"']?(?P<title>[^\"'\n]+)", notes)
    if front and "\n---" not in notes[3 : front.start("title")]:
        return front["title"].strip()
    sections = read_notes(notes)
    heading = next((section.heading for section in sections if section.heading), "")
    if heading:
        return heading
    counted = Counter(word for sentence in _all(sections) for word in content_words(sentence.text))
    common = sorted(counted, key=lambda word: (-counted[word], word))[:2]
    return " and ".join(common)


def _choose(sections: Sequence[Section], budget: int) -> list[Section]:
    """Return the sections with only the sentences that fit into a number of words."""
    headed = _transition_words(sections)
    if sum(_words(sentence.text) for sentence in _all(sections)) + sum(headed.values()) <= budget:
        return [section for section in sections if section.sentences]
    bags = {sentence: content_words(sentence.text) for sentence in _all(sections)}
    home = {sentence: section.line for section in sections for sentence in section.sentences}
    opens = {section.sentences[0] for section in sections if section.sentences}
    counted = Counter(word for bag in bags.values() for word in bag)
    total = sum(counted.values()) or 1
    weight = {word: count / total for word, count in counted.items()}
    picked: set[Sentence] = set()
    opened: set[int] = set()
    left = budget

    def rank(sentence: Sentence) -> tuple[float, int, str]:
        bonus = FIRST_BONUS if sentence in opens else 1.0
        return -bonus * _score(bags[sentence], weight), sentence.line, sentence.text

    # Scores only ever fall, so the best of the heap stays the best if it still beats the next after a new look.
    heap = [(*rank(sentence), sentence) for sentence in bags]
    heapq.heapify(heap)
    while heap:
        best = heapq.heappop(heap)[-1]
        now = rank(best)
        if heap and now > heap[0][:3]:
            heapq.heappush(heap, (*now, best))
            continue
        cost = _words(best.text) + (0 if home[best] in opened else headed[home[best]])
        if cost > left:
            continue
        left -= cost
        picked.add(best)
        opened.add(home[best])
        for word in set(bags[best]):
            weight[word] **= 2
    if not picked:
        picked = {min(bags, key=lambda s: (_words(s.text), s.line))}
    kept = [Section(s.heading, s.line, [line for line in s.sentences if line in picked]) for s in sections]
    return [section for section in kept if section.sentences]


def _score(bag: Sequence[str], weight: dict[str, float]) -> float:
    return sum(weight[word] for word in bag) / len(bag) if bag else 0.0


def _turns(
    sections: Sequence[Section], said: dict[str, str], source: str, speakers: tuple[str, str]
) -> list[ScriptTurn]:
    host, guest = speakers
    turns = [ScriptTurn(speaker=host, text=_say("opening", said), source=f"{source}:1")]

    def add(text: str, place: str) -> None:
        other = guest if len(turns) % 2 else host
        turns.append(ScriptTurn(speaker=other, text=text, source=place))

    for number, section in enumerate(sections):
        if section.heading and section.heading.rstrip(".") != said["title"]:
            asked = _transition(section.heading, number)
            if len(turns) % 2:
                # The host has just spoken and goes on to ask.
                turns[-1].text += f" {asked}"
            else:
                add(asked, f"{source}:{section.line}")
        for chunk in _chunks(section.sentences):
            first, last = chunk[0].line, chunk[-1].line
            lines = f"{first}" if first == last else f"{first}-{last}"
            add(" ".join(sentence.text for sentence in chunk), f"{source}:{lines}")
    add(_say("closing", said), f"{source}:1")
    return turns


def _chunks(sentences: Sequence[Sentence]) -> list[list[Sentence]]:
    chunks: list[list[Sentence]] = []
    size = 0
    for sentence in sentences:
        words = _words(sentence.text)
        if not chunks or size + words > TURN_WORDS:
            chunks.append([])
            size = 0
        chunks[-1].append(sentence)
        size += words
    return chunks


def _transition(heading: str, number: int) -> str:
    if heading.endswith("?"):
        return TEMPLATES["question"].format(heading=heading)
    template = "first" if number == 0 else ("next", "then")[number % 2]
    return TEMPLATES[template].format(heading=heading.rstrip(".:"))


def _transition_words(sections: Iterable[Section]) -> dict[int, int]:
    return {s.line: _words(_transition(s.heading, 0)) if s.heading else 0 for s in sections}


def _say(template: str, said: dict[str, str]) -> str:
    return TEMPLATES[template].format(**said)


def _all(sections: Iterable[Section]) -> list[Sentence]:
    return [sentence for section in sections for sentence in section.sentences]


def _words(text: str) -> int:
    return len(text.split())
