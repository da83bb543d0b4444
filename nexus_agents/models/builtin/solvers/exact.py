"""The search side's evaluator: Python integers and fractions, operation by operation."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from nexus_agents.models.builtin.solvers.expression import (
    MAX_BITS,
    Node,
    NotAnExpression,
    TooLarge,
    Undefined,
    Value,
    show,
)

__all__ = ["Exact", "guard_binomial", "guard_factorial", "guard_lucas_lehmer", "guard_power", "short"]

_MAX_EXPONENT_BITS = 256
"""Exponents of powmod beyond this are refused: nothing in an answer needs them."""

_MAX_MERSENNE = 5000
"""Exponents of lucaslehmer."""


class Exact:
    """Evaluates with Python's own integers and fractions."""

    name = "integer and fraction arithmetic"

    def value(self, node: Node) -> Value:
        """Return the exact value; see `Evaluator.value`."""
        if node.op == "number":
            return node.value
        if node.op in {"true", "false"}:
            return node.op == "true"
        if node.op == "name":
            raise NotAnExpression(f"'{node.name}' has no value.", "Only numbers can be evaluated.")
        if node.op in {"and", "or", "not"}:
            return self._condition(node)
        numbers = [self.number(one) for one in node.args]
        if node.op in _RELATIONS:
            return _RELATIONS[node.op](numbers[0], numbers[1])
        return _bounded(_arithmetic(node, numbers), node)

    def number(self, node: Node) -> Fraction:
        """Return the value of an expression that is a number.

        Raises:
            NotAnExpression: It is a condition.
        """
        value = self.value(node)
        if isinstance(value, bool):
            raise NotAnExpression("A condition stands where a number should.", "Check the parentheses.")
        return value

    def integer(self, node: Node) -> int:
        """Return the value of an expression that is a whole number.

        Raises:
            Undefined: It is not whole.
        """
        return _whole(self.number(node), show(node))

    def _condition(self, node: Node) -> bool:
        values = [self.value(one) for one in node.args]
        if not all(isinstance(one, bool) for one in values):
            raise NotAnExpression(f"'{node.op}' joins conditions, not numbers.", "Compare with == or <.")
        if node.op == "not":
            return not values[0]
        return all(values) if node.op == "and" else any(values)


def guard_power(base: Fraction, exponent: int, what: str) -> None:
    """Refuse a power whose result would pass `MAX_BITS`.

    Raises:
        TooLarge: It would.
    """
    size = max(abs(base.numerator), base.denominator)
    bits = math.log2(size) if size > 1 else 0.0
    if bits * abs(exponent) <= MAX_BITS:
        return
    # float(exponent) fails past 1e308, where even the number of digits has 300 digits.
    countable = exponent.bit_length() < 1000 and exponent > 0
    raise TooLarge(what, exponent * math.log10(abs(base)) if countable and abs(base) > 1 else None)


def guard_factorial(n: int, what: str) -> None:
    """Refuse a factorial of a negative number or past `MAX_BITS`.

    Raises:
        Undefined: n is negative.
        TooLarge: n! would be too large.
    """
    if n < 0:
        raise Undefined(f"{what} has no value.", "Factorials are of numbers from 0 up.")
    log10 = math.lgamma(n + 1.0) / math.log(10) if n.bit_length() < 900 else None
    if log10 is None or log10 > MAX_BITS * math.log10(2):
        raise TooLarge(what, log10)


def guard_lucas_lehmer(p: int, what: str) -> None:
    """Refuse a Lucas-Lehmer residue that has no meaning or takes too long (about a second at the limit)."""
    if p < 2:
        raise Undefined(f"{what} has no value.", "The exponent of a Mersenne number is 2 or more.")
    if p > _MAX_MERSENNE:
        raise TooLarge(f"The modulus of {what}", p * math.log10(2))


def guard_binomial(n: int, k: int, what: str) -> None:
    """Refuse a binomial coefficient of negative numbers or past `MAX_BITS`.

    Raises:
        Undefined: n or k is negative.
        TooLarge: The coefficient would be too large.
    """
    if n < 0 or k < 0:
        raise Undefined(f"{what} has no value.", "Choose from 0 or more.")
    k = min(k, n - k)
    if k > 0 and (n.bit_length() * k > MAX_BITS):
        log10 = None
        if n.bit_length() < 50:
            log10 = (math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)) / math.log(10)
        if log10 is None or log10 > MAX_BITS * math.log10(2):
            raise TooLarge(what, log10)


def short(text: str, most: int = 60) -> str:
    """Shorten a long number or expression for a sentence."""
    return text if len(text) <= most else f"{text[:20]}...{text[-20:]} ({len(text)} characters)"


# -- helpers ----------------------------------------------------------------------------------------

_RELATIONS: dict[str, Callable[[Fraction, Fraction], bool]] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def _arithmetic(node: Node, x: list[Fraction]) -> Fraction:
    what = short(show(node))
    match node.op:
        case "+":
            return sum(x, Fraction(0))
        case "*":
            product = Fraction(1)
            for one in x:
                product = _bounded(product * one, node)
            return product
        case "neg":
            return -x[0]
        case "/" | "//" | "%":
            if x[1] == 0:
                raise Undefined(f"{what} divides by zero.", "There is no such number.")
            return x[0] / x[1] if node.op == "/" else Fraction(x[0] // x[1]) if node.op == "//" else x[0] % x[1]
        case "^":
            return _power(x[0], _whole(x[1], "An exponent"), what)
        case "abs":
            return abs(x[0])
        case "floor":
            return Fraction(math.floor(x[0]))
        case "min" | "max":
            return min(x) if node.op == "min" else max(x)
        case "sqrt":
            return Fraction(_root(x[0].numerator, what), _root(x[0].denominator, what))
        case _:
            return Fraction(_integer_function(node.op, [_whole(one, what) for one in x], what))


def _integer_function(op: str, n: list[int], what: str) -> int:
    match op:
        case "!" | "factorial":
            guard_factorial(n[0], what)
            return math.factorial(n[0])
        case "binomial":
            guard_binomial(n[0], n[1], what)
            return math.comb(n[0], n[1])
        case "gcd":
            return math.gcd(*n)
        case "lcm":
            return math.lcm(*n)
        case "isqrt":
            if n[0] < 0:
                raise Undefined(f"{what} has no value.", "Roots are of numbers from 0 up.")
            return math.isqrt(n[0])
        case "digitsum":
            return sum(int(digit) for digit in str(abs(n[0])))
        case "lucaslehmer":
            guard_lucas_lehmer(n[0], what)
            mersenne = (1 << n[0]) - 1
            s = 4 % mersenne
            for _ in range(n[0] - 2):
                s = (s * s - 2) % mersenne
            return s
        case "powmod":
            if n[2] == 0 or n[1] < 0:
                raise Undefined(f"{what} has no value.", "Use a modulus other than 0.")
            if n[1].bit_length() > max(_MAX_EXPONENT_BITS, 2 * n[2].bit_length()):
                raise TooLarge(f"The exponent of {what}", n[1].bit_length() * math.log10(2))
            return pow(n[0], n[1], n[2])
        case _:
            raise NotAnExpression(f"'{op}' is not known.", "Use the functions of the language.")


def _power(base: Fraction, exponent: int, what: str) -> Fraction:
    if base == 0 and exponent < 0:
        raise Undefined(f"{what} divides by zero.", "There is no such number.")
    guard_power(base, exponent, what)
    return base**exponent


def _root(n: int, what: str) -> int:
    root = math.isqrt(n) if n >= 0 else 0
    if root * root != n:
        raise Undefined(f"{what} is not a rational number.", "Ask for an equation such as x^2 = 2.")
    return root


def _whole(value: Fraction, what: str) -> int:
    if value.denominator != 1:
        raise Undefined(f"{what} is not a whole number.", "Use a whole number there.")
    return value.numerator


def _bounded(value: Fraction, node: Node) -> Fraction:
    bits = max(value.numerator.bit_length(), value.denominator.bit_length())
    if bits > MAX_BITS:
        raise TooLarge(short(show(node)), bits * math.log10(2))
    return value
