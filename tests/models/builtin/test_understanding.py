"""The rules that read requests, against three files of labelled sentences."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from nexus_agents.models.builtin.understanding import parse, parse_followup
from nexus_agents.models.builtin.understanding.spans import find_spans

REQUESTS = Path(__file__).parent / "requests"


def rows(name: str) -> list[dict[str, Any]]:
    lines = (REQUESTS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def score(name: str) -> tuple[int, int, list[str]]:
    """Return how many are right, how many there are, and where something else would have been done."""
    right, wrong = 0, []
    for row in rows(name):
        intents = parse(row["text"]).intents
        right += intents == row["intents"]
        if intents and intents != row["intents"]:
            wrong.append(f"{row['text']!r}: {intents}, not {row['intents']}")
    return right, len(rows(name)), wrong


def test_sentences_that_the_rules_were_made_on() -> None:
    right, count, wrong = score("known")
    assert wrong == []
    assert right == count >= 80


def test_sentences_that_the_rules_were_not_made_on() -> None:
    # Written before the rules: 129 of 132 right and none wrong at first sight (the rest refused), 128 once the
    # rules were made stricter on other sentences. The gate is that figure less three points.
    right, count, wrong = score("heldout")
    assert count == 132
    assert len(wrong) / count <= 0.02, wrong
    assert right / count >= 0.94


@pytest.mark.parametrize("row", rows("slots"), ids=lambda row: row["text"][:40])
def test_slots(row: dict[str, Any]) -> None:
    understood = parse(row["text"])
    assert {intent: dict(slots) for intent, slots in understood.slots.items()} == row["slots"]
    assert (understood.missing.slot if understood.missing else None) == row["missing"]
    assert (understood.question is None) == (row["missing"] is None)
    assert understood.ready == (row["missing"] is None)


def test_order_of_execution_follows_what_needs_what() -> None:
    understood = parse("make a podcast from notes.md with ref.wav as the host")
    assert understood.intents == ["clone_voice", "make_podcast"]


def test_a_refusal_names_two_abilities_and_a_reason() -> None:
    understood = parse("write a poem about autumn")
    assert understood.refused
    assert not understood.intents
    assert len(understood.closest) == 2
    assert understood.reason


@pytest.mark.parametrize(
    ("text", "word"),
    [("transcribe meeting.mp3", "recording"), ("animate photo.png", "video"), ("draw a picture of a cat", "images")],
)
def test_what_is_not_built_is_named(text: str, word: str) -> None:
    understood = parse(text)
    assert understood.refused
    assert word in understood.reason
    assert "not built yet" in understood.reason


@pytest.mark.parametrize(
    "text",
    [
        "don't make a podcast",
        "please do not clone ref.wav",
        "clone ref.wav and email it to Bob",
        "make a podcast from notes.md but do not clone my voice",
    ],
)
def test_a_request_is_refused_whole_when_a_part_is_not_understood(text: str) -> None:
    assert parse(text).refused


def test_words_inside_names_are_no_cues() -> None:
    for name in ("clone.md", "podcast.md", "my resume/list voices.md", "say hello.md"):
        assert parse(f'read "{name}" aloud').slots == {"speak": {"source": name}}


def test_a_file_alone_is_asked_about() -> None:
    understood = parse("notes.md")
    assert understood.ambiguous == ["speak", "make_podcast"]
    assert understood.question is not None
    assert parse_followup(understood, "the podcast").slots == {"make_podcast": {"sources": ["notes.md"]}}
    assert parse_followup(understood, "the first one").slots == {"speak": {"source": "notes.md"}}


@pytest.mark.parametrize(
    ("request_", "answer", "slots"),
    [
        ("make a podcast", "notes.md", {"make_podcast": {"sources": ["notes.md"]}}),
        (
            "make a podcast about bees",
            "use a.md and b.md, 5 minutes",
            {"make_podcast": {"sources": ["a.md", "b.md"], "topic": "bees", "minutes": 5.0}},
        ),
        (
            "clone my voice and make a podcast about notes.md",
            "me.wav, call it Ada",
            {
                "clone_voice": {"reference_audio": "me.wav", "speaker_name": "Ada"},
                "make_podcast": {"sources": ["notes.md"], "host_voice": "Ada"},
            },
        ),
        ("say something", "hello, resume the run", {"speak": {"text": "hello, resume the run"}}),
        (
            "say hello in my cloned voice",
            "me.wav",
            {
                "clone_voice": {"reference_audio": "me.wav", "speaker_name": "me"},
                "speak": {"text": "hello", "voice": "me"},
            },
        ),
        ("say hello in my cloned voice", "Anna", {"speak": {"text": "hello", "voice": "Anna"}}),
        ("build an app", "books with title", {"build_app": {"request": "create an app for books with title"}}),
        ("debate", "is 91 prime?", {"debate": {"question": "is 91 prime?"}}),
    ],
)
def test_an_answer_fills_what_was_asked_for(request_: str, answer: str, slots: dict[str, Any]) -> None:
    understood = parse_followup(parse(request_), answer)
    assert dict(understood.slots) == slots
    assert understood.ready


def test_an_answer_that_does_not_answer_is_asked_again_and_another_request_is_taken() -> None:
    asked = parse("make a podcast")
    again = parse_followup(asked, "about bees")
    assert again.missing == asked.missing
    assert parse_followup(again, "notes.md").ready
    assert parse_followup(asked, "list voices").intents == ["list_voices"]
    assert parse_followup(asked, "never mind").refused
    assert parse_followup(parse("list voices"), "say hello").intents == ["speak"]


def test_spans_have_types_and_places() -> None:
    text = 'mix ./a/b.wav, "my notes.md" and https://a.org/x. for 1.5 minutes, not notes.md.bak'
    spans = find_spans(text)
    assert [(span.kind, span.value) for span in spans] == [
        ("audio", "./a/b.wav"),
        ("doc", "my notes.md"),
        ("url", "https://a.org/x"),
        ("duration", "1.5"),
    ]
    assert text[spans[1].start : spans[1].end] == '"my notes.md"'


@pytest.mark.parametrize(
    "text",
    ["", "   ", "?", "\0", "«audio0»", "clone «audio7»", "say «doc0»", "İ clone ref.wav", "😀" * 50, "\n\n", "'", '"'],
)
def test_odd_input_is_read_without_a_fault(text: str) -> None:
    parse(text)


@pytest.mark.parametrize(
    "piece",
    ["a ", "(", "1+", "'a ", "\\ ", "a-", "...", "/", "and say ", "notes ", "in the voice ", "please ", '"', "make a "],
)
def test_no_request_takes_long_to_read(piece: str) -> None:
    started = time.process_time()
    for verb in ("", "say ", "turn ", "make a podcast about "):
        parse((verb + piece * 4000)[:4000])
    assert time.process_time() - started < 5


def test_the_same_request_always_means_the_same() -> None:
    text = "clone ref.wav and make a podcast about bees from notes.md"
    assert parse(text) == parse(text)
