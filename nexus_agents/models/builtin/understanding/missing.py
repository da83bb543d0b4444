"""What must be known before anything starts, the question that asks for it, and the reading of its answer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from nexus_agents.models.builtin.understanding.frames import Frame
from nexus_agents.models.builtin.understanding.meaning import Intent, Missing, Slots
from nexus_agents.models.builtin.understanding.normal import Reading
from nexus_agents.models.builtin.understanding.slots import fill, voice_of

__all__ = ["first_missing", "take_answer"]

QUESTIONS: Mapping[str, str] = {
    "reference_audio": "Which recording shall I clone? Name a WAV, MP3 or FLAC file of 3 to 30 seconds.",
    "text": 'What shall I say? Give the words, or name a text or Markdown file, for instance "notes.md".',
    "voice": 'Which voice shall speak? Name one ("list voices" shows them), or a recording of 3 to 30 seconds '
    "to clone.",
    "host_voice": 'Which voice shall host? Name one ("list voices" shows them), or a recording of 3 to 30 seconds to '
    ""
    ""
    "clone.",
    "sources": "Which document shall the podcast be made from? Name a Markdown or text file, for instance notes.md.",
    "request": "What shall the application keep, with which fields? For instance: books with title, author and price.",
    "question": 'What shall be debated? For instance: "is 91 prime?"',
}


def first_missing(request: str, intents: Sequence[Intent], slots: Mapping[Intent, Slots]) -> Missing | None:
    """Return the first thing that must be asked for, in the order of execution, or None.

    Args:
        request: The request, for questions that repeat its words.
        intents: What is to be done.
        slots: What is known.
    """
    for intent in intents:
        slot = _lacking(intent, slots[intent])
        if slot is None:
            continue
        question = QUESTIONS[slot]
        topic = slots[intent].get("topic")
        if slot == "sources" and topic:
            question = (
                f"Which document tells about {topic}? The built-in model makes podcasts only out of your own "
                "documents; name a Markdown or text file, for instance notes.md."
            )
        return Missing(intent, slot, question)
    return None


def take_answer(missing: Missing, known: Slots, reading: Reading) -> Slots | None:
    """Return the slots with what an answer adds, or None where it does not answer.

    Args:
        missing: What was asked for.
        known: What was known before.
        reading: The answer.
    """
    whole = reading.whole
    slots = known.copy()
    documents = [span.value for span in whole.spans("doc")]
    clips = [span.value for span in whole.spans("audio")]
    words = reading.raw.strip().strip("\"'")
    match missing.slot:
        case "reference_audio" if clips:
            slots["reference_audio"] = clips[0]
            name = fill(Frame("clone_voice", whole, 0), []).get("speaker_name")
            if name:
                slots["speaker_name"] = name
        case "sources" if documents:
            said = fill(Frame("make_podcast", whole, 0), [])
            said.update(known)
            slots = said
            slots["sources"] = documents
        case "text" if documents:
            slots["source"] = documents[0]
        case "text" if words and not clips:
            slots["text"] = words
        case "voice" | "host_voice" if clips:
            slots["reference_audio"] = clips[0]
            slots.pop("voice", None)
            slots.pop("host_voice", None)
        case "voice" | "host_voice" if name := voice_of(whole) or _lone_name(words):
            if missing.slot == "voice":
                slots["voice"] = name
            else:
                slots["host_voice"] = name
        case "request":
            slots["request"] = f"create an app for {words}" if not re.match(r"an? app|the ", words) else words
        case "question":
            slots["question"] = words
        case _:
            return None
    return slots


def _lacking(intent: Intent, slots: Slots) -> str | None:
    match intent:
        case "clone_voice" if "reference_audio" not in slots:
            return "reference_audio"
        case "speak" if not ("text" in slots or "source" in slots):
            return "text"
        case "speak" if slots.get("voice") == "":
            return "voice"
        case "make_podcast" if "sources" not in slots:
            return "sources"
        case "make_podcast" if slots.get("host_voice") == "":
            return "host_voice"
        case "build_app" if "request" not in slots:
            return "request"
        case "debate" if "question" not in slots:
            return "question"
        case _:
            return None


def _lone_name(words: str) -> str | None:
    found = re.fullmatch(r"(?:use |with |the voice |voice )?([\w'-]+(?: [\w'-]+)?)[.!]?", words)
    return found[1] if found else None
