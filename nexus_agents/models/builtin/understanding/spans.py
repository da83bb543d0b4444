"""Typed spans of a request: quotations, file names, addresses, durations. Their inner words are never cues."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

__all__ = ["Kind", "Span", "find_spans"]

Kind = Literal["audio", "doc", "image", "video", "file", "folder", "url", "quote", "duration"]

SUFFIXES: dict[Kind, str] = {
    "audio": "wav|mp3|flac|ogg|oga|opus|m4a|aac|aiff?|wma",
    "doc": "md|markdown|txt|text|rst|pdf|docx?|odt|rtf|html?|epub|tex",
    "image": "png|jpe?g|webp|bmp|gif|svg|tiff?|heic",
    "video": "mp4|mov|webm|mkv|avi|m4v",
    "file": "py|js|ts|tsx|rs|go|c|h|cpp|java|rb|sh|sql|json|jsonl|ya?ml|toml|csv|tsv|xlsx?|pptx?|zip|gz|tar|"
    "db|sqlite|safetensors|gguf|pt|bin|exe|ini|cfg|log|srt|vtt|xml",
}
NUMBERS = {
    "half an": 0.5,
    "half a": 0.5,
    "a quarter of an": 0.25,
    "a couple of": 2.0,
    "a": 1.0,
    "an": 1.0,
    "one": 1.0,
    "two": 2.0,
    "three": 3.0,
    "four": 4.0,
    "five": 5.0,
    "six": 6.0,
    "seven": 7.0,
    "eight": 8.0,
    "nine": 9.0,
    "ten": 10.0,
    "twelve": 12.0,
    "fifteen": 15.0,
    "twenty": 20.0,
    "thirty": 30.0,
    "forty-five": 45.0,
    "forty": 40.0,
    "sixty": 60.0,
}
UNITS = {"s": 1 / 60, "m": 1.0, "h": 60.0}

ENDING = "|".join(SUFFIXES.values())
NUMBER = "|".join(sorted(NUMBERS, key=len, reverse=True))
SPAN = re.compile(
    r'"(?P<double>[^"\n]{1,2000})"'
    r"|(?<![\w'])'(?P<single>[^\n]{1,2000}?)'(?!\w)"
    r"|`(?P<tick>[^`\n]{1,2000})`"
    r"|(?P<url>\b(?:https?|ftp|file)://[^\s<>\"']+|\bwww\.[^\s<>\"']+)"
    rf"|(?P<path>(?<![\w./\\~])(?:[a-z]:)?(?:\\\ |[\w~./\\+%#@-])*?[\w)~+-]\.(?:{ENDING})(?!\w|\.\w))"
    r"|(?P<folder>(?<![\w./\\~])(?:~|\.{1,2})?/[\w./-]*\w/?)"
    rf"|(?<![\w.])(?P<count>\d+(?:\.\d+)?|{NUMBER})(?P<gap>[\s-]*)"
    r"(?P<unit>s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?)\b(?!\s*=)",
    re.IGNORECASE,
)
KIND_OF_PATH: list[tuple[Kind, re.Pattern[str]]] = [
    (kind, re.compile(rf"\.(?:{suffixes})$", re.IGNORECASE)) for kind, suffixes in SUFFIXES.items()
]


@dataclass(frozen=True)
class Span:
    """A stretch of a request whose type is known from its form.

    Attributes:
        kind: Its type.
        value: A path or the text between quotation marks; for a duration the minutes as a decimal number.
        start: Where it begins in the request, quotation marks included.
        end: Where it ends.
    """

    kind: Kind
    value: str
    start: int
    end: int


def find_spans(text: str) -> list[Span]:
    """Return the typed spans of a request in order; they do not overlap.

    Args:
        text: The request with typographic quotation marks already made plain.
    """
    return list(_spans(text))


def _spans(text: str) -> Iterator[Span]:
    for match in SPAN.finditer(text):
        quoted = match["double"] or match["single"] or match["tick"]
        if quoted is not None:
            yield Span(_kind_of_path(quoted.strip()) or "quote", quoted.strip(), *match.span())
        elif match["url"]:
            address = match["url"].rstrip(".,;:!?)")
            yield Span("url", address, match.start(), match.start() + len(address))
        elif match["path"]:
            kind = _kind_of_path(match["path"])
            if kind:
                yield Span(kind, match["path"].replace("\\ ", " "), *match.span())
        elif match["folder"]:
            yield Span("folder", match["folder"], *match.span())
        elif minutes := _minutes(match["count"], match["gap"], match["unit"]):
            yield Span("duration", f"{minutes:g}", *match.span())


def _kind_of_path(text: str) -> Kind | None:
    return next((kind for kind, suffix in KIND_OF_PATH if suffix.search(text)), None)


def _minutes(count: str, gap: str, unit: str) -> float | None:
    # A lone letter is a unit only right behind digits: "90s" is one, "3 h" in a formula is not.
    if len(unit) == 1 and (gap or not count[0].isdigit()):
        return None
    number = NUMBERS.get(count.lower())
    return (float(count) if number is None else number) * UNITS[unit[0].lower()]
