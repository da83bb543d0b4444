"""How values are said: one phrase for each kind of task, the same whoever found the value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from nexus_agents.core.work import Answer, Step
from nexus_agents.models.builtin.solvers.tasks import (
    Arithmetic,
    Arrangements,
    Birthday,
    Change,
    Common,
    Comparison,
    Counting,
    Days,
    Dice,
    Digits,
    Divisible,
    Equation,
    Flips,
    LinearSystem,
    Logic,
    Prime,
    Relation,
    Remainder,
    Selection,
    Series,
    Task,
)
from nexus_agents.models.builtin.solvers.tasks import Sequence as SequenceTask

__all__ = [
    "NO_ANSWER",
    "abstain",
    "answered",
    "arithmetic",
    "common",
    "comparison",
    "decimal",
    "divisible",
    "equation",
    "factorised",
    "logic",
    "number",
    "prime",
    "said",
    "system",
]

NO_ANSWER = "no answer"
_LONG = 400
"""Digits that are still written out."""


def answered(
    task: Task,
    answer: str,
    method: str,
    steps: Sequence[Step] = (),
    *,
    scope: str = "",
    confidence: float = 1.0,
) -> Answer:
    """Return an answer; it is certain where the confidence is 1, and its scope names what was assumed."""
    parts = [f"assumed: {task.assumed}" if task.assumed else "", scope]
    return Answer(
        answer=answer,
        method=method,
        steps=list(steps),
        certain=confidence == 1.0,
        scope="; ".join(one for one in parts if one),
        confidence=confidence,
    )


def abstain(method: str, reason: str) -> Answer:
    """Return the answer of a solver that has none."""
    return Answer(answer=NO_ANSWER, method=method, certain=False, scope=reason, confidence=0.0)


def number(value: int | Fraction) -> str:
    """Write a number: decimals where they end, otherwise a fraction and what it is about."""
    value = Fraction(value)
    if value.denominator == 1:
        text = str(value.numerator)
        return text if len(text) <= _LONG else f"{text[:20]}...{text[-20:]} ({len(text.lstrip('-'))} digits)"
    rest, places = value.denominator, 0
    for prime_factor in (2, 5):
        power = 0
        while rest % prime_factor == 0:
            rest, power = rest // prime_factor, power + 1
        places = max(places, power)
    if rest == 1 and places <= 12:
        digits = f"{abs(value.numerator) * 10**places // value.denominator:0{places + 1}d}"
        return f"{'-' if value < 0 else ''}{digits[:-places]}.{digits[-places:]}"
    return fraction(value)


def fraction(value: Fraction) -> str:
    """Write a probability or another fraction as such, with its decimals."""
    if value.denominator == 1:
        return str(value.numerator)
    text = str(value)
    return f"{text} (about {decimal(value)})" if len(text) <= 40 else f"about {decimal(value)}"


def decimal(value: Fraction | float) -> str:
    """Write a value to ten significant digits."""
    return f"{float(value):.10g}"


# -- one phrase for each kind -----------------------------------------------------------------------


def prime(task: Prime, n: int, is_prime: bool, factor: int | None = None) -> str:
    """Say whether n is prime."""
    shown = task.number if task.number == str(n) else f"{task.number} = {number(n)}"
    if n < 2:
        return f"no, {shown} is neither prime nor composite"
    yes = is_prime == (task.ask == "prime")
    because = f": {number(factor)} * {number(n // factor)}" if factor else ""
    return f"{'yes' if yes else 'no'}, {shown} is {'prime' if is_prime else 'composite' + because}"


def factorised(n: int, factors: Mapping[int, int], rest: int = 1) -> str:
    """Say the factors of n."""
    parts = [f"{p}^{e}" if e > 1 else str(p) for p, e in sorted(factors.items())]
    if rest > 1:
        parts.append(f"C, where C = {number(rest)} is composite and was not factorised")
    if n < 2:
        return f"{n} has no prime factors"
    prime_itself = sum(factors.values()) == 1 and rest == 1
    return f"{number(n)} = {' * '.join(parts)}" + (", which is prime" if prime_itself else "")


def common(task: Common, value: int) -> str:
    """Say a gcd or lcm."""
    return f"{task.function}({', '.join(task.numbers)}) = {number(value)}"


def divisible(task: Divisible, yes: bool, remainder: int) -> str:
    """Say whether a number is divisible."""
    left = "" if yes else f", the remainder is {number(remainder)}"
    return f"{'yes' if yes else 'no'}, {task.number} is {'' if yes else 'not '}divisible by {task.divisor}{left}"


def arithmetic(task: Arithmetic, value: Fraction) -> str:
    """Say the value of an expression."""
    percent = task.unit == "%"
    unit = task.unit if percent else f" {task.unit}" if task.unit else ""
    return f"{task.label or task.expression} = {number(value)}{unit}"


def comparison(task: Comparison, holds: bool, equal: bool) -> str:
    """Say whether a relation holds, or which side is larger."""
    if task.ask == "holds":
        sign = "=" if task.relation == "==" else task.relation
        return f"{'yes' if holds else 'no'}, {task.left} {sign} {task.right} is {'true' if holds else 'false'}"
    if equal:
        return f"neither: {task.left} and {task.right} are equal"
    first, other = (task.left, task.right) if holds else (task.right, task.left)
    return f"{first} is {task.ask} than {other}"


def equation(task: Equation, roots: Sequence[str], note: str = "") -> str:
    """Say the solutions of an equation; each root is `2`, `sqrt(2) (about 1.4142)` or `about 1.4142`."""
    name = f"{task.label}, {task.unknown}" if task.label else task.unknown
    if not roots:
        return f"no real {task.unknown} is a solution{note}"
    return " or ".join(f"{name if place == 0 else task.unknown} = {one}" for place, one in enumerate(roots)) + note


def system(task: LinearSystem, solution: tuple[Fraction, Fraction] | str) -> str:
    """Say the solution of two linear equations."""
    if isinstance(solution, str):
        return f"there {'is no solution' if solution == 'none' else 'are infinitely many solutions'}"
    names = [label or unknown for label, unknown in zip(task.labels, task.unknowns, strict=True)]
    return " and ".join(f"{name} = {number(value)}" for name, value in zip(names, solution, strict=True))


def logic(task: Logic, yes: bool, values: Mapping[str, bool] | None) -> str:
    """Say whether something follows, with the assignment that shows it where there is one."""
    asked = {
        "tautology": f"{_joined(task.premises)} is {{}}a tautology",
        "satisfiable": f"{_joined(task.premises)} is {{}}satisfiable",
        "contradiction": f"{_joined(task.premises)} is {{}}a contradiction",
        "implies": f"{task.conclusion} does {{}}follow from {_joined(task.premises)}",
        "equivalent": f"{_joined(task.premises)} and {task.conclusion} are {{}}equivalent",
    }[task.ask].format("" if yes else "not ")
    if task.ask == "implies" and yes:
        asked = f"{task.conclusion} follows from {_joined(task.premises)}"
    return f"{'yes' if yes else 'no'}, {asked}" + (f" ({assignment(values)})" if values else "")


def assignment(values: Mapping[str, bool]) -> str:
    """Write an assignment: `a true, b false`."""
    return ", ".join(f"{letter} {'true' if value else 'false'}" for letter, value in sorted(values.items()))


def said(task: Task, value: str) -> str:
    """Say a value of the tasks that need no more than a name for it."""
    return f"{_name(task)} = {value}"


def _name(task: Task) -> str:
    match task:
        case Remainder():
            return f"{task.number} mod {task.modulus}"
        case Digits():
            return f"the {'sum' if task.function == 'sum' else 'number'} of the digits of {task.number}"
        case Series():
            return f"the {task.label or f'{task.operation} of {task.term} for k = {task.first}..{task.last}'}"
        case SequenceTask():
            return (
                f"the {_ordinal(task.index)} {task.name.capitalize()} number"
                if task.name != "prime"
                else (f"the {_ordinal(task.index)} prime")
            )
        case Selection():
            order = "in order" if task.ordered else "in any order"
            again = ", with repetition" if task.repeated else ""
            return f"the number of ways to take {task.k} of {task.n} {order}{again}"
        case Arrangements():
            return f"the number of different orders of the letters of {task.word}"
        case Change():
            return f"the number of ways to make {task.amount} from coins of {', '.join(map(str, task.coins))}"
        case Dice():
            what = f"the sum of {task.count} {task.sides}-sided dice is {_relation(task.relation)}{task.total}"
            return f"the probability that {what}"
        case Flips():
            return f"the probability of {_relation(task.relation)}{task.heads} {task.side} in {task.count} flips"
        case Birthday():
            return f"the probability that two of {task.people} people share a birthday"
        case Counting():
            what = {"prime": "prime", "square": "a square", "cube": "a cube"}.get(task.test) or (
                {"any": "divisible by ", "all": "divisible by ", "none": "not divisible by "}[task.test]
                + (" and " if task.test == "all" else " or ").join(map(str, task.divisors))
            )
            how = "sum" if task.ask == "sum" else "number"
            return f"the {how} of the n from {task.first} to {task.last} with n {what}"
        case Days():
            return {
                "between": f"days from {task.first} to {task.second}",
                "weekday": f"the weekday of {task.first}",
                "shift": f"{task.first} {'+' if task.shift >= 0 else '-'} {abs(task.shift)} days",
            }[task.ask]
        case _:
            return "the value"


def _relation(relation: Relation) -> str:
    words = {">=": "at least ", "<=": "at most ", ">": "more than ", "<": "less than ", "!=": "other than "}
    return words.get(relation, "")


def _ordinal(n: int) -> str:
    ending = "th" if 10 <= n % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{ending}"


def _joined(premises: Sequence[str]) -> str:
    return premises[0] if len(premises) == 1 else " and ".join(f"({one})" for one in premises)
