"""The frames of words that say what a clause asks for.

A frame is anchored at the first word of a clause, after politeness: a word in passing is no request.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from nexus_agents.models.builtin.understanding.apps import asks_for_app
from nexus_agents.models.builtin.understanding.frames_control import HELP, LIST_RUNS, LIST_VOICES, RESUME
from nexus_agents.models.builtin.understanding.frames_media import (
    A_PODCAST,
    CLONE,
    CLONE_BY_USE,
    PODCAST,
    PODCAST_WITH_DOC,
    READ,
    READ_WHAT,
    SAY,
    SAY_BY,
)
from nexus_agents.models.builtin.understanding.meaning import Intent
from nexus_agents.models.builtin.understanding.normal import Clause
from nexus_agents.models.builtin.understanding.questions import asks_to_debate, is_mathematics

__all__ = ["Frame", "recognise", "run_named"]


@dataclass(frozen=True)
class Frame:
    """A clause, and what it asks for.

    Attributes:
        intent: What.
        clause: The clause, without politeness.
        head: Where the words that said so end; what follows in a free text is not read as cues.
        payload: Where a text to say or a question to argue stands, as places in the clause's text.
        kind: `free` where the payload is the user's own words; `partial` where it means something only
            together with another clause ("using me.wav as the host, ...").
        voice: Who was told to say it ("have Anna say ...").
    """

    intent: Intent
    clause: Clause
    head: int
    payload: tuple[int, int] | None = None
    kind: Literal["plain", "free", "partial"] = "plain"
    voice: str | None = None


CONTROL: list[tuple[Intent, list[re.Pattern[str]]]] = [
    ("list_voices", LIST_VOICES),
    ("resume", RESUME),
    ("list_runs", LIST_RUNS),
    ("help", HELP),
]
CHANGED_SHOW = re.compile(
    r"\b(?:microphone|interview|live|shorter|longer|better|louder|quieter|faster|slower|funnier)[\s.!?]*$"
)
NEVER_SHOW = re.compile(r"\b(?:review|list|fun|summary|transcript|script|cover|logo|intro music|jingle)\b")


def recognise(clause: Clause, whole: str) -> list[Frame]:
    """Return the frames that a clause fits; more than one means that it is ambiguous.

    Args:
        clause: A clause without politeness (`clauses.bare`).
        whole: The normal form of the whole request: "clone it" needs a recording somewhere in it.
    """
    text = clause.text
    debate = asks_to_debate(clause)
    if debate is not None:
        return [Frame("debate", clause, debate[0], debate, "free")]
    if is_mathematics(clause.original()):
        return [Frame("debate", clause, 0, (len(clause.verb), len(text)), "free")]
    app = asks_for_app(clause)
    if app is not None:
        return [Frame("build_app", clause, app, None, "free")]
    frames = [*_voices(clause, whole), *_speech(clause), *_podcast(clause)]
    frames += [Frame(intent, clause, len(text)) for intent, table in CONTROL if _first(table, text)]
    return frames


def run_named(clause: Clause) -> str | None:
    """Return the id of the run that a request to resume names."""
    for frame in RESUME:
        found = frame.match(clause.text)
        if found and "run" in frame.groupindex and found["run"]:
            return clause.original(*found.span("run"))
    return None


def _voices(clause: Clause, whole: str) -> list[Frame]:
    found = _first(CLONE, clause.text)
    if found:
        vague = re.match(r"clone[\s,:]+(?:it|him|her|them|this|that)\b", clause.text)
        return [Frame("clone_voice", clause, found.end())] if not vague or "«audio" in whole else []
    found = _first(CLONE_BY_USE, clause.text)
    return [Frame("clone_voice", clause, found.end(), kind="partial")] if found else []


def _speech(clause: Clause) -> list[Frame]:
    text = clause.text
    found = _first(READ, text)
    if found:
        named = found.groupdict().get("voice")
        return [Frame("speak", clause, found.end(), voice=clause.original(*found.span("voice")) if named else None)]
    found = _first(SAY_BY, text)
    if found:
        voice = clause.original(*found.span("voice"))
        return [Frame("speak", clause, found.start("text"), found.span("text"), "free", voice)]
    found = _first(SAY, text)
    if found:
        return [Frame("speak", clause, found.start("text"), found.span("text"), "free")]
    found = _first(READ_WHAT, text)
    return [Frame("speak", clause, found.end())] if found else []


def _podcast(clause: Clause) -> list[Frame]:
    found = _first([*PODCAST, A_PODCAST], clause.text)
    if not found and "«doc" in clause.text:
        found = _first(PODCAST_WITH_DOC, clause.text)
    if not found or NEVER_SHOW.search(found[0]) or CHANGED_SHOW.search(clause.text):
        return []
    if found[0].startswith(("listen", "hear")) and "«doc" not in clause.text:
        return []
    return [Frame("make_podcast", clause, found.end())]


def _first(patterns: list[re.Pattern[str]], text: str) -> re.Match[str] | None:
    return next((found for frame in patterns if (found := frame.match(text))), None)
