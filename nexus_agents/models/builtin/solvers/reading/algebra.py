"""Equations, pairs of linear equations, and short stories that hide them."""

from __future__ import annotations

import re
from collections.abc import Callable

from nexus_agents.core.errors import NexusError
from nexus_agents.models.builtin.solvers.expression import Node, names_in, show
from nexus_agents.models.builtin.solvers.polynomial import coefficients, linear
from nexus_agents.models.builtin.solvers.reading.text import parsed
from nexus_agents.models.builtin.solvers.tasks import Arithmetic, Equation, LinearSystem, Task

__all__ = ["read"]

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_NUMBER = r"\$?(\d{1,12}(?:\.\d{1,6})?)"


def read(text: str) -> Task | None:
    """Return the task of a cleaned question about unknowns, or None."""
    for pattern, make in _STORIES:
        if found := re.search(pattern, text):
            return make(found)
    text = re.sub(r"^(?:the )?(?:solutions? (?:of|to|for)|solve(?: for [a-z])?|system)\b[: ]*", "", text)
    text = re.sub(r"^(?:the )?(?:equations?|system(?: of equations)?|pair)\b[: ]*", "", text)
    if found := re.fullmatch(r"(?:all )?(?:the )?(?:real )?(?:roots|zeros|zeroes) (?:of|for) (.+)", text):
        text = found[1] if "=" in found[1] else f"{found[1]} = 0"
    text = re.sub(
        r"^[a-z](?:,? (?:and )?[a-z])? (?:if|when|such that|in|where|given(?: that)?|so that)\b[: ]*", "", text
    )
    text = re.sub(r"^(?:if|given(?: that)?|suppose) ", "", text)
    text = re.sub(r"(?: for|, find|, what is|,? what are) [a-z](?: and [a-z])?$", "", text)
    parts = [one.strip() for one in re.split(r",\s*(?:and\s+)?|;|\band\b", text) if one.strip()]
    sides = [_sides(part) for part in parts]
    equations = [one for one in sides if one]
    if len(equations) != len(parts):
        return None
    if len(equations) == 1:
        return _equation(*equations[0])
    return _system(equations) if len(equations) == 2 else None


def _sides(text: str) -> tuple[Node, Node] | None:
    halves = re.split(r"(?<![<>!=])==?(?!=)", text)
    if len(halves) != 2:
        return None
    left, right = (parsed(half.strip(), _LETTERS) for half in halves)
    return (left, right) if left and right else None


def _difference(left: Node, right: Node) -> Node:
    return Node("+", (left, Node("neg", (right,), depth=right.depth + 1)), depth=max(left.depth, right.depth) + 2)


def _equation(left: Node, right: Node, label: str = "") -> Task | None:
    names = names_in(left) | names_in(right)
    if len(names) != 1:
        return None
    unknown = names.pop()
    try:
        degree = len(coefficients(_difference(left, right), unknown)) - 1
    except NexusError:
        return None
    return Equation(left=show(left), right=show(right), unknown=unknown, label=label) if degree <= 4 else None


def _system(equations: list[tuple[Node, Node]], labels: tuple[str, str] = ("", "")) -> Task | None:
    names = sorted(set[str]().union(*(names_in(side) for pair in equations for side in pair)))
    if len(names) != 2:
        return None
    unknowns = (names[0], names[1])
    try:
        for left, right in equations:
            linear(_difference(left, right), unknowns)
    except NexusError:
        return None
    written = [(show(left), show(right)) for left, right in equations]
    return LinearSystem(equations=written, unknowns=unknowns, labels=labels)


# -- stories ----------------------------------------------------------------------------------------


def _pair(first: str, second: str, labels: tuple[str, str]) -> Task | None:
    sides = [_sides(first), _sides(second)]
    return _system([one for one in sides if one], labels)


def _sum_and_difference(found: re.Match[str]) -> Task | None:
    return _pair(f"x + y = {found[1]}", f"x - y = {found[2]}", ("the larger number", "the smaller number"))


def _bat_and_ball(found: re.Match[str]) -> Task | None:
    a, b, total, difference = found[1], found[2], found[3], found[5]
    labels = (f"the {a}", f"the {b}") if found[4] == a else (f"the {b}", f"the {a}")
    return _pair(f"x + y = {total}", f"x - y = {difference}", labels)


_LEGS = {"chicken": 2, "hen": 2, "bird": 2, "duck": 2, "cow": 4, "rabbit": 4, "pig": 4, "sheep": 4, "horse": 4}


def _heads_and_legs(found: re.Match[str]) -> Task | None:
    a, b = (re.sub(r"s$", "", one) if one != "sheep" else one for one in (found[1], found[2]))
    if a not in _LEGS or b not in _LEGS or _LEGS[a] == _LEGS[b]:
        return None
    return _pair(f"x + y = {found[3]}", f"{_LEGS[a]} x + {_LEGS[b]} y = {found[4]}", (found[1], found[2]))


def _rule_of_three(found: re.Match[str]) -> Task | None:
    count, price, other = found[1], found[3], found[4]
    return Arithmetic(expression=f"{price} / {count} * {other}", label=f"the price of {other} {found[2]}")


def _travel(found: re.Match[str]) -> Task | None:
    return Arithmetic(expression=f"{found[1]} * {found[3]}", unit=found[2], label="the distance")


def _number_story(found: re.Match[str]) -> Task | None:
    factor = {"twice": "2", "double": "2", "triple": "3", "half": "(1/2)"}.get(found[1]) or re.sub(r"\D", "", found[1])
    if not factor:
        return None
    sign = "-" if found[2] in {"minus", "decreased by", "less"} else "+"
    sides = _sides(f"{factor} x {sign} {found[3]} = {found[4]}")
    return _equation(*sides, "the number") if sides else None


def _ages(found: re.Match[str]) -> Task | None:
    factor = {"twice": "2"}.get(found[2]) or found[2].split()[0]
    labels = (f"the age of {found[1]}", f"the age of {found[3]}")
    return _pair(f"x = {factor} y", f"x + y = {found[4]}", labels)


_STORIES: list[tuple[str, Callable[[re.Match[str]], Task | None]]] = [
    (rf"\b(?:2 numbers|numbers)\b.*\b(?:sum (?:is|of|to)|add up to|total) {_NUMBER}.*\bdiffer(?:ence)? "
     rf"(?:is|of|by) {_NUMBER}", _sum_and_difference),
    (rf"sum of 2 numbers is {_NUMBER}.* difference (?:is )?{_NUMBER}", _sum_and_difference),
    (rf"an? ([a-z]+) and an? ([a-z]+) cost {_NUMBER}.*? (?:the )?([a-z]+) costs {_NUMBER}(?: dollars?)? more",
     _bat_and_ball),
    (r"\b(chickens|hens|birds|ducks|cows|rabbits|pigs|sheep|horses) and "
     r"(chickens|hens|birds|ducks|cows|rabbits|pigs|sheep|horses)\b.*?(\d{1,6}) heads.*?(\d{1,6}) (?:legs|feet)",
     _heads_and_legs),
    (rf"(?:if )?(\d{{1,6}}) ([a-z]+) costs? {_NUMBER}.*(?:how much|what|price|cost).*?(\d{{1,6}}) \2", _rule_of_three),
    (rf"(?:at|travels|drives|runs|goes|does) {_NUMBER} ?(km|kilomet(?:er|re)s?|miles?)(?:/h| per hour| an hour|ph).*?"
     rf"{_NUMBER} ?(?:h|hours?)\b.*how far|how far.*(?:at|travels) {_NUMBER}", _travel),
    (rf"(twice|double|triple|half|\d+ ?(?:\*|times)) (?:a|the|my|some) (?:certain )?number (plus|minus|increased by|"
     rf"decreased by|and) {_NUMBER} (?:is|equals|gives|makes|=) {_NUMBER}", _number_story),
    (rf"([a-z]+) is (twice|\d+ times) as old as ([a-z]+).*?(?:sum of their ages is|together they are|"
     rf"their ages (?:add up to|total|sum to)) {_NUMBER}", _ages),
]  # fmt: skip
