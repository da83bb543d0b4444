"""Round brackets in a request, which may stand in each other: `posts (title, note (optional))`."""

from __future__ import annotations

import re

__all__ = ["mask", "split_parens"]


def mask(text: str) -> str:
    """Blot out what stands inside brackets, at the same length: `a (b, c)` becomes `a (____)`."""
    masked = list(text)
    for start, end in _outer(text):
        masked[start + 1 : end] = "_" * (end - start - 1)
    return "".join(masked)


def split_parens(text: str) -> tuple[str, str]:
    """Return the words outside and inside the outermost brackets."""
    outside = ""
    inside: list[str] = []
    position = 0
    for start, end in _outer(text):
        outside += text[position:start] + " "
        inside.append(text[start + 1 : end].strip())
        position = end + 1
    outside += text[position:]
    return re.sub(r"\s+", " ", outside).strip(" ,"), ", ".join(inside)


def _outer(text: str) -> list[tuple[int, int]]:
    """Return where each outermost pair of brackets opens and closes."""
    pairs: list[tuple[int, int]] = []
    depth = start = 0
    for position, letter in enumerate(text):
        if letter == "(":
            start = start if depth else position
            depth += 1
        elif letter == ")" and depth:
            depth -= 1
            if depth == 0:
                pairs.append((start, position))
    return pairs
