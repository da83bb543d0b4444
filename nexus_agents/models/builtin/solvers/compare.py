"""Whether two answers say the same thing, in whatever words they say it."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import Literal

from nexus_agents.core.work import Answer
from nexus_agents.models.builtin.solvers.phrase import NO_ANSWER

__all__ = ["Agreement", "compare", "has_answer"]

Agreement = Literal["same", "fits", "differs"]
"""`fits`: one is an interval or an approximation, and the other lies in it."""

_NUMBER = r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?(?:/\d+)?"
_CLOSE = 1e-8


def has_answer(answer: Answer) -> bool:
    """Return whether an author answered at all."""
    return answer.answer.strip().lower() != NO_ANSWER and bool(answer.answer.strip())


def compare(one: Answer, other: Answer) -> Agreement:
    """Compare two answers: by their words, then yes or no, then what stands behind the equals signs.

    Both must be answers; whoever abstained said nothing that could be compared.
    """
    a, b = _plain(one.answer), _plain(other.answer)
    if a == b:
        return "same"
    says = _yes_or_no(a), _yes_or_no(b)
    if says[0] and says[1]:
        return "same" if says[0] == says[1] else "differs"
    for first, second in ((a, b), (b, a)):
        if interval := re.search(rf"between ({_NUMBER}) and ({_NUMBER})", first):
            low, high = (_float(end) for end in interval.groups())
            values = _values(second)
            return "fits" if len(values) == 1 and low <= values[0] <= high else "differs"
    left, right = _values(a), _values(b)
    if not left or len(left) != len(right):
        return "differs"
    if "about" not in a and "about" not in b and not _exactly(a, b):
        return "differs"
    close = all(
        math.isclose(x, y, rel_tol=_CLOSE, abs_tol=_CLOSE) for x, y in zip(sorted(left), sorted(right), strict=True)
    )
    return "same" if close and ("about" in a) == ("about" in b) else "fits" if close else "differs"


# -- helpers ----------------------------------------------------------------------------------------


def _plain(text: str) -> str:
    text = re.sub(r"(?<=\d),(?=\d{3}\b)", "", text.lower().replace("−", "-"))
    text = text.split("; complex:")[0]
    return re.sub(r"\s+", " ", text.replace("*", " * ").replace("**", "^")).strip().rstrip(".!")


def _yes_or_no(text: str) -> str:
    found = re.match(r"(yes|no|true|false)\b(?! real)", text)
    # "no real x is a solution" and "no x is a solution" are values, not a "no".
    if not found or re.match(r"no \w+ is a solution", text):
        return ""
    return {"true": "yes", "false": "no"}.get(found[1], found[1])


def _values(text: str) -> list[float]:
    """Return the values behind the equals signs, by their decimals where those are given; else the last number."""
    return [_float(one) for one in _written_values(text)]


def _written_values(text: str) -> list[str]:
    parts = re.split(r"\s(?:or|and)\s(?=[^=]*=)", text) if "=" in text else [text]
    found: list[str] = []
    for part in parts:
        value = part.rsplit("=", 1)[-1]
        if about := re.search(rf"about ({_NUMBER})", value):
            found.append(about[1])
        elif numbers := re.findall(rf"(?<![\w.^]){_NUMBER}", value):
            # A product such as 2^3 * 5 has no single number to stand for it.
            if re.search(r"[*^]", value):
                return []
            found.append(numbers[0] if "=" in part else numbers[-1])
    return found


def _exactly(a: str, b: str) -> bool:
    try:
        left, right = (sorted(Fraction(one) for one in _written_values(text)) for text in (a, b))
    except (ValueError, ZeroDivisionError):
        return True
    return left == right


def _float(text: str) -> float:
    try:
        return float(Fraction(text))
    except (ValueError, OverflowError, ZeroDivisionError):
        return math.nan
