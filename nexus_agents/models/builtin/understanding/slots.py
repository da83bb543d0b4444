"""What an intent is given: voices, files, lengths, titles, topics, and the words to say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath
from typing import Literal

from nexus_agents.models.builtin.understanding.frames import Frame, run_named
from nexus_agents.models.builtin.understanding.lexicon import pattern, words
from nexus_agents.models.builtin.understanding.meaning import Slots
from nexus_agents.models.builtin.understanding.normal import MASK, Clause

__all__ = ["default_name", "fill", "role_of_audio", "voice_of"]

PRESET = r"(?:nat|var)[fm]\d"
NAME = (
    r"(?:«quote\d+»|[\w'-]+(?:[ ](?!(?:and|from|in|on|with|using|to|for|as|please|then|by|about|of|at|"
    r"voice)\b)[\w'-]+){0,2})"
)
NO_NAME = words("""
    a an and clone her him his host it it's me my new one our please speaker that the their then this
    voice your
""")

SPEAKER_NAMES = [
    pattern(
        rf"\b(?:and |to )?(?:call(?:ed)?|names?|named|label(?:led)?|under the name|"
        rf"title(?:d)?)(?: (?:it|him|her|me|this|that|them|the voice|voice))*(?: of|"
        rf" is)? (?P<name>{NAME})"
    ),
    pattern(
        rf"\b(?:as|save (?:it )?as|register (?:it )?as)(?: (?:the )?(?:voice|"
        rf"speaker))? (?P<name>(?!(?:an?|the|my|soon|well|much|it|good|new|host|long|"
        rf"possible)\b){NAME})"
    ),
    pattern(rf"<audio> (?:in)?to (?:the |a )?voice (?P<name>{NAME})[\s.!?]*$"),
    pattern(
        r"^clone (?P<name>(?!(?:the|a|an|my|it|this|that|me|him|her|his|our|their|your|voice|voices|"
        r"speaker|another|new|audio)\b)[\w'-]+?)(?:'s)?(?: <voice>)? (?:from|using|with|in|out of|off|"
        r"<audio>)"
    ),
    pattern(r"^\w+ (?P<name>(?!(?:let's|what's|it's)\b)[\w-]+)'s <voice>"),
    pattern(
        r"\b<voice> of (?P<name>(?!(?:the|a|an|my|this|that|his|her|our|their|"
        r"your)\b)[\w'-]+(?:[ ](?!(?:from|in|using|with|and|as|on|at)\b)[\w'-]+)?)"
    ),
]
VOICES = [
    pattern(rf"\b(?P<name>{PRESET})\b"),
    pattern(
        r"\b(?:in|with|using|by|use) (?P<name>(?!(?:the|a|an|my|it|this|that|his|her|our|their|your|"
        r"another)\b)[\w-]+)'s voice\b"
    ),
    pattern(
        r"\b(?:in|with|using|use) (?:the )?(?:voice|speaker)(?: (?:of|named|"
        r"called))? (?P<name>(?!(?:of|in|from|on|that|which|and|to|for|as|at|is)\b)[\w'-]+|<quote>)"
    ),
    pattern(
        r"\b(?:in|with|using|use) (?:the )(?P<name>(?!(?:same|cloned|new|default|other|"
        r"following)\b)[\w-]+) voice\b"
    ),
    pattern(
        r"\b(?:hosted|spoken|read|narrated|voiced|presented|said) by (?P<name>(?!(?:the|a|an|my|it|me|"
        r"him|her|you|two)\b)[\w'-]+|<quote>)"
    ),
    pattern(
        r"\b(?:with|use|using|make|have) (?P<name>(?!(?:the|a|an|my|it|me|him|her|that|this)\b)[\w'-]+|"
        r"<quote>) (?:as|be|for) (?:the |a |our )?(?:host|narrator|voice|speaker|presenter)\b"
    ),
    pattern(
        r"\b(?:host|voice|narrator|speaker)(?: (?:is|should be|be|=))?\s*[: ]\s*(?P<name>(?!(?:of|in|"
        r"from|on|that|which|and|to|for|as|at|is|please|the|a|an|with|about|like|it)\b)[\w'-]+|"
        r"<quote>)"
    ),
]
OWN_VOICE = pattern(
    r"\b(?:in|with|using|use|by|as) (?:(?:my|his|her|their|our)(?: own| cloned| new)?|the cloned|"
    r"a cloned|this|that) (?:voice|clone|speaker)\b"
)
TITLES = [
    pattern(
        r"\b(?:called|titled|entitled|named|(?:with|give it) the (?:title|name)|title(?: it| is)?:?|"
        r"call it|name it) (?P<title><quote>)"
    ),
    pattern(
        r"\b(?:called|titled|entitled|named|(?:with|give it) the (?:title|name)|call it|name it|"
        r"title:) (?P<title>(?:(?!(?:from|using|based on|about|with|out of|for|hosted|and|"
        r"in)\b)[\w'-]+[ ]?){1,8})"
    ),
]
TOPIC = pattern(
    r"\b(?:about|(?<!based[ ])on|regarding|covering|that (?:covers?|explains?|discusses)|explaining|"
    r"discussing) (?P<topic>[^«,.;!?]+?)"
    r"(?= (?:from|using|based on|out of|in the voice|in my|in the|with|hosted|called|titled|entitled|"
    r"named|for|by|and|which|as|that sounds)\b|\s*[,.;!?(]|\s*«|\s*$)"
)
NO_TOPIC = re.compile(
    r"^(?:(?:it|this|that|them|these|my|our|the|a|an|your|his|her|attached|following|from|in|own|paper|"
    r"notes?|documents?|files?|draft|report|article|"
    r"text|story|essay|book|chapter|thesis|content|contents|of|what is|disk|computer)\s*)+$"
)
OUTPUT_BEFORE = re.compile(
    r"(?:\b(?:to|into|as|output|save|saved|written|write|file|mp3|wav|called|named|and put it in|"
    r"store it in|in a file)[\s,:(]+(?:(?:it|that|this|the|a|an|file|audio|named|called|in|to|"
    r"as)[\s,:(]+)*)$"
)
WRITTEN_TO = re.compile(
    r"(?<!similar)(?<!close)(?<!according)[\s,](?:to|into|saved? (?:it )?(?:as|to|in|into))"
    r"[\s,:(]+(?:(?:the|a|file|called|named) )*$"
)
REFERENCE_BEFORE = re.compile(
    r"(?:\b(?:voices?|speakers?|narrator|host|recording|clip|sample|sounds?|sounding)\b[^«]{0,24}|"
    r"\b(?:like|by|using|use|with|clon\w+|imitat\w+|mimic\w*)[\s,:(]+(?:(?:the|my|that|this|his|her|a|"
    r"clip|recording|file|in|from)[\s,:(]+)*)$"
)
REFERENCE_AFTER = re.compile(
    r"^(?:'s voice|\)?[\s,]*as (?:the |a |my |our )?(?:host|voice|narrator|speaker|guest)|\)?[\s]*voice\b)"
)


def fill(frame: Frame, context: Sequence[Clause]) -> Slots:
    """Return the slots that a clause, and the statements before it, hold for its intent.

    Args:
        frame: The clause and its intent.
        context: Clauses that ask for nothing themselves, as "here is my recording, me.wav".
    """
    clause = frame.clause
    match frame.intent:
        case "clone_voice":
            return _clone(clause, context)
        case "speak":
            return _speak(frame, context)
        case "make_podcast":
            return _podcast(clause, context)
        case "build_app":
            return {"request": clause.original()}
        case "debate" if frame.payload and frame.payload[1] > frame.payload[0]:
            asked = clause.original(*frame.payload).strip(" .,:;")
            after = clause.reading.raw[clause.reading.ends[clause.end - 1] :].lstrip()
            return {"question": f"{asked}?" if after.startswith("?") else asked}
        case "resume" if run := run_named(clause):
            return {"run": run}
        case _:
            return {}


def role_of_audio(clause: Clause, mask: re.Match[str]) -> Literal["reference", "output"] | None:
    """Return what an audio file is in a clause that speaks: the voice to imitate, or the file to write."""
    before, after = clause.text[: mask.start()], clause.text[mask.end() :]
    if WRITTEN_TO.search(before) and not REFERENCE_AFTER.match(after):
        return "output"
    if REFERENCE_AFTER.match(after) or REFERENCE_BEFORE.search(before):
        return "reference"
    return "output" if OUTPUT_BEFORE.search(before) else None


def voice_of(clause: Clause, start: int = 0) -> str | None:
    """Return the voice that a clause names; an empty string for "my voice", which names none."""
    text = clause.text
    for frame in VOICES:
        for found in frame.finditer(text, start):
            name = _unmasked(clause, found.span("name"))
            if name.lower() not in NO_NAME and "«" not in name:
                return name.upper() if re.fullmatch(PRESET, name, re.IGNORECASE) else name
    return "" if OWN_VOICE.search(text, start) else None


def default_name(path: str) -> str:
    """Return the name of a voice whose maker gave none: that of the file it is cloned from."""
    stem = PurePath(path.replace("\\", "/")).stem
    return re.sub(r"\W+", "-", stem).strip("-") or "voice"


def _clone(clause: Clause, context: Sequence[Clause]) -> Slots:
    slots: Slots = {}
    clips = clause.spans("audio") or [span for other in context for span in other.spans("audio")]
    if clips:
        slots["reference_audio"] = clips[0].value
    for frame in SPEAKER_NAMES:
        found = frame.search(clause.text)
        if (
            found
            and (name := _unmasked(clause, found.span("name")).removesuffix("'s")).lower() not in NO_NAME
            and "«" not in name
        ):
            slots["speaker_name"] = name
            break
    return slots


def _speak(frame: Frame, context: Sequence[Clause]) -> Slots:
    clause, slots = frame.clause, Slots()
    places = [mask for mask in MASK.finditer(clause.text) if mask[1] == "audio"]
    tail = frame.head
    if frame.payload:
        start, end = frame.payload
        quote = re.match(r"«quote\d+»", clause.text[start:end])
        stop = start + quote.end() if quote else _end_of_text(clause, start, end)
        text = _unmasked(clause, (start, stop)).strip(" ,;:") if quote else clause.original(start, stop).strip(" ,;:")
        if text:
            slots["text"] = text
        tail = stop
    else:
        documents = clause.spans("doc") or [span for other in context for span in other.spans("doc")]
        if documents:
            slots["source"] = documents[0].value
        tail = 0
    for mask in places:
        role = role_of_audio(clause, mask)
        if mask.start() >= tail and role == "output":
            slots["output"] = clause.reading.spans[int(mask[2])].value
    named = frame.voice if frame.voice else voice_of(clause, tail)
    if not named:
        named = next((v for other in context if (v := voice_of(other))), named)
    if named is not None:
        slots["voice"] = _cased(named)
    return slots


VOICE_TAIL = pattern(
    rf" (?:(?:in|with|using) (?:{PRESET}|(?:<det> )?(?:[\w'-]+[ ]){{0,3}}?(?:voice|speaker)\b.{{0,40}}|"
    rf"it|that|<audio>)|"
    r"like <audio>|(?:and )?(?:save|write|put|store|export) (?:it |that |this )?(?:to|as|in|"
    r"into) .*<audio>|(?:to|into|as) (?:a file |the file )?(?:called |named )?<audio>|"
    rf"as {PRESET})[\s.!?]*$"
)


def _end_of_text(clause: Clause, start: int, end: int) -> int:
    """Where unquoted words to say end: before "in the voice of ..." and "to hello.wav"."""
    while found := VOICE_TAIL.search(clause.text, start, end):
        end = found.start()
    return end


def _podcast(clause: Clause, context: Sequence[Clause]) -> Slots:
    slots: Slots = {}
    documents = [*clause.spans("doc"), *(span for other in context for span in other.spans("doc"))]
    slots["sources"] = list(dict.fromkeys(span.value for span in documents))
    if not slots["sources"]:
        del slots["sources"]
    for frame in TITLES:
        if found := frame.search(clause.text):
            slots["title"] = _unmasked(clause, found.span("title")).strip(" .,")
            break
    for found in TOPIC.finditer(clause.text):
        if not NO_TOPIC.match(found["topic"]):
            slots["topic"] = clause.original(*found.span("topic"))
            break
    if lengths := clause.spans("duration"):
        slots["minutes"] = float(lengths[0].value)
    for mask in MASK.finditer(clause.text):
        if mask[1] == "audio" and role_of_audio(clause, mask) == "output":
            slots["output"] = clause.reading.spans[int(mask[2])].value
    named = next((v for part in (clause, *context) if (v := voice_of(part)) is not None), None)
    if named is not None:
        slots["host_voice"] = _cased(named)
    return slots


def _unmasked(clause: Clause, place: tuple[int, int]) -> str:
    mask = MASK.fullmatch(clause.text[slice(*place)].strip())
    if mask and mask[1] == "quote":
        return clause.reading.spans[int(mask[2])].value
    return clause.text[slice(*place)].strip() if mask else clause.original(*place)


def _cased(name: str) -> str:
    return name.upper() if re.fullmatch(PRESET, name, re.IGNORECASE) else name.strip("\"'")
