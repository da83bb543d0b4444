"""The search side on equations, logic and dates: candidates, sign changes, truth tables, calendars."""

from __future__ import annotations

import itertools
import math
from datetime import date
from fractions import Fraction

from nexus_agents.core.work import Answer, Step
from nexus_agents.models.builtin.solvers import phrase, propositions
from nexus_agents.models.builtin.solvers.budget import Budget
from nexus_agents.models.builtin.solvers.exact import Exact
from nexus_agents.models.builtin.solvers.expression import Node, Undefined, number, parse, show, substitute
from nexus_agents.models.builtin.solvers.polynomial import at, coefficients, divide_root
from nexus_agents.models.builtin.solvers.tasks import Days, Equation, LinearSystem, Logic

__all__ = ["days", "equation", "logic", "system"]

_CELLS = 4_000
_GRID = 1_000


def equation(task: Equation, budget: Budget) -> Answer:
    """Try every rational candidate p / q (rational root theorem), then look for changes of sign."""
    node = parse(f"({task.left}) - ({task.right})", task.unknown)
    polynomial = coefficients(node, task.unknown)
    if len(polynomial) < 2:
        everything = not polynomial
        said = f"{'every' if everything else 'no'} {task.unknown} is a solution"
        return phrase.answered(task, said, "the unknown cancels")
    degree = len(polynomial) - 1
    rational, rest = _rational_roots(polynomial, budget)
    steps: list[Step] = []
    for root in sorted(set(rational)):
        there = show(substitute(node, task.unknown, number(root)))
        steps.append(Step(claim=f"{task.unknown} = {root} fits when put in", check=f"{there} == 0"))
    irrational = _sign_changes(rest, budget) if len(rest) > 2 else []
    for low, high in irrational:
        ends = " * ".join(f"({show(substitute(node, task.unknown, number(end)))})" for end in (low, high))
        claim = f"left - right changes its sign at {phrase.decimal((low + high) / 2)}"
        # An irrational root may share its bracket's sign with an even rational one; only a plain change is stated.
        steps.append(Step(claim=claim, check=f"{ends} < 0" if len(set(rational)) == len(rational) else None))
    roots = [(float(root), phrase.number(root)) for root in set(rational)]
    middles = [float((low + high) / 2) for low, high in irrational]
    roots += [(middle, f"about {phrase.decimal(middle)}") for middle in middles]
    said = phrase.equation(task, [text for _, text in sorted(roots)])
    complete = len(rational) + len(irrational) == degree
    if not complete and len(rest) == 3:
        c, b, a = rest
        complete = b * b < 4 * a * c
        steps.append(Step(claim="what is left has a negative discriminant", check=f"({b})^2 < 4 * ({a}) * ({c})"))
    method = "rational candidates, then changes of sign"
    if complete:
        return phrase.answered(task, said, method, steps)
    scope = f"{_CELLS} cells were searched for changes of sign; roots where the curve only touches 0 would be missed"
    return phrase.answered(task, said, method, steps, scope=scope, confidence=0.7)


def system(task: LinearSystem, budget: Budget) -> Answer:
    """Walk the first unknown over a grid of fractions; the second follows from one equation, the other decides."""
    x_name, y_name = task.unknowns
    nodes = [parse(f"({left}) - ({right})", "".join(task.unknowns)) for left, right in task.equations]

    def value(node: Node, x: Fraction, y: Fraction) -> Fraction:
        return Exact().number(substitute(substitute(node, x_name, number(x)), y_name, number(y)))

    zero, one = Fraction(0), Fraction(1)
    constants = [value(node, zero, zero) for node in nodes]
    slopes = [
        (value(node, one, zero) - c, value(node, zero, one) - c) for node, c in zip(nodes, constants, strict=True)
    ]
    (a, b), (d, e) = slopes
    unique = Step(claim="the two lines have different directions", check=f"({a}) * ({e}) != ({b}) * ({d})")
    if a * e == b * d:
        return phrase.abstain("grid of fractions", "the two lines are parallel; a grid shows nothing")
    chosen = 0 if b else 1
    for x in _grid():
        budget.spend()
        by, cy = slopes[chosen][1], constants[chosen]
        if not by:
            continue
        y = -(slopes[chosen][0] * x + cy) / by
        if slopes[1 - chosen][0] * x + slopes[1 - chosen][1] * y + constants[1 - chosen] == 0:
            steps = [unique]
            for (left, right), node in zip(task.equations, nodes, strict=True):
                there = show(substitute(substitute(node, x_name, number(x)), y_name, number(y)))
                steps.append(Step(claim=f"{x}, {y} fits {left} = {right}", check=f"{there} == 0"))
            return phrase.answered(task, phrase.system(task, (x, y)), "grid of fractions", steps)
    return phrase.abstain("grid of fractions", f"no {x_name} = p/q with |p| up to {_GRID} and small q fits")


def logic(task: Logic, budget: Budget) -> Answer:
    """Write the truth table."""
    premises = [propositions.read(one) for one in task.premises]
    conclusion = propositions.read(task.conclusion) if task.conclusion else None
    formulas = premises + ([conclusion] if conclusion else [])
    letters = sorted({letter for one in formulas for letter in propositions.letters_in(one)})
    shown: dict[str, bool] | None = None
    for row in itertools.product((True, False), repeat=len(letters)):
        budget.spend(len(formulas))
        values = dict(zip(letters, row, strict=True))
        given = all(propositions.holds(one, values) for one in premises)
        then = conclusion is not None and propositions.holds(conclusion, values)
        hit = {
            "satisfiable": given,
            "contradiction": given,
            "tautology": not given,
            "implies": given and not then,
            "equivalent": given != then,
        }[task.ask]
        if hit:
            shown = values
            break
    yes = (shown is not None) == (task.ask == "satisfiable")
    steps: list[Step] = []
    if shown is not None:
        given = " and ".join(propositions.written(one, shown) for one in premises)
        then = propositions.written(conclusion, shown) if conclusion else ""
        check = {
            "satisfiable": given,
            "contradiction": given,
            "tautology": f"not ({given})",
            "implies": f"({given}) and not {then}",
            "equivalent": f"(({given}) and not {then}) or (not ({given}) and {then})",
        }[task.ask]
        steps.append(Step(claim=f"the row {phrase.assignment(shown)}", check=check))
    else:
        steps.append(Step(claim=f"all {2 ** len(letters)} rows of the truth table were tried"))
    return phrase.answered(task, phrase.logic(task, yes, shown), "truth table", steps)


def days(task: Days, budget: Budget) -> Answer:
    """Turn the pages of the calendar, a year or a month at a time, then a day."""
    if task.ask == "weekday":
        # 1 January 2000 was a Saturday.
        anchor = date(2000, 1, 1)
        count = _count_days(min(anchor, task.first), max(anchor, task.first), budget)
        offset = count if task.first >= anchor else -count
        name = _WEEKDAYS[(5 + offset) % 7]
        steps = [Step(claim=f"{task.first} is {offset} days from Saturday, {anchor}")]
        return phrase.answered(task, phrase.said(task, name), "counting days from a known one", steps)
    if task.ask == "shift":
        year, month, day = task.first.year, task.first.month, task.first.day
        for _ in range(abs(task.shift)):
            budget.spend()
            year, month, day = _next(year, month, day) if task.shift > 0 else _previous(year, month, day)
        if not 1 <= year <= 9999:
            raise Undefined("The date lies outside the years 1 to 9999.", "Use fewer days.")
        return phrase.answered(task, phrase.said(task, str(date(year, month, day))), "one day after another")
    second = task.second or task.first
    count = _count_days(min(task.first, second), max(task.first, second), budget)
    steps = [Step(claim=f"counted on the calendar: {count} days")]
    return phrase.answered(task, phrase.said(task, str(count)), "counting on the calendar", steps)


# -- helpers ----------------------------------------------------------------------------------------

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def _rational_roots(polynomial: list[Fraction], budget: Budget) -> tuple[list[Fraction], list[Fraction]]:
    """Return the rational roots with multiplicity, and the polynomial without them."""
    found: list[Fraction] = []
    rest = polynomial
    while len(rest) > 1 and rest[0] == 0:
        found.append(Fraction(0))
        rest = rest[1:]
    scale = math.lcm(*(one.denominator for one in rest))
    whole = [int(one * scale) for one in rest]
    candidates = sorted(
        {Fraction(p, q) for p in _divisors(abs(whole[0]), budget) for q in _divisors(abs(whole[-1]), budget)}
    )
    for candidate in candidates:
        for root in (candidate, -candidate):
            budget.spend(len(rest))
            while len(rest) > 1 and at(rest, root) == 0:
                found.append(root)
                rest = divide_root(rest, root)
    return found, rest


def _divisors(n: int, budget: Budget) -> list[int]:
    small: list[int] = []
    for d in range(1, math.isqrt(n) + 1):
        budget.spend()
        if n % d == 0:
            small.append(d)
    return sorted({*small, *(n // d for d in small)})


def _sign_changes(polynomial: list[Fraction], budget: Budget) -> list[tuple[Fraction, Fraction]]:
    """Bracket the real roots to 1e-13 inside Cauchy's bound 1 + max |a_i / a_n|."""
    bound = math.ceil(1 + max(abs(one / polynomial[-1]) for one in polynomial[:-1]))
    found: list[tuple[Fraction, Fraction]] = []
    step = Fraction(2 * bound, _CELLS)
    low = Fraction(-bound)
    before = at(polynomial, low)
    for _ in range(_CELLS):
        budget.spend(len(polynomial))
        high = low + step
        after = at(polynomial, high)
        if before * after < 0:
            found.append(_bisect(polynomial, low, high, before))
        low, before = high, after
    return found


def _bisect(polynomial: list[Fraction], low: Fraction, high: Fraction, below: Fraction) -> tuple[Fraction, Fraction]:
    while high - low > Fraction(1, 10**13):
        middle = (low + high) / 2
        if at(polynomial, middle) * below > 0:
            low = middle
        else:
            high = middle
    return low, high


def _grid() -> list[Fraction]:
    whole = [Fraction(i) for i in range(_GRID + 1)]
    parts = [Fraction(i, q) for q in (2, 3, 4, 5, 6, 7, 8, 9, 10, 100) for i in range(1, _GRID + 1)]
    return [sign * one for one in [*whole, *parts] for sign in (1, -1)]


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _month_days(year: int, month: int) -> int:
    return 29 if month == 2 and _leap(year) else _LENGTHS[month - 1]


def _next(year: int, month: int, day: int) -> tuple[int, int, int]:
    if day < _month_days(year, month):
        return year, month, day + 1
    return (year, month + 1, 1) if month < 12 else (year + 1, 1, 1)


def _previous(year: int, month: int, day: int) -> tuple[int, int, int]:
    if day > 1:
        return year, month, day - 1
    year, month = (year, month - 1) if month > 1 else (year - 1, 12)
    return year, month, _month_days(year, month)


def _count_days(first: date, last: date, budget: Budget) -> int:
    """Count whole years first, then months, then days."""
    total, year, month, day = 0, first.year, first.month, first.day
    while (year, month, day) != (last.year, last.month, last.day):
        budget.spend()
        if year + 1 < last.year and (month, day) == (1, 1):
            total, year = total + (366 if _leap(year) else 365), year + 1
        else:
            total, (year, month, day) = total + 1, _next(year, month, day)
    return total
