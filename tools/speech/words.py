"""When each word of a text is heard, from the marks of the synthesiser and the sound itself."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING, NamedTuple

from nexus_agents.core.voices import Word
from tools.speech.protocol import Utterance

if TYPE_CHECKING:
    from tools.speech.audio import Samples

__all__ = ["clean", "spoken_words"]

_HOP = 0.010  # seconds
_PAUSE = 10 ** (-40 / 20)  # of the peak
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
"""Scripts that are written without spaces between words: kana and Han characters."""


def clean(text: str) -> str:
    """Replace what cannot be spoken (control characters, lone surrogates) by spaces; the length stays."""
    return "".join(" " if ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or 0xD800 <= ord(c) < 0xE000 else c for c in text)


def spoken_words(text: str, utterance: Utterance, samples: Samples) -> list[Word]:
    """Return the words in order of time; what belongs together in writing ("it's", "3rd") is one word.

    Args:
        text: What was spoken, as it was sent.
        utterance: What the synthesiser answered.
        samples: The audio that is heard; its timing is the utterance's.
    """
    import numpy as np

    spans = _spans(text)
    starts = [span.start for span in spans]
    begun: list[tuple[int, float]] = []  # index of a span, seconds
    for mark in utterance.marks:
        index = bisect_right(starts, mark.position) - 1
        if index >= 0 and (not begun or index > begun[-1][0]):
            begun.append((index, mark.seconds))
    hop = int(_HOP * utterance.sample_rate)
    power = np.sqrt((samples[: len(samples) // hop * hop].reshape(-1, hop) ** 2).mean(axis=1))
    audible = np.flatnonzero(power > power.max(initial=0.0) * _PAUSE)
    seconds = len(samples) / utterance.sample_rate
    bounds = sorted({*(second for _, second in begun), *utterance.ends, seconds})
    words: list[Word] = []
    for number, (index, begin) in enumerate(begun):
        following = begun[number + 1][0] if number + 1 < len(begun) else len(spans)
        # Characters of an unspaced script that got no mark of their own belong to the word before them.
        last = max(i for i in range(index, following) if spans[i].token == spans[index].token)
        limit = bounds[min(bisect_right(bounds, begin), len(bounds) - 1)]
        heard = bisect_right(audible, limit / _HOP - 1) - 1
        end = min(max((float(audible[heard]) + 1) * _HOP, begin), limit) if heard >= 0 else limit
        written = text[spans[index].start : spans[last].end]
        words.append(Word(text=written, start=round(begin, 3), end=round(end, 3)))
    return words


class _Span(NamedTuple):
    start: int
    end: int
    token: int


def _spans(text: str) -> list[_Span]:
    spans: list[_Span] = []
    for number, match in enumerate(re.finditer(r"\S+", text)):
        token, begin = match.group(), match.start()
        if _UNSPACED.search(token):
            spans += [_Span(begin + i, begin + i + 1, number) for i, c in enumerate(token) if c.isalnum()]
            continue
        inner = re.search(r"[^\W_](?:.*[^\W_])?", token)
        first, after = inner.span() if inner else (0, len(token))
        spans.append(_Span(begin + first, begin + after, number))
    return spans
