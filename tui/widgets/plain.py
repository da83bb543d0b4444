"""The one way in which text of others reaches the screen: no markup, no control codes, no endless lines."""

from __future__ import annotations

import unicodedata
from typing import Any

from textual.content import Content
from textual.widgets import Static

__all__ = ["LONGEST_TEXT", "PlainStatic", "clean", "shorten"]

LONGEST_LINE = 2_000
LONGEST_TEXT = 40_000
MOST_LINES = 1_000
"""Characters and lines shown of one text: more would cost seconds to lay out, and the file has it all."""

UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories of what acts without being seen: control codes, marks of direction, tags, halves of pairs."""

JOINERS = frozenset("\u200c\u200d")
"""They belong to emoji and to many scripts."""


def clean(text: str) -> str:
    """Return a text that is safe to draw.

    Control codes and marks of direction become a visible sign, very long lines and texts are cut with a note.
    """
    if len(text) > LONGEST_TEXT:
        text = f"{text[:LONGEST_TEXT]}\n... ({len(text):,} characters in all)"
    lines = text.replace("\r\n", "\n").replace("\t", "    ").split("\n")
    if len(lines) > MOST_LINES + 1:
        lines[MOST_LINES:] = [f"... ({len(lines):,} lines)"]
    return "\n".join(_clean_line(line) for line in lines)


def shorten(text: str, width: int) -> str:
    """Return the first line of a text, at most `width` characters of it."""
    line = clean(text.strip().partition("\n")[0])
    return line if len(line) <= width else f"{line[: max(0, width - 1)]}…"


class PlainStatic(Static):
    """A `Static` that takes text as it is: brackets are brackets."""

    def __init__(self, text: str = "", **options: Any) -> None:
        super().__init__(Content(clean(text)), markup=False, **options)
        self._shown = text

    @property
    def shown(self) -> str:
        """The text, as it was given."""
        return self._shown

    def show(self, text: str) -> None:
        """Draw another text; the same text costs nothing."""
        if text != self._shown:
            self._shown = text
            self.update(Content(clean(text)))


def _clean_line(line: str) -> str:
    if len(line) > LONGEST_LINE:
        line = f"{line[:LONGEST_LINE]}… ({len(line):,} characters)"
    if line.isprintable():
        return line
    return "".join("\N{REPLACEMENT CHARACTER}" if _is_unsafe(char) else char for char in line)


def _is_unsafe(char: str) -> bool:
    return unicodedata.category(char) in UNSEEN and char not in JOINERS
