"""Lays generated Python out as `ruff format` would, so that no later step changes a file."""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = ["WIDTH", "fit", "natural", "tidy"]

WIDTH = 110
"""Characters in a line; the generated pyproject.toml says the same."""


def fit(head: str, items: Sequence[str], tail: str, *, brackets: bool = False) -> str:
    """Write a bracketed list on one line where it fits, else one item a line with a trailing comma.

    Args:
        head: What opens the list, with its indentation: `    db.get(`.
        items: What stands in the list.
        tail: What closes it: `)`.
        brackets: The list needs brackets only where it is broken, as in an import.
    """
    line = f"{head}{', '.join(items)}{tail}"
    if len(line) <= WIDTH or not items:
        return line
    indent = head[: len(head) - len(head.lstrip())]
    opening, closing = ("(", ")") if brackets else ("", "")
    inner = "".join(f"{indent}    {item},\n" for item in items)
    return f"{head}{opening}\n{inner}{indent}{closing}{tail}"


def natural(name: str) -> list[tuple[int, str]]:
    """Return the key by which import sorters order names: digits count as numbers."""
    parts = re.findall(r"\d+|\D+", name)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]


def tidy(source: str) -> str:
    """Keep at most two blank lines in a row and one newline at the end."""
    return re.sub(r"\n{4,}", "\n\n\n", source).rstrip("\n") + "\n"
