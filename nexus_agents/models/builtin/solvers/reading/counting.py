"""Questions that count things, add them up, or ask how likely they are."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction
from typing import Literal, cast

from nexus_agents.models.builtin.solvers.expression import show
from nexus_agents.models.builtin.solvers.reading.text import integers, parsed, relation
from nexus_agents.models.builtin.solvers.tasks import (
    Arithmetic,
    Arrangements,
    Birthday,
    Change,
    Counting,
    Dice,
    Flips,
    Relation,
    Selection,
    Sequence,
    Series,
    Task,
)

__all__ = ["read"]


def read(text: str) -> Task | None:
    """Return the task of a cleaned question that counts, or None."""
    readers: tuple[Callable[[str], Task | None], ...] = (
        _chance,
        _change,
        _letters,
        _selection,
        _sequence,
        _progression,
        _series,
        _counting,
    )
    for one in readers:
        if task := one(text):
            return task
    return None


# -- chance -----------------------------------------------------------------------------------------


def _chance(text: str) -> Task | None:
    if not re.search(r"\b(?:probability|chances?|odds|likely)\b", text):
        return None
    if "birthday" in text:
        found = re.search(r"(\d+) (?:people|persons|students|children|friends|players|guests)", text)
        return Birthday(people=int(found[1])) if found and len(found[1]) < 5 else None
    sign = cast("Relation", relation(text) or "==")
    if found := re.search(r"\b(\d{1,3})? ?(?:fair )?(?:(\d{1,3})-sided )?(?:dice|die)\b|\b(\d{1,3})d(\d{1,3})\b", text):
        rest = integers(text[: found.start()] + " " + text[found.end() :])
        count, sides = int(found[1] or found[3] or 1), int(found[2] or found[4] or 6)
        if len(rest) != 1 or count < 1 or sides < 2:
            return None
        return Dice(count=count, sides=sides, relation=sign, total=rest[0])
    heads = re.search(r"\b(\d{1,4}|all|no|only) (heads?|tails?)\b", text)
    flips = re.search(r"\b(\d{1,4}) (?:fair )?(?:coin )?(?:flips|tosses|throws|coins|times)\b", text)
    if not heads or not flips or not re.search(r"\b(?:coins?|flips|tosses|tossed|flipped)\b", text):
        return None
    count = int(flips[1])
    wanted = {"all": count, "only": count, "no": 0}.get(heads[1])
    side: Literal["heads", "tails"] = "heads" if heads[2].startswith("head") else "tails"
    return Flips(count=count, relation=sign, heads=int(heads[1]) if wanted is None else wanted, side=side)


# -- ways -------------------------------------------------------------------------------------------

_COINS = {"penny": 1, "pennies": 1, "cents": 1, "nickel": 5, "dime": 10, "quarter": 25, "half-dollar": 50}


def _change(text: str) -> Task | None:
    if not re.search(r"\bways?\b", text) or not re.search(r"\bchange\b|\bcoins?\b|\bcents\b|\bpay\b", text):
        return None
    found = re.search(
        r"(?:make|for|pay|get)(?: up)? (?:change (?:for|of) )?\$?(an?|\d{1,6}(?:\.\d\d)?)( dollars?)?", text
    )
    if not found or (found[1].startswith("a") and not found[2]):
        return None
    amount = Fraction(1) if found[1].startswith("a") else Fraction(found[1])
    amount *= 100 if found[2] or "$" in found[0] else 1
    after = text[found.end() :]
    named = [value for name, value in _COINS.items() if name in after and name != "cents"]
    listed = [one for one in integers(after) if one > 0]
    coins = sorted({*named, *listed}) or [1, 5, 10, 25, 50]
    assumed = "" if named or listed else "coins of 1, 5, 10, 25 and 50"
    if amount.denominator != 1 or len(coins) > 12:
        return None
    return Change(amount=int(amount), coins=coins, assumed=assumed)


def _letters(text: str) -> Task | None:
    found = re.search(
        r"(?:anagrams|letters|arrangements|permutations|arrange)\b(?: of)?(?: (?:all )?(?:the )?letters)?"
        r"(?: (?:of|in|from))?"
        r"(?: the)?(?: word)? ['\"]?([a-z]{2,20})['\"]?(?: be (?:arranged|ordered|permuted|rearranged))?$",
        text,
    )
    if not found or not re.search(r"how many|ways|number of", text):
        return None
    if not re.search(r"letters|anagrams|word", text):
        return None
    return Arrangements(word=found[1].upper())


def _selection(text: str) -> Task | None:
    if found := re.fullmatch(r"(\d{1,6}) choose (\d{1,6})|c\((\d{1,6}), ?(\d{1,6})\)", text):
        return Selection(n=int(found[1] or found[3]), k=int(found[2] or found[4]))
    if found := re.fullmatch(r"p\((\d{1,6}), ?(\d{1,6})\)", text):
        return Selection(n=int(found[1]), k=int(found[2]), ordered=True)
    if not re.search(r"how many|number of|ways", text):
        return None
    if found := re.search(r"handshakes .*?(\d{1,6}) |(\d{1,6}) people .*(?:handshakes|shake hands)", text + " "):
        return Selection(n=int(found[1] or found[2]), k=2, assumed="each two shake hands once")
    if found := re.search(r"subsets (?:does |has |of |are there of |in )*(?:a |the )?set (?:of|with) (\d{1,5})", text):
        return Arithmetic(expression=f"2^{found[1]}", label=f"subsets of {found[1]} elements")
    if found := re.search(r"(\d{1,4})-digit (?:codes?|pins?|passwords?|combinations)", text):
        return Selection(
            n=10, k=int(found[1]), ordered=True, repeated="no repe" not in text and "different" not in text
        )
    ordered = bool(re.search(r"arrange|permut|order|line up|sit|seat|rank|podium|lined", text))
    if found := re.search(
        r"(?:choose|select|pick|form|take|chosen|selected|arrange|permutations of|combinations of|"
        r"committees?|teams?|groups?|hands?)"
        r"\b[^\d]*(\d{1,6})\b[^\d]*?\b(?:from|out of|of|among)\b[^\d]*(\d{1,6})\b",
        text,
    ):
        ordered = ordered and not re.search(r"regardless of order|order does not matter|any order", text)
        return Selection(
            n=int(found[2]), k=int(found[1]), ordered=ordered, repeated=bool(re.search(r"with repetition", text))
        )
    if ordered and not re.search(r"circle|round", text):
        numbers = integers(text)
        if len(numbers) == 1 and numbers[0] >= 0:
            return Selection(n=numbers[0], k=numbers[0], ordered=True)
    return None


# -- sequences and series ---------------------------------------------------------------------------

_NAMES = {"fibonacci": "fibonacci", "lucas": "lucas", "prime": "prime", "catalan": "catalan"}


def _sequence(text: str) -> Task | None:
    found = re.fullmatch(r"(?:the )?(\d{1,7})(?:st|nd|rd|th) (fibonacci|lucas|prime|catalan)(?: number)?", text)
    if found:
        return _make_sequence(found[2], int(found[1]))
    found = re.fullmatch(
        r"(?:the )?(fibonacci|lucas|catalan|prime)(?: number)?(?: (?:number|at index|#)|\()? ?(\d{1,7})\)?", text
    )
    return _make_sequence(found[1], int(found[2])) if found else None


def _make_sequence(name: str, index: int) -> Task | None:
    if name == "prime" and index < 1:
        return None
    assumed = {"fibonacci": "F(1) = F(2) = 1", "lucas": "L(0) = 2, L(1) = 1", "catalan": "C(0) = 1"}.get(name, "")
    return Sequence(name=_NAMES[name], index=index, assumed=assumed)  # type: ignore[arg-type]


_OPERATION = r"(?:the )?(?P<op>sum|product|total) of (?:all )?(?:the )?"
_KINDS = {
    "": "k", "integers": "k", "numbers": "k", "natural numbers": "k", "whole numbers": "k", "positive integers": "k",
    "odd numbers": "2*k - 1", "odd integers": "2*k - 1", "even numbers": "2*k", "even integers": "2*k",
    "squares": "k^2", "square numbers": "k^2", "perfect squares": "k^2", "cubes": "k^3",
    "powers of 2": "2^(k - 1)", "triangular numbers": "k*(k + 1)/2",
}  # fmt: skip


def _series(text: str) -> Task | None:
    found = re.fullmatch(_OPERATION + r"first (?P<n>\d{1,9}) (?:positive |consecutive )?(?P<what>[a-z0-9 ]+?)", text)
    if found and (term := _KINDS.get(found["what"])):
        return _make_series(found["op"], term, 1, int(found["n"]), text)
    if found := re.fullmatch(
        _OPERATION + r"(?P<what>squares|cubes) of (?:the )?(?:first (?P<n>\d{1,9}) .*|"
        r".*?(?:from )?(?P<a>\d{1,9}) (?:to|and|through) (?P<b>\d{1,9}))",
        text,
    ):
        first, last = (1, int(found["n"])) if found["n"] else (int(found["a"]), int(found["b"]))
        return _make_series(found["op"], _KINDS[found["what"]], first, last, text)
    found = re.fullmatch(
        _OPERATION + r"(?P<what>(?:odd |even |natural |whole |positive )?(?:numbers|integers))? ?"
        r"(?:from|between) (?P<a>-?\d{1,9}) (?:to|and|through|up to) (?P<b>-?\d{1,9})(?: inclusive)?",
        text,
    )
    if found:
        first, last, what = int(found["a"]), int(found["b"]), found["what"] or ""
        if what.startswith("even"):
            return _make_series(found["op"], "2*k", -(-first // 2), last // 2, text)
        if what.startswith("odd"):
            return _make_series(found["op"], "2*k - 1", (first + 2) // 2, (last + 1) // 2, text)
        return _make_series(found["op"], "k", first, last, text)
    found = re.fullmatch(
        r"(?:the )?(?P<op>sum|product) of (?P<term>.+?) (?:for|as|from) (?:k|n|i) ?(?:=|from|goes from)? ?"
        r"(?P<a>-?\d{1,9}) (?:to|\.\.\.?) ?(?P<b>-?\d{1,9})",
        text,
    )
    if found:
        term = re.sub(r"\b[in]\b", "k", re.sub(r"(?<=\d)[in]\b", "*k", found["term"]))
        tree = parsed(term, "k")
        return _make_series(found["op"], show(tree), int(found["a"]), int(found["b"]), "") if tree else None
    return None


def _progression(text: str) -> Task | None:
    """Read `1 + 2 + 4 + ... + 64`, and `the first 10 terms of the series 3, 7, 11`."""
    number = r"-?\d{1,12}(?:/\d{1,6}|\.\d{1,6})?"
    if found := re.fullmatch(
        rf"(?:the sum )?({number}) ?\+ ?({number}) ?\+ ?({number}) ?\+(?:.*\+)? ?\.\.\.? ?\+ ?({number})", text
    ):
        start, second, third, end = (Fraction(one) for one in found.groups())
        return _between(start, second, third, end)
    found = re.fullmatch(
        rf"(?:the )?sum of (?:the )?first (\d{{1,7}}) terms (?:of|in) (?:the |an? )?(?:arithmetic |geometric )?"
        rf"(?:series|sequence|progression)?:? ?({number}), ?({number}), ?({number}).*",
        text,
    )
    if not found:
        return None
    start, second, third = (Fraction(one) for one in found.groups()[1:])
    term = _rule(start, second, third)
    return _make_series("sum", term, 1, int(found[1]), "") if term else None


def _rule(start: Fraction, second: Fraction, third: Fraction) -> str | None:
    if second - start == third - second:
        return f"{_fraction(start)} + (k - 1) * {_fraction(second - start)}"
    if start and second and second / start == third / second:
        return f"{_fraction(start)} * {_fraction(second / start)}^(k - 1)"
    return None


def _between(start: Fraction, second: Fraction, third: Fraction, end: Fraction) -> Task | None:
    term = _rule(start, second, third)
    if not term:
        return None
    if second - start == third - second:
        step = second - start
        count = (end - start) / step + 1 if step else Fraction(0)
        exact = count.denominator == 1 and count >= 3
        return _make_series("sum", term, 1, int(count), "") if exact else None
    value, count = start, 1
    while value != end and count < 400:
        value, count = value * second / start, count + 1
    return _make_series("sum", term, 1, count, "") if value == end else None


def _fraction(value: Fraction) -> str:
    return str(value) if value.denominator == 1 and value >= 0 else f"({value})"


def _make_series(operation: str, term: str, first: int, last: int, label: str) -> Task | None:
    if last < first:
        return None
    label = label.removeprefix("the ")
    return Series(
        operation="product" if operation == "product" else "sum", term=term, first=first, last=last, label=label
    )


# -- numbers with a property ------------------------------------------------------------------------


def _counting(text: str) -> Task | None:
    ask = "sum" if re.match(r"(?:the )?(?:sum|total) of", text) else "count"
    if ask == "count" and not re.search(r"how many|number of|count", text):
        return None
    interval = _interval(text)
    if not interval:
        return None
    first, last, rest = interval
    rest = re.sub(r"^.*?(?:how many|number of|count|(?:sum|total) of)", "", rest)
    divisors: list[int] = []
    if re.search(r"\bprimes?\b", rest):
        test = "prime"
    elif re.search(r"\bsquares?\b", rest):
        test = "square"
    elif re.search(r"\bcubes?\b", rest):
        test = "cube"
    elif found := re.search(r"(?:(not|neither) )?(?:divisible by|multiples? of)\b(.*)", rest):
        divisors = [one for one in integers(found[2]) if one > 0]
        negated = found[1] or re.search(r"\bneither\b", rest)
        test = (
            "none" if negated else "all" if re.search(r"\d (?:and|but also) (?:by )?\d|\bboth\b", found[2]) else "any"
        )
    elif found := re.search(r"\b(even|odd)\b", rest):
        test, divisors = ("any" if found[1] == "even" else "none"), [2]
    else:
        return None
    if test in {"any", "all", "none"} and (not divisors or len(divisors) > 6):
        return None
    assumed = "both ends are counted" if re.search(r"\bbetween\b", text) else ""
    if ask == "sum" and test in {"square", "cube"}:
        assumed = f"{test} numbers that lie in the interval, not the {test}s of its numbers"
    return Counting(first=first, last=last, test=test, divisors=divisors, ask=ask, assumed=assumed)


def _interval(text: str) -> tuple[int, int, str] | None:
    for pattern, shift in (
        (r"(?:from|between) (\d{1,12}) (?:to|and|through|up to) (\d{1,12})(?: inclusive)?", 0),
        (r"(\d{1,12})(?:-|\.\.\.?| to )(\d{1,12})", 0),
        (r"(?:below|under|less than|smaller than|before) ()(\d{1,12})", -1),
        (r"(?:up to|no (?:more|larger|greater) than|at most|not exceeding|until|<=) ()(\d{1,12})", 0),
        (r"first ()(\d{1,12}) (?=positive|natural|integers|numbers|whole)", 0),
    ):
        if found := re.search(pattern, text):
            rest = text[: found.start()] + " " + text[found.end() :]
            first, last = int(found[1] or 1), int(found[2]) + shift
            return (first, last, rest) if first <= last else None
    return None
