"""Notes in Markdown or plain text, read into sections of plain sentences that know their lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["Section", "Sentence", "content_words", "read_notes"]

FENCE = re.compile(r"^\s*(```|~~~)")
HEADING = re.compile(r"^ {0,3}#{1,6}\s+(.+?)\s*#*\s*$")
UNDERLINE = re.compile(r"^ {0,3}(?:={3,}|-{3,})\s*$")
ITEM = re.compile(r"^\s*(?:[-*+•]|\d{1,3}[.)])\s+(?:\[[ xX]\]\s+)?")
QUOTE = re.compile(r"^\s*(?:>\s?)+")
TABLE = re.compile(r"^\s*\|.*\||^.*\S\s+\|\s+\S.*\|?.*$|^[\s|:+-]*-{3,}[\s|:+-]*$")
NOT_PROSE = re.compile(r"^\s*(?:\[[^\]]+\]:\s|\$\$|:::|%%|<!--|!\[[^\]]*\]\([^)]*\)\s*$)")
URL = re.compile(r"\b(?:https?|ftp)://|\bwww\.\w|\b[\w.+-]+@[\w-]+\.\w")
CODE = re.compile(r"`[^`]*[^\w\s'.,-][^`]*`")
STRIPPED = [
    (re.compile(r"!\[[^\]]*\]\([^)]*\)"), ""),
    (re.compile(r"\[([^\]]+)\]\((?:[^()]|\([^)]*\))*\)"), r"\1"),
    (re.compile(r"\[([^\]]+)\]\[[^\]]*\]"), r"\1"),
    (re.compile(r"\[\^[^\]]+\]"), ""),
    (re.compile(r"</?[A-Za-z][^<>]*>"), ""),
    (re.compile(r"(\*{1,3}|~~)(?=\S)(.+?)(?<=\S)\1"), r"\2"),
    (re.compile(r"(?<!\w)(_{1,3})(?=\S)(.+?)(?<=\S)\1(?!\w)"), r"\2"),
    (re.compile(r"\\([\\`*_{}\[\]()#+\-.!|>])"), r"\1"),
]
END = re.compile(r"[.!?…]+[\"'”’)\]]*(?=\s+[\"'“‘(\[]?[A-Z0-9À-ÖØ-Þ]|\s*$)")
ABBREVIATION = re.compile(
    r"(?:\b(?:[A-Z]|e\.g|i\.e|etc|vs|cf|approx|ca|Dr|Mr|Mrs|Ms|Prof|St|No|Fig|Figs|Eq|Sec|Ch|Vol|pp?|al|Inc|Ltd|Jr|Sr))\.$"
)
LEAST_WORDS, MOST_WORDS = 3, 60
COMMON = """
    a about above after again all also am an and any are as at be because been before being below between
    both but by can could did do does doing down during each few for from further had has have having he
    her here hers him his how i if in into is it its itself just may me might more most must my no nor not
    now of off on once one only or other our ours out over own same she should so some such than that the
    their them then there these they this those through to too under until up us very was we were what
    when where which while who whom why will with would you your
"""
STOP_WORDS = frozenset(COMMON.split())


@dataclass(frozen=True)
class Sentence:
    """One sentence of the notes, without Markdown.

    Attributes:
        text: Its words as they stand, runs of spaces made one.
        line: The line that it begins on, counted from 1.
    """

    text: str
    line: int


@dataclass
class Section:
    """What stands under one heading.

    Attributes:
        heading: The heading without Markdown; empty for what stands before the first.
        line: Its line, counted from 1.
        sentences: The sentences, in order.
    """

    heading: str
    line: int
    sentences: list[Sentence] = field(default_factory=list[Sentence])


def read_notes(notes: str) -> list[Section]:
    """Return the sections of some notes; code, tables, addresses and pictures are left out.

    Args:
        notes: Markdown or plain text.
    """
    sections = [Section("", 1)]
    for heading, block in _blocks(notes):
        if heading:
            sections.append(Section(_plain(block[0][1]), block[0][0]))
        else:
            sections[-1].sentences.extend(_sentences(block))
    return [section for section in sections if section.heading or section.sentences]


def content_words(text: str) -> list[str]:
    """Return the words that say what a text is about, in lower case."""
    return [word for word in re.findall(r"[^\W\d_]{3,}", text.lower()) if word not in STOP_WORDS]


Line = tuple[int, str]


def _blocks(notes: str) -> Iterator[tuple[bool, list[Line]]]:
    """Yield headings and paragraphs; the items of a list are paragraphs of their own."""
    block: list[Line] = []
    lines = notes.splitlines()
    number = _after_front_matter(lines)
    fenced = ""
    while number < len(lines):
        line = lines[number]
        number += 1
        fence = FENCE.match(line)
        if fence and fenced in ("", fence[1]):
            fenced = "" if fenced else fence[1]
        heading = HEADING.match(line)
        underlined = bool(UNDERLINE.match(line)) and len(block) == 1
        item = ITEM.match(line)
        if fenced or fence or underlined or heading or item or not line.strip() or _no_prose(line, block):
            if block:
                yield underlined, block
            block = []
            if heading and not fenced:
                yield True, [(number, heading[1])]
            elif item and not fenced and not _no_prose(line, block):
                block = [(number, line[item.end() :])]
        else:
            block.append((number, QUOTE.sub("", line)))
    if block:
        yield False, block


def _after_front_matter(lines: list[str]) -> int:
    if lines and lines[0].strip() == "---":
        return next((n + 1 for n, line in enumerate(lines[1:], 1) if line.strip() in ("---", "...")), 0)
    return 0


def _no_prose(line: str, block: list[Line]) -> bool:
    indented_code = line.startswith(("    ", "\t")) and not block and not ITEM.match(line)
    return bool(TABLE.match(line) or NOT_PROSE.match(line)) or indented_code


def _sentences(block: list[Line]) -> Iterator[Sentence]:
    text = ""
    starts: list[tuple[int, int]] = []
    for number, line in block:
        starts.append((len(text), number))
        text += line.strip() + " "
    begin = 0
    for found in [*END.finditer(text), None]:
        end = found.end() if found else len(text)
        if found and ABBREVIATION.search(text[begin : found.end()]) and found.end() < len(text.rstrip()):
            continue
        raw = text[begin:end]
        place = begin + len(raw) - len(raw.lstrip())
        begin = end
        spoken = _plain(raw)
        if LEAST_WORDS <= len(spoken.split()) <= MOST_WORDS and not URL.search(spoken) and not CODE.search(raw):
            yield Sentence(spoken, max(number for start, number in starts if start <= place))


def _plain(text: str) -> str:
    # Marks inside code are not Markdown: `__init__` keeps its underscores.
    parts = re.split(r"(`[^`]*`)", text)
    for index in range(0, len(parts), 2):
        for mark, plain in STRIPPED:
            parts[index] = mark.sub(plain, parts[index])
        parts[index] = parts[index].replace("**", "")
    parts[1::2] = [part[1:-1] for part in parts[1::2]]
    return re.sub(r"\s+", " ", "".join(parts)).strip()
