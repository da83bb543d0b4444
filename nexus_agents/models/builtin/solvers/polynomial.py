"""Polynomials with rational coefficients, taken from expressions in one or two unknowns."""

from __future__ import annotations

from fractions import Fraction

from nexus_agents.models.builtin.solvers.exact import Exact
from nexus_agents.models.builtin.solvers.expression import Node, NotAnExpression, names_in

__all__ = ["at", "coefficients", "divide_root", "linear", "terms"]

MAX_DEGREE = 12
"""Degree that may occur on the way; what is solved has degree 4 at most."""

Terms = dict[tuple[int, ...], Fraction]


def terms(node: Node, unknowns: tuple[str, ...]) -> Terms:
    """Multiply an expression out.

    Args:
        node: The expression.
        unknowns: The letters that count as unknowns.

    Returns:
        Coefficient by exponents, one exponent for each unknown; no coefficient is 0.

    Raises:
        NotAnExpression: It is not a polynomial in the unknowns, or its degree is too high.
    """
    if not names_in(node):
        value = Exact().number(node)
        return {(0,) * len(unknowns): value} if value else {}
    match node.op:
        case "name" if node.name in unknowns:
            return {tuple(int(one == node.name) for one in unknowns): Fraction(1)}
        case "+":
            total: Terms = {}
            for one in node.args:
                total = _add(total, terms(one, unknowns))
            return total
        case "neg":
            return {powers: -value for powers, value in terms(node.args[0], unknowns).items()}
        case "*":
            product = terms(node.args[0], unknowns)
            for one in node.args[1:]:
                product = _multiply(product, terms(one, unknowns))
            return product
        case "/" if not names_in(node.args[1]):
            divisor = Exact().number(node.args[1])
            if divisor == 0:
                raise NotAnExpression("The equation divides by zero.", "Check the numbers.")
            return {powers: value / divisor for powers, value in terms(node.args[0], unknowns).items()}
        case "^" if not names_in(node.args[1]):
            exponent = Exact().integer(node.args[1])
            if not 0 <= exponent <= MAX_DEGREE:
                raise NotAnExpression(f"The exponent {exponent} is not solved.", "Use degrees up to 4.")
            base, power = terms(node.args[0], unknowns), {(0,) * len(unknowns): Fraction(1)}
            for _ in range(exponent):
                power = _multiply(power, base)
            return power
        case _:
            raise NotAnExpression("This is not a polynomial equation.", "Use + - * ^ and division by numbers.")


def coefficients(node: Node, unknown: str) -> list[Fraction]:
    """Return the coefficients of a polynomial in one unknown, from the constant up; [] for 0.

    Raises:
        NotAnExpression: It is not such a polynomial.
    """
    found = terms(node, (unknown,))
    degree = max((powers[0] for powers in found), default=-1)
    return [found.get((power,), Fraction(0)) for power in range(degree + 1)]


def linear(node: Node, unknowns: tuple[str, str]) -> tuple[Fraction, Fraction, Fraction]:
    """Return a, b, c of `a x + b y + c`.

    Raises:
        NotAnExpression: The expression is not linear.
    """
    found = terms(node, unknowns)
    if any(sum(powers) > 1 for powers in found):
        raise NotAnExpression("The equations are not linear.", "Use no products of unknowns.")
    zero = Fraction(0)
    return found.get((1, 0), zero), found.get((0, 1), zero), found.get((0, 0), zero)


def at(polynomial: list[Fraction], x: Fraction) -> Fraction:
    """Return the value of a polynomial (Horner's rule)."""
    value = Fraction(0)
    for coefficient in reversed(polynomial):
        value = value * x + coefficient
    return value


def divide_root(polynomial: list[Fraction], root: Fraction) -> list[Fraction]:
    """Divide a polynomial by `x - root` (synthetic division); the remainder is dropped."""
    quotient: list[Fraction] = []
    carry = Fraction(0)
    for coefficient in reversed(polynomial):
        carry = carry * root + coefficient
        quotient.append(carry)
    return quotient[-2::-1]


def _add(a: Terms, b: Terms) -> Terms:
    total = {powers: a.get(powers, Fraction(0)) + b.get(powers, Fraction(0)) for powers in a | b}
    return {powers: value for powers, value in total.items() if value}


def _multiply(a: Terms, b: Terms) -> Terms:
    product: Terms = {}
    for left, x in a.items():
        for right, y in b.items():
            powers = tuple(i + j for i, j in zip(left, right, strict=True))
            if sum(powers) > MAX_DEGREE:
                raise NotAnExpression("The degree is too high.", "Use degrees up to 4.")
            product[powers] = product.get(powers, Fraction(0)) + x * y
    return {powers: value for powers, value in product.items() if value}
