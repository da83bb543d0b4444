"""The normal form of a request: lower case, spans masked, contractions opened, typing errors in cues mended."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from nexus_agents.models.builtin.understanding.lexicon import CUES, NEAR_CUES
from nexus_agents.models.builtin.understanding.spans import Kind, Span, find_spans

__all__ = ["Clause", "Reading", "read"]

PLAIN_QUOTES = str.maketrans("“”„«»‘’‚´", '"""""\'\'\'\'')
WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*|\s+|.", re.DOTALL)
Put = Callable[[str, int, int], None]
MASK = re.compile(r"«(\w+?)(\d+)»")
OPENED = {
    "dont": "do not",
    "can't": "can not",
    "cant": "can not",
    "cannot": "can not",
    "won't": "will not",
    "let's": "let us",
    "lets": "let us",
    "what's": "what is",
    "whats": "what is",
    "that's": "that is",
    "here's": "here is",
    "heres": "here is",
    "who's": "who is",
    "where's": "where is",
    "how's": "how is",
    "it's": "it is",
    "wanna": "want to",
    "gonna": "going to",
    "gimme": "give me",
    "lemme": "let me",
    "pls": "please",
    "plz": "please",
    "u": "you",
    "ur": "your",
    "thx": "thanks",
    "id": "i would",
    "im": "i am",
}
ENDINGS = {
    "n't": " not",
    "'d": " would",
    "'ll": " will",
    "'re": " are",
    "'ve": " have",
    "'m": " am",
}


@dataclass(frozen=True)
class Reading:
    """A request beside its normal form.

    Attributes:
        raw: The request as it was typed.
        text: The normal form; the n-th span stands in it as `«kindn»`.
        spans: The typed spans.
        starts: For each character of `text`, where what it stands for begins in `raw`.
        ends: For each character of `text`, where what it stands for ends in `raw`.
    """

    raw: str
    text: str
    spans: tuple[Span, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    @property
    def whole(self) -> Clause:
        """All of the request as one clause."""
        return Clause(self, 0, len(self.text))

    def original(self, start: int, end: int) -> str:
        """Return what was typed where the normal form has `text[start:end]`."""
        return self.raw[self.starts[start] : self.ends[end - 1]].strip() if end > start else ""


@dataclass(frozen=True)
class Clause:
    """A stretch of the normal form.

    Attributes:
        reading: The request that it is a part of.
        start: Where it begins in the normal form.
        end: Where it ends.
        verb: A verb that is read before it, as `want ` for "I would like".
    """

    reading: Reading
    start: int
    end: int
    verb: str = ""

    @property
    def text(self) -> str:
        """Its normal form, after its verb."""
        return self.verb + self.reading.text[self.start : self.end]

    def part(self, start: int, end: int | None = None, verb: str = "") -> Clause:
        """Return the clause that stands at these places of `text`, without spaces and commas around it."""
        letters = self.reading.text
        first, stop = self._places(start, end)
        while first < stop and letters[first] in " ,":
            first += 1
        while stop > first and letters[stop - 1] in " ,":
            stop -= 1
        return Clause(self.reading, first, stop, verb)

    def original(self, start: int = 0, end: int | None = None) -> str:
        """Return what was typed where `text` has these places."""
        return self.reading.original(*self._places(start, end))

    def _places(self, start: int, end: int | None) -> tuple[int, int]:
        before = len(self.verb)
        stop = self.end if end is None else self.start + max(0, end - before)
        return self.start + max(0, start - before), stop

    def spans(self, *kinds: Kind) -> list[Span]:
        """Return its typed spans, of these kinds."""
        found = [self.reading.spans[int(mask[2])] for mask in MASK.finditer(self.text)]
        return [span for span in found if not kinds or span.kind in kinds]


def read(raw: str) -> Reading:
    """Return the normal form of a request."""
    plain = raw.translate(PLAIN_QUOTES)
    spans = find_spans(plain)
    text: list[str] = []
    starts: list[int] = []
    ends: list[int] = []

    def put(piece: str, start: int, end: int) -> None:
        same = len(piece) == end - start
        for offset, letter in enumerate(piece):
            text.append(letter)
            starts.append(start + offset if same else start)
            ends.append(start + offset + 1 if same else end)

    place = 0
    for index, span in enumerate(spans):
        _put_words(plain, place, span.start, put)
        put(f"«{span.kind}{index}»", span.start, span.end)
        place = span.end
    _put_words(plain, place, len(plain), put)
    return Reading(raw, "".join(text), tuple(spans), tuple(starts), tuple(ends))


def _put_words(plain: str, start: int, end: int, put: Put) -> None:
    for match in WORD.finditer(plain, start, end):
        put(_normal_word(match[0].lower()), *match.span())


def _normal_word(word: str) -> str:
    if word.isspace():
        return " "
    if word in OPENED:
        return OPENED[word]
    for ending, full in ENDINGS.items():
        if word.endswith(ending) and len(word) > len(ending):
            return word.removesuffix(ending) + full
    return _mended(word)


def _mended(word: str) -> str:
    if len(word) < 5 or word in CUES or word in NEAR_CUES or not word.isalpha():
        return word
    near = [cue for cue in CUES if len(cue) > 5 and cue[0] == word[0] and _one_edit(word, cue)]
    # A plural is a word of its own, not a typing error.
    near = [cue for cue in near if word not in (f"{cue}s", f"{cue}d", cue.removesuffix("s"))]
    near.sort(key=len)
    return near[0] if near and all(cue.startswith(near[0]) for cue in near) else word


def _one_edit(word: str, cue: str) -> bool:
    """Whether one letter was added, dropped, replaced, or swapped with its neighbour."""
    if abs(len(word) - len(cue)) > 1:
        return False
    at = next((i for i, (a, b) in enumerate(zip(word, cue, strict=False)) if a != b), min(len(word), len(cue)))
    if len(word) != len(cue):
        longer, shorter = (word, cue) if len(word) > len(cue) else (cue, word)
        return longer[at + 1 :] == shorter[at:]
    return word[at + 1 :] == cue[at + 1 :] or (
        word[at : at + 2] == cue[at : at + 2][::-1] and word[at + 2 :] == cue[at + 2 :]
    )
