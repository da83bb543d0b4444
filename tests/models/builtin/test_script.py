"""Scripts that are extracted from notes, word for word."""

from __future__ import annotations

import re
import time

import pytest

from nexus_agents.core.errors import InputError
from nexus_agents.core.work import PodcastScript
from nexus_agents.models.builtin.notes import read_notes
from nexus_agents.models.builtin.script import TEMPLATES, WORDS_PER_MINUTE, extract_script, extract_topic

NOTES = """---
author: someone
---
# Honey bees

Honey bees live in *colonies* of up to **sixty thousand**. Dr. Frisch studied them for
decades, e.g. in Munich. They find food [up to ten kilometres](https://example.com/x) away.

| kind | number |
|------|--------|
| queen | 1 |

## How the dance works

- A forager that has found food dances on the comb.
- The angle of the dance gives the direction.
- short one

```python
print("This sentence is code and is never read.")
```

See https://example.com/dance for the film of it.
The length of the waggle run gives the distance.

Why does it matter?
-------------------

Bees pollinate a third of what we eat. Without them, `apples` would be rare.
"""


def script(notes: str = NOTES, minutes: float | None = None, title: str | None = None) -> PodcastScript:
    return extract_script(notes, source="docs/notes.md", title=title, host="Ann", guest="Ben", minutes=minutes)


def long_notes(sections: int = 30, sentences: int = 30) -> str:
    words = ["bees", "dance", "honey", "comb", "flower", "nectar", "queen", "drone", "wax", "hive"]
    words += ["pollen", "season", "keeper", "winter", "swarm"]
    lines: list[str] = []
    for s in range(sections):
        lines += [f"## Part {s} of the {words[s % 15]}", ""]
        for n in range(sentences):
            first, second, third = words[n % 15], words[(n * 7 + s) % 15], words[(n + s) % 15]
            lines.append(f"In case {s} and {n} the {first} meets the {second} near the {third}.")
        lines.append("")
    return "\n".join(lines)


def assert_nothing_invented(made: PodcastScript, notes: str) -> None:
    known = {sentence.text for section in read_notes(notes) for sentence in section.sentences}
    headings = [section.heading for section in read_notes(notes) if section.heading]
    said = {"title": made.title, "source": "notes.md"}
    forms = {TEMPLATES[name].format(**said) for name in ("opening", "closing")}
    for heading in headings:
        names = ["question"] if heading.endswith("?") else ["first", "next", "then"]
        forms |= {TEMPLATES[name].format(heading=heading.rstrip(".:")) for name in names}
    for turn in made.turns:
        rest = turn.text
        for text in sorted(known | forms, key=len, reverse=True):
            rest = rest.replace(text, "")
        assert not rest.strip(), rest


def test_every_sentence_stands_in_the_notes_or_in_the_templates() -> None:
    assert_nothing_invented(script(), NOTES)
    assert_nothing_invented(script(minutes=0.5), NOTES)
    assert_nothing_invented(script(long_notes(), 5), long_notes())


def test_markdown_code_tables_and_addresses_are_not_read() -> None:
    spoken = " ".join(turn.text for turn in script().turns)
    assert "live in colonies of up to sixty thousand." in spoken
    assert "find food up to ten kilometres away." in spoken
    assert "Dr. Frisch studied them for decades, e.g. in Munich." in spoken
    assert "`" not in spoken
    assert "http" not in spoken
    assert "queen" not in spoken
    assert "code" not in spoken
    assert "someone" not in spoken


def test_the_order_is_that_of_the_notes_and_turns_name_their_lines() -> None:
    made = script()
    lines = [int(found[1]) for turn in made.turns[1:-1] if (found := re.search(r":(\d+)", turn.source))]
    assert lines == sorted(lines)
    assert all(re.fullmatch(r"docs/notes\.md:\d+(-\d+)?", turn.source) for turn in made.turns)
    dance = next(turn for turn in made.turns if turn.text.startswith("A forager"))
    assert NOTES.splitlines()[int(dance.source.split(":")[1].split("-")[0]) - 1].endswith("dances on the comb.")


def test_two_speakers_take_turns_and_the_host_asks_by_the_headings() -> None:
    made = script()
    assert made.speakers == ["Ann", "Ben"]
    assert all(one.speaker != other.speaker for one, other in zip(made.turns, made.turns[1:], strict=False))
    asked = [
        turn.speaker for turn in made.turns if re.search(r": How the dance works\.|Why does it matter\?", turn.text)
    ]
    assert asked == ["Ann", "Ann"]


def test_it_says_at_the_start_what_it_is() -> None:
    made = script()
    assert made.turns[0].speaker == "Ann"
    assert "read from notes.md by the built-in voices" in made.turns[0].text
    assert made.written_by.startswith("builtin:nexus")
    assert made.title == "Honey bees"
    assert script(title="The waggle").title == "The waggle"


@pytest.mark.parametrize("minutes", [0.5, 1, 2, 5, 12])
def test_the_length_fits_the_minutes(minutes: float) -> None:
    words = sum(len(turn.text.split()) for turn in script(long_notes(), minutes).turns)
    assert 0.8 * minutes * WORDS_PER_MINUTE <= words <= minutes * WORDS_PER_MINUTE


def test_a_length_that_nobody_named_ends_at_ten_minutes() -> None:
    started = time.perf_counter()
    words = sum(len(turn.text.split()) for turn in script(long_notes(60, 60)).turns)
    assert 0.8 * 10 * WORDS_PER_MINUTE <= words <= 10 * WORDS_PER_MINUTE
    assert time.perf_counter() - started < 5


def test_the_same_notes_give_the_same_script() -> None:
    assert script(long_notes(), 3) == script(long_notes(), 3)


@pytest.mark.parametrize(
    "notes", ["", "# Only a heading", "One sentence stands here.", "```\na = 1\nb = 2\n```", "| a | b |"]
)
def test_notes_without_sentences_are_refused(notes: str) -> None:
    with pytest.raises(InputError) as refused:
        script(notes)
    assert refused.value.message == "notes.md has no sentences to read."
    assert refused.value.hint


@pytest.mark.parametrize("minutes", [0.0, -3.0, 0.1, 1000.0, float("nan")])
def test_impossible_lengths_are_refused(minutes: float) -> None:
    with pytest.raises(InputError):
        script(minutes=minutes)


def test_the_topic_is_the_title_else_the_commonest_words() -> None:
    assert extract_topic(NOTES) == "Honey bees"
    assert extract_topic("---\ntitle: Waggle\n---\n# Other\n") == "Waggle"
    assert extract_topic("The bees dance. The bees eat honey. Some honey stays.") == "bees and honey"
    assert extract_topic("") == ""
