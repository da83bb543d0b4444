"""The symbolic side on equations, logic and dates."""

from __future__ import annotations

import math
from datetime import date
from fractions import Fraction

from nexus_agents.core.work import Answer, Step
from nexus_agents.models.builtin.solvers import algebra, phrase, propositions
from nexus_agents.models.builtin.solvers.expression import Node, Undefined, number, parse, show, substitute
from nexus_agents.models.builtin.solvers.polynomial import coefficients, linear
from nexus_agents.models.builtin.solvers.propositions import Formula
from nexus_agents.models.builtin.solvers.tasks import Days, Equation, LinearSystem, Logic

__all__ = ["days", "equation", "logic", "logic_formula", "system"]


def equation(task: Equation) -> Answer:
    """Factorise the polynomial over the rationals; irreducible factors give surds or isolated roots."""
    node = parse(f"({task.left}) - ({task.right})", task.unknown)
    polynomial = coefficients(node, task.unknown)
    if len(polynomial) < 2:
        return _degenerate(task, polynomial)
    content, factors = algebra.polynomial_factors(polynomial)
    steps = [_identity(node, task.unknown, len(polynomial) - 1, content, factors)]
    roots: list[tuple[float, str]] = []
    imaginary: list[str] = []
    for factor in factors:
        imaginary += factor.complex_roots
        if len(factor.coefficients) == 2:
            root = Fraction(-factor.coefficients[0], factor.coefficients[1])
            there = show(substitute(node, task.unknown, number(root)))
            steps.append(Step(claim=f"{task.unknown} = {root} makes both sides equal", check=f"{there} == 0"))
            roots.append((float(root), phrase.number(root)))
            continue
        for text, value in factor.roots:
            steps.append(_bracket(factor.coefficients, task.unknown, value))
            about = f"about {phrase.decimal(value)}"
            roots.append((value, f"{text} ({about})" if text else about))
        if len(factor.coefficients) == 3 and not factor.roots:
            c, b, a = factor.coefficients
            steps.append(
                Step(claim="the discriminant is negative: no real root", check=f"({b})^2 - 4 * ({a}) * ({c}) < 0")
            )
    note = f"; complex: {', '.join(one for one in imaginary if one)}" if any(imaginary) else ""
    said = phrase.equation(task, [text for _, text in sorted(roots)], note)
    return phrase.answered(task, said, "factorisation over the rationals", steps)


def system(task: LinearSystem) -> Answer:
    """Solve two linear equations by elimination; the solution is put into both."""
    nodes = [parse(f"({left}) - ({right})", "".join(task.unknowns)) for left, right in task.equations]
    rows = [linear(node, task.unknowns) for node in nodes]
    solution = algebra.solve_pair(rows)
    (a, b, _), (d, e, _) = rows
    determinant = f"({a}) * ({e}) - ({b}) * ({d})"
    sign = "==" if isinstance(solution, str) else "!="
    word = "zero" if sign == "==" else "not zero, so there is one solution"
    steps = [Step(claim=f"the determinant is {word}", check=f"{determinant} {sign} 0")]
    if not isinstance(solution, str):
        for (left, right), node in zip(task.equations, nodes, strict=True):
            for name, value in zip(task.unknowns, solution, strict=True):
                node = substitute(node, name, number(value))
            steps.append(Step(claim=f"the solution fits {left} = {right}", check=f"{show(node)} == 0"))
    return phrase.answered(task, phrase.system(task, solution), "elimination", steps)


def logic(task: Logic) -> Answer:
    """Ask a satisfiability solver for a counterexample or a model."""
    formula, model_means = logic_formula(task)
    values = algebra.model_of(formula)
    steps: list[Step] = []
    if values is not None:
        values = {letter: values.get(letter, False) for letter in propositions.letters_in(formula)}
        check = propositions.written(formula, values)
        steps.append(Step(claim=f"take {phrase.assignment(values)}", check=check))
    else:
        steps.append(Step(claim="the solver finds no assignment: there is none"))
    yes = model_means if values is not None else not model_means
    return phrase.answered(task, phrase.logic(task, yes, values), "satisfiability (DPLL)", steps)


def logic_formula(task: Logic) -> tuple[Formula, bool]:
    """Return a formula and what the answer is where some assignment makes it true."""
    premises = [propositions.read(one) for one in task.premises]
    joined = premises[0] if len(premises) == 1 else Formula("and", tuple(premises))
    if task.ask == "satisfiable":
        return joined, True
    if task.ask == "contradiction":
        return joined, False
    if task.ask == "tautology":
        return Formula("not", (joined,)), False
    conclusion = propositions.read(task.conclusion)
    if task.ask == "equivalent":
        return Formula("xor", (joined, conclusion)), False
    return Formula("and", (joined, Formula("not", (conclusion,)))), False


def days(task: Days) -> Answer:
    """Use the Julian day number of each date, which anyone can compute from the formula in the step."""
    number_of_first, formula = _julian_day(task.first)
    steps = [
        Step(claim=f"{task.first} has the Julian day number {number_of_first}", check=f"{formula} == {number_of_first}")
    ]
    if task.ask == "weekday":
        name = _WEEKDAYS[number_of_first % 7]
        steps.append(
            Step(
                claim=f"it leaves {number_of_first % 7} by 7: {name}",
                check=f"{number_of_first} % 7 == {number_of_first % 7}",
            )
        )
        return phrase.answered(task, phrase.said(task, name), "Julian day numbers", steps)
    if task.ask == "shift":
        try:
            reached = date.fromordinal(task.first.toordinal() + task.shift)
        except (ValueError, OverflowError):
            raise Undefined("The date lies outside the years 1 to 9999.", "Use fewer days.") from None
        last, formula = _julian_day(reached)
        steps.append(Step(claim=f"{reached} has {last}", check=f"{formula} == {number_of_first} + ({task.shift})"))
        return phrase.answered(task, phrase.said(task, str(reached)), "Julian day numbers", steps)
    second = task.second or task.first
    last, formula = _julian_day(second)
    steps.append(Step(claim=f"{second} has {last}", check=f"{formula} == {last}"))
    return phrase.answered(task, phrase.said(task, str(abs(last - number_of_first))), "Julian day numbers", steps)


# -- helpers ----------------------------------------------------------------------------------------

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _degenerate(task: Equation, polynomial: list[Fraction]) -> Answer:
    if polynomial:
        step = Step(claim="the unknown cancels, and what is left is not zero", check=f"({polynomial[0]}) != 0")
        return phrase.answered(task, f"no {task.unknown} is a solution", "simplification", [step])
    return phrase.answered(task, f"every {task.unknown} is a solution", "simplification: both sides are the same")


def _identity(node: Node, unknown: str, degree: int, content: Fraction, factors: list[algebra.Factor]) -> Step:
    """State a factorisation by its values: polynomials of degree d that agree at d + 1 places are the same."""
    places: list[str] = []
    for x in range(degree + 1):
        there = " * ".join(
            [f"({content})"] + [f"({_value(one.coefficients, str(x))})^{one.multiplicity}" for one in factors]
        )
        places.append(f"{show(substitute(node, unknown, number(x)))} == {there}")
    parts = [
        f"({_written(one.coefficients, unknown)})" + (f"^{one.multiplicity}" if one.multiplicity > 1 else "")
        for one in factors
    ]
    front = [phrase.number(content)] if content != 1 else []
    return Step(claim=f"left - right = {' * '.join(front + parts)}", check=" and ".join(places))


def _bracket(polynomial: list[int], unknown: str, value: float) -> Step:
    scale = 10**9
    low = math.floor(Fraction(value) * scale)
    ends = Fraction(low - 1, scale), Fraction(low + 2, scale)
    below, above = (f"({_value(polynomial, f'({end})')})" for end in ends)
    claim = f"{_written(polynomial, unknown)} changes its sign at {phrase.decimal(value)}"
    return Step(claim=claim, check=f"{below} * {above} < 0")


def _value(polynomial: list[int], x: str) -> str:
    return " + ".join(f"({c}) * {x}^{power}" for power, c in enumerate(polynomial))


def _written(polynomial: list[int], unknown: str) -> str:
    text = ""
    for power in range(len(polynomial) - 1, -1, -1):
        c = polynomial[power]
        if not c:
            continue
        size = "" if abs(c) == 1 and power else str(abs(c))
        letter = "" if power == 0 else unknown if power == 1 else f"{unknown}^{power}"
        sign = (" - " if c < 0 else " + ") if text else ("-" if c < 0 else "")
        text += f"{sign}{size}{letter}"
    return text or "0"


def _julian_day(day: date) -> tuple[int, str]:
    """Return the Julian day number at noon and the formula that gives it.

    Source: H. F. Fliegel and T. C. Van Flandern, Comm. ACM 11 (1968), in the form with floors.
    """
    a = (14 - day.month) // 12
    y, m = day.year + 4800 - a, day.month + 12 * a - 3
    value = day.day + (153 * m + 2) // 5 + 365 * y + y // 4 - y // 100 + y // 400 - 32045
    return value, f"{day.day} + (153 * {m} + 2) // 5 + 365 * {y} + {y} // 4 - {y} // 100 + {y} // 400 - 32045"
