"""What a request was understood to mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypedDict

__all__ = ["ABILITIES", "EMPTY", "Intent", "Missing", "Slots", "Understanding"]

Intent = Literal[
    "clone_voice",
    "speak",
    "make_podcast",
    "list_voices",
    "build_app",
    "debate",
    "resume",
    "list_runs",
    "help",
]

ABILITIES: Mapping[Intent, str] = {
    "clone_voice": 'fit a voice to a recording: "clone the voice in me.wav"',
    "speak": 'speak a text or a document: "say hello", "read notes.md aloud"',
    "make_podcast": 'make a podcast out of documents: "make a podcast from notes.md"',
    "list_voices": 'show the voices that there are: "list voices"',
    "build_app": 'build a data application: "create an API for books with title and price"',
    "debate": 'let two solvers argue a question: "debate: is 91 prime?"',
    "resume": 'go on with a run that was cut: "resume the last run"',
    "list_runs": 'show the runs so far: "list runs"',
    "help": 'say what can be done: "help"',
}
"""One line and an example for each thing that can be asked."""


class Slots(TypedDict, total=False):
    """What an intent is given; each intent uses the few that are its own.

    clone_voice: reference_audio, speaker_name. speak: text or source, voice, output. make_podcast: sources,
    topic, host_voice, minutes, title, output. build_app: request. debate: question. resume: run.
    """

    reference_audio: str
    speaker_name: str
    text: str
    source: str
    voice: str
    output: str
    sources: list[str]
    topic: str
    host_voice: str
    minutes: float
    title: str
    request: str
    question: str
    run: str


@dataclass(frozen=True)
class Missing:
    """The one thing that must be asked for next.

    Attributes:
        intent: What cannot start without it.
        slot: The name of the slot in `Slots`.
        question: What the user is asked.
    """

    intent: Intent
    slot: str
    question: str


EMPTY: Mapping[Intent, Slots] = {}


@dataclass(frozen=True)
class Understanding:
    """A request as it was understood.

    Attributes:
        request: The sentence as it stood, with earlier turns where it answered a question.
        intents: What is to be done, in order of execution; empty where nothing may be done.
        slots: What each intent is given.
        missing: What must be asked before anything starts.
        ambiguous: The intents it may mean, where it is not clear which one.
        refused: True where nothing was understood that can be done.
        reason: Why it was refused, one sentence.
        closest: The two nearest abilities, for the answer to a refusal.
    """

    request: str
    intents: list[Intent] = field(default_factory=list["Intent"])
    slots: Mapping[Intent, Slots] = field(default_factory=lambda: EMPTY)
    missing: Missing | None = None
    ambiguous: list[Intent] = field(default_factory=list["Intent"])
    refused: bool = False
    reason: str = ""
    closest: list[str] = field(default_factory=list[str])

    @property
    def ready(self) -> bool:
        """Whether it can be carried out as it stands."""
        return bool(self.intents) and self.missing is None

    @property
    def question(self) -> str | None:
        """What to ask the user, where an answer is needed."""
        if self.missing is not None:
            return self.missing.question
        if self.ambiguous:
            listed = "; ".join(f"{n}) {ABILITIES[intent]}" for n, intent in enumerate(self.ambiguous, 1))
            return f"Which of these do you mean? {listed}"
        return None
