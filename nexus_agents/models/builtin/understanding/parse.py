"""From a request to what it means: which things are to be done, with what, and what must be asked first."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from nexus_agents.models.builtin.understanding.apps import names_no_thing
from nexus_agents.models.builtin.understanding.clauses import bare, foreign, split
from nexus_agents.models.builtin.understanding.closest import closest
from nexus_agents.models.builtin.understanding.frames import Frame, recognise
from nexus_agents.models.builtin.understanding.lexicon import LATER, NEGATION, SARCASM, UNBUILT, pattern
from nexus_agents.models.builtin.understanding.meaning import Intent, Slots, Understanding
from nexus_agents.models.builtin.understanding.missing import first_missing, take_answer
from nexus_agents.models.builtin.understanding.normal import MASK, Clause, Reading, read
from nexus_agents.models.builtin.understanding.questions import is_mathematics
from nexus_agents.models.builtin.understanding.slots import default_name, fill, role_of_audio

__all__ = ["parse", "parse_followup"]

LONGEST = 4_000
"""Characters; a longer request is a document pasted in, which these rules are not for."""

UNKNOWN = "That is not among the things that can be done without a language model."
NEGATED = "That says what is not wanted; say what to do instead."
STATEMENT = pattern(
    r"^(?:i|we|my|our|the|this|that|these|those|it|he|she|they|here|there|you know|some|every|each|one|"
    r"a|an|attached|people|everyone)\b"
)
DEMANDS = re.compile(r"\b(?:should|must|needs?|want|has to|have to|make sure|require)\b")
MODIFIER = pattern(
    r"^(?:(?:use|using|with|call|name|title|keep|save|host|voice|the (?:voice|host|title|length)|have|"
    r"make it|let|it (?:should|must|may|can) (?:be|last|have|sound)|"
    r"the (?:host|voice|title) (?:is|should be)|about|around|at most|maximum|length|title|source|"
    r"sources|from|in)\b|«(?:doc|duration|quote)\d+»)"
)
LANGUAGE = pattern(
    r"\b(?:in|into|to) (?:french|german|spanish|italian|portuguese|chinese|japanese|dutch|norwegian|"
    r"swedish|danish|polish|russian|"
    r"arabic|hindi|korean|latin|greek|turkish|finnish|another language)\b"
)
BARE_FILE = pattern(
    r"^(?:read|use|take|process|handle|work with|do something with|here is|open|look at|"
    r"this is)?\s*(?:<det> )?(?:file |document )?<doc>[\s.!?]*$"
)
STOP = pattern(
    r"^(?:never mind|nevermind|cancel|stop|forget it|no|nothing|none|abort|quit|leave it|no thanks|"
    r"no thank you|do not)\b.{0,20}$"
)
CHOICE: dict[Intent, re.Pattern[str]] = {
    "speak": re.compile(r"\b(?:speak|say|read|aloud|speech|narrat\w+)\b"),
    "make_podcast": re.compile(r"\b(?:podcast|episode|show)\b"),
    "clone_voice": re.compile(r"\b(?:clone|voice)\b"),
    "build_app": re.compile(r"\b(?:app|api|application|build)\b"),
    "debate": re.compile(r"\b(?:debate|argue)\b"),
}
PLACES = {"first": 0, "1": 0, "former": 0, "second": 1, "2": 1, "latter": 1}


def parse(request: str) -> Understanding:
    """Understand a request, or refuse it.

    Pure: looks at no file and no clock; the same request always means the same. A request of which only a
    part was understood is refused as a whole.

    Args:
        request: What the user typed, in English.
    """
    if not request.strip():
        return _refuse(request, "There is no request.")
    if len(request) > LONGEST:
        return _refuse(request, f"That is longer than {LONGEST:,} characters; put long texts into a file and name it.")
    reading = read(request)
    if SARCASM.search(reading.text):
        return _refuse(request, UNKNOWN)
    clause = bare(reading.whole)
    if is_mathematics(clause.original() + ("?" if request.rstrip().endswith("?") else "")):
        frame = Frame("debate", clause, 0, (len(clause.verb), len(clause.text)), "free")
        return _assemble(reading, [frame], [])
    return _understand(reading)


def parse_followup(previous: Understanding, text: str) -> Understanding:
    """Understand what is said after a question was asked; without an open question as `parse`.

    Args:
        previous: What the last request was understood to be.
        text: The answer: a file, a name, words to say, "the podcast" -- or another request altogether.
    """
    if previous.question is None or not text.strip():
        return parse(text)
    reading = read(text)
    if STOP.match(reading.text.strip()):
        return _refuse(text, "Nothing was started.")
    if previous.ambiguous:
        chosen = _chosen(previous.ambiguous, reading)
        return _as_chosen(previous, chosen) if chosen else parse(text)
    missing = previous.missing
    if missing is None:
        return parse(text)
    afresh = parse(text)
    wants_words = missing.slot in ("text", "question", "request")
    if afresh.intents and not (wants_words and afresh.intents[0] in ("help", "resume", "debate")):
        return afresh
    slots = take_answer(missing, previous.slots[missing.intent], reading)
    request = f"{previous.request}\n{text}"
    if slots is None:
        return replace(previous, request=request)
    intents = list(previous.intents)
    filled: dict[Intent, Slots] = {**previous.slots, missing.intent: slots}
    clip = slots.get("reference_audio")
    if clip and "clone_voice" not in intents:
        # A recording was given where a voice was asked for: it is cloned first.
        slots.pop("reference_audio")
        intents.insert(0, "clone_voice")
        filled["clone_voice"] = {"reference_audio": clip}
    return _finish(request, intents, filled)


def _understand(reading: Reading) -> Understanding:
    frames: list[Frame] = []
    context: list[Clause] = []
    for piece in split(reading):
        clause = bare(piece)
        # A greeting is politeness too, and all that is left where nothing follows it.
        found = recognise(clause, reading.text) or recognise(piece, reading.text)
        if len(found) > 1:
            return _unsure(reading, [frame.intent for frame in found])
        if found and not _belongs_to(frames[-1:], found[0], reading):
            refusal = _objection(found[0], piece)
            if refusal:
                return _refuse(reading.raw, refusal)
            frames.append(found[0])
        elif frames and _may_extend(frames[-1], piece):
            frames[-1] = _extended(frames[-1], piece)
        elif not frames and _tells(clause):
            context.append(clause)
        elif not frames and BARE_FILE.match(clause.text) and len(split(reading)) == 1:
            return _unsure(reading, ["speak", "make_podcast"])
        else:
            return _refuse(reading.raw, _why_unknown(reading, piece))
    if not frames or all(frame.kind == "partial" for frame in frames):
        return _refuse(reading.raw, _why_unknown(reading, reading.whole))
    return _assemble(reading, frames, context)


def _assemble(reading: Reading, frames: Sequence[Frame], context: Sequence[Clause]) -> Understanding:
    intents: list[Intent] = []
    slots: dict[Intent, Slots] = {}
    for frame in frames:
        if frame.intent in slots:
            return _refuse(reading.raw, "That asks for the same thing twice; ask for one at a time.")
        refusal = _objection(frame, frame.clause)
        if refusal:
            return _refuse(reading.raw, refusal)
        intents.append(frame.intent)
        slots[frame.intent] = fill(frame, [*context, *(other.clause for other in frames if other.kind == "partial")])
        if frame.intent in ("speak", "make_podcast") and "clone_voice" not in slots:
            clip = _clip_to_clone(frame)
            if clip:
                intents.insert(len(intents) - 1, "clone_voice")
                slots["clone_voice"] = {"reference_audio": clip}
    if intents == ["build_app"]:
        # The grammar of applications reads the sentence as it stands, with what was said before it.
        slots["build_app"]["request"] = reading.raw.strip()
        if names_no_thing(frames[0].clause):
            del slots["build_app"]["request"]
    if "clone_voice" in intents:
        intents.remove("clone_voice")
        intents.insert(0, "clone_voice")
    return _finish(reading.raw, intents, slots)


def _finish(request: str, intents: list[Intent], slots: dict[Intent, Slots]) -> Understanding:
    """Hand a cloned voice to what speaks after it, and look for what is missing."""
    clip = slots.get("clone_voice", {}).get("reference_audio")
    if clip:
        name = slots["clone_voice"].setdefault("speaker_name", default_name(clip))
        if "speak" in slots and not slots["speak"].get("voice"):
            slots["speak"]["voice"] = name
        if "make_podcast" in slots and not slots["make_podcast"].get("host_voice"):
            slots["make_podcast"]["host_voice"] = name
    return Understanding(request, intents, slots, missing=first_missing(request, intents, slots))


def _clip_to_clone(frame: Frame) -> str | None:
    clause = frame.clause
    for mask in MASK.finditer(clause.text):
        if mask[1] == "audio" and role_of_audio(clause, mask) == "reference":
            return clause.reading.spans[int(mask[2])].value
    return None


def _objection(frame: Frame, piece: Clause) -> str | None:
    """Say why a clause that fits a frame must not be acted on, or None."""
    clause = frame.clause
    controlled = clause.text if frame.kind != "free" else clause.text[: frame.head]
    if frame.intent == "debate":
        return None
    offset = clause.start - piece.start
    before = piece.text[: max(0, offset)]
    if NEGATION.search(before) or NEGATION.search(controlled.replace("or not", "")):
        return NEGATED
    if frame.intent in ("build_app", "help", "list_runs"):
        return None
    said = controlled if frame.intent != "speak" or not frame.payload else clause.text[: frame.head]
    for cue, reason in UNBUILT:
        if cue.search(said):
            return reason
    if frame.intent in ("speak", "make_podcast") and LANGUAGE.search(clause.text):
        return "Translating needs a language model."
    if frame.intent in ("speak", "make_podcast") and LATER.search(clause.text):
        return "Nothing can be done at another time; ask when it is wanted."
    if frame.intent in ("speak", "make_podcast"):
        for mask in MASK.finditer(clause.text):
            if mask[1] == "audio" and role_of_audio(clause, mask) is None:
                return "It is not clear whether the audio file is a voice to imitate or a file to write."
    if len(clause.spans("audio")) > 1 and frame.intent == "clone_voice":
        return "Only one recording can be cloned at a time."
    return None


def _belongs_to(last: Sequence[Frame], frame: Frame, reading: Reading) -> bool:
    """Whether a clause that fits a frame is still a part of the free text before it."""
    if not last or last[0].kind != "free":
        return False
    before = reading.text[last[0].clause.end : frame.clause.start]
    if last[0].intent == "debate":
        return not re.search(r"[.;!?]", reading.text[last[0].clause.end - 1 : frame.clause.start])
    if last[0].intent == "build_app":
        return frame.intent == "build_app" or not frame.clause.spans()
    if frame.intent in ("help", "resume", "list_voices", "list_runs", "debate"):
        return "then" not in before
    return False


def _may_extend(last: Frame, piece: Clause) -> bool:
    if last.kind == "free":
        acts = foreign(piece) and re.search(
            r"^\S+ (?:it|this|that|them|the (?:result|file|audio|recording))\b", bare(piece).text
        )
        return last.intent != "speak" or not acts
    if last.intent in ("resume", "help", "list_voices", "list_runs"):
        return False
    clause = bare(piece)
    return bool(MODIFIER.match(clause.text)) and not NEGATION.search(clause.text) and not foreign(piece)


def _extended(frame: Frame, piece: Clause) -> Frame:
    clause = Clause(frame.clause.reading, frame.clause.start, piece.end, frame.clause.verb)
    payload = (frame.payload[0], len(clause.text.rstrip())) if frame.payload else None
    return replace(frame, clause=clause, payload=payload)


def _tells(clause: Clause) -> bool:
    """Whether a clause only tells something, before the request proper."""
    if NEGATION.search(clause.text) or any(cue.search(clause.text) for cue, _ in UNBUILT):
        return False
    return bool(STATEMENT.match(clause.text)) or bool(
        re.match(r"(?:in|with|using|from|given)\b.*(?:voice|«)", clause.text)
    )


def _why_unknown(reading: Reading, piece: Clause) -> str:
    if NEGATION.match(bare(piece).text):
        return NEGATED
    return next((reason for cue, reason in UNBUILT if cue.search(reading.text)), UNKNOWN)


def _refuse(request: str, reason: str) -> Understanding:
    return Understanding(request, refused=True, reason=reason, closest=closest(request[:500]))


def _unsure(reading: Reading, intents: Sequence[Intent]) -> Understanding:
    return Understanding(reading.raw, ambiguous=list(dict.fromkeys(intents)))


def _chosen(offered: Sequence[Intent], reading: Reading) -> Intent | None:
    words = re.findall(r"\w+", reading.text)
    named: list[Intent] = [intent for intent in offered if intent in CHOICE and CHOICE[intent].search(reading.text)]
    if len(named) == 1 and len(words) <= 8:
        return named[0]
    places = [PLACES[word] for word in words if word in PLACES]
    return offered[places[0]] if len(places) == 1 and len(words) <= 4 and places[0] < len(offered) else None


def _as_chosen(previous: Understanding, intent: Intent) -> Understanding:
    reading = read(previous.request)
    return _assemble(reading, [Frame(intent, reading.whole, len(reading.text))], [])
