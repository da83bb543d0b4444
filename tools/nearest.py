"""The lines of a file that are most like some that were looked for and are not there."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["nearest_lines", "numbered"]

LEAST_LIKENESS = 60.0
"""Per cent of the characters that must agree (normalised edit distance) for lines to be worth showing."""

MOST_LINES = 20_000
MOST_SHOWN = 12


def nearest_lines(lines: Sequence[str], wanted: str) -> str:
    """Return a sentence and the numbered lines that are most like a text, or nothing where none is.

    Args:
        lines: The lines of the file, with or without their ends.
        wanted: What was looked for.
    """
    from rapidfuzz import fuzz, process

    asked = [line.strip() for line in wanted.strip("\n").split("\n")]
    if not any(asked) or len(lines) > MOST_LINES:
        return ""
    bare = [line.strip() for line in lines]
    size = len(asked)
    windows = ["\n".join(bare[at : at + size]) for at in range(max(len(bare) - size + 1, 1))]
    found = process.extractOne("\n".join(asked), windows, scorer=fuzz.ratio, score_cutoff=LEAST_LIKENESS)
    if found is None:
        return ""
    _, likeness, at = found
    why = "Only the white space differs in" if likeness == 100 else "Most like it are"
    shown = numbered(lines[at : at + min(size, MOST_SHOWN)], at + 1)
    return f"{why} lines {at + 1} to {min(at + size, len(lines))}:\n{shown}"


def numbered(lines: Sequence[str], first: int, longest: int = 2000) -> str:
    """Return lines with their numbers, a tab between, as `cat -n` shows them.

    Args:
        lines: With or without their ends.
        first: Number of the first.
        longest: Characters of a line that are shown.
    """
    return "\n".join(f"{number:6}\t{_cut(line.rstrip(chr(10)), longest)}" for number, line in enumerate(lines, first))


def _cut(line: str, longest: int) -> str:
    return line if len(line) <= longest else f"{line[:longest]} [{len(line) - longest} more characters]"
