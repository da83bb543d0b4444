# pyright: basic
# sympy has no types to speak of; this module is the only one that imports it, behind typed functions.
"""What the symbolic side takes from sympy: numbers, factors, roots, sums in closed form, satisfiability."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sympy as _sympy
from sympy.logic.inference import satisfiable as sympy_satisfiable

from nexus_agents.models.builtin.solvers.exact import (
    guard_binomial,
    guard_factorial,
    guard_lucas_lehmer,
    guard_power,
    short,
)
from nexus_agents.models.builtin.solvers.expression import (
    MAX_BITS,
    Node,
    NotAnExpression,
    TooLarge,
    Undefined,
    Value,
    show,
)
from nexus_agents.models.builtin.solvers.propositions import Formula

__all__ = [
    "Algebra",
    "Factor",
    "bezout",
    "closed_form",
    "dice_counts",
    "factors",
    "is_prime",
    "model_of",
    "polynomial_factors",
    "prime_count",
    "solve_pair",
]

sympy: Any = _sympy

_RHO_DIGITS = 40
"""Cofactors up to this many digits are factorised in full; larger ones only by small factors."""


class Algebra:
    """Evaluates with sympy's rational numbers."""

    name = "computer algebra"

    def value(self, node: Node) -> Value:
        """Return the exact value; see `Evaluator.value`."""
        found = _evaluate(node)
        return found if isinstance(found, bool) else Fraction(int(found.p), int(found.q))


def is_prime(n: int) -> bool:
    """Return whether n is prime: proven below 2^64; above, no composite number is known to pass (BPSW)."""
    return bool(sympy.isprime(n))


def factors(n: int) -> tuple[dict[int, int], int]:
    """Return the prime factors of n > 0 with exponents, and a cofactor that was not factorised (1 if none)."""
    if len(str(n)) <= _RHO_DIGITS:
        return {int(p): int(e) for p, e in sympy.factorint(n).items()}, 1
    found: dict[int, int] = {}
    rest = n
    for p, e in sympy.factorint(n, limit=1_000_000, use_ecm=False, use_pm1=False, use_rho=False).items():
        p, e = int(p), int(e)
        if is_prime(p):
            found[p] = e
            rest //= p**e
    if rest > 1 and len(str(rest)) <= _RHO_DIGITS:
        for p, e in sympy.factorint(rest).items():
            found[int(p)] = found.get(int(p), 0) + int(e)
        rest = 1
    return found, rest


def bezout(a: int, b: int) -> tuple[int, int, int]:
    """Return x, y, g with `x a + y b = g`, the greatest common divisor."""
    x, y, g = sympy.gcdex(sympy.Integer(a), sympy.Integer(b))
    return int(x), int(y), int(g)


@dataclass(frozen=True)
class Factor:
    """An irreducible factor of a polynomial.

    Attributes:
        coefficients: From the constant up; integers.
        multiplicity: How often it occurs.
        roots: Its real roots: the exact form, and the value to 15 digits.
        complex_roots: The exact forms of the others (for degree 2), or how many there are.
    """

    coefficients: list[int]
    multiplicity: int
    roots: list[tuple[str, float]]
    complex_roots: list[str]


def polynomial_factors(coefficients: list[Fraction]) -> tuple[Fraction, list[Factor]]:
    """Return the constant and the irreducible factors over the rationals of a polynomial of degree 1 or more."""
    x = sympy.Symbol("x")
    polynomial = sympy.Poly([_rational(one) for one in reversed(coefficients)], x, domain="QQ")
    constant, parts = polynomial.factor_list()
    content = Fraction(int(constant.p), int(constant.q))
    found: list[Factor] = []
    for part, multiplicity in parts:
        scale, whole = part.clear_denoms(convert=True)
        content /= Fraction(int(scale)) ** multiplicity
        real: list[tuple[str, float]] = []
        others: list[str] = []
        if part.degree() <= 2:
            for root in sympy.roots(part, multiple=True):
                text = str(root).replace("**", "^").replace("I", "i")
                if root.is_real:
                    real.append((text, float(root.evalf(20))))
                else:
                    others.append(text)
        else:
            real = [("", float(root.evalf(20))) for root in part.real_roots()]
            others = [""] * (part.degree() - len(real))
        whole_numbers = [int(one) for one in reversed(whole.all_coeffs())]
        found.append(Factor(whole_numbers, int(multiplicity), sorted(real, key=lambda one: one[1]), others))
    return content, found


def solve_pair(rows: list[tuple[Fraction, Fraction, Fraction]]) -> tuple[Fraction, Fraction] | str:
    """Solve `a x + b y + c = 0` for each row; "none" or "many" where there is not exactly one solution."""
    x, y = sympy.symbols("x y")
    equations = [_rational(a) * x + _rational(b) * y + _rational(c) for a, b, c in rows]
    solutions = sympy.linsolve(equations, x, y)
    if not solutions:
        return "none"
    first, second = next(iter(solutions))
    if first.free_symbols or second.free_symbols:
        return "many"
    return Fraction(int(first.p), int(first.q)), Fraction(int(second.p), int(second.q))


def closed_form(term: Node, first: int, operation: str) -> str | None:
    """Return a formula in n for the sum or product of a term in k for k = first..n, or None."""
    k, n = sympy.symbols("k n", integer=True, positive=True)
    expression = _symbolic(term, {"k": k})
    work = sympy.summation if operation == "sum" else sympy.product
    formula = sympy.simplify(work(expression, (k, first, n)))
    text = str(formula).replace("**", "^")
    return None if any(word in text for word in ("Sum", "Product", "Piecewise", "gamma", "harmonic")) else text


def dice_counts(count: int, sides: int) -> list[int]:
    """Return the coefficients of `(x + ... + x^sides)^count`, from x^0 up."""
    x = sympy.Symbol("x")
    power = sympy.Poly([1] * sides + [0], x) ** count
    return [int(one) for one in reversed(power.all_coeffs())]


def prime_count(n: int) -> int:
    """Return the number of primes up to n."""
    return int(sympy.primepi(n))


def nth_prime(n: int) -> int:
    """Return the n-th prime, the first being 2."""
    return int(sympy.prime(n))


def model_of(formula: Formula) -> dict[str, bool] | None:
    """Return an assignment that makes a formula true, or None where there is none (SAT)."""
    found: Any = sympy_satisfiable(_proposition(formula))
    if not isinstance(found, dict):
        return None
    return {str(letter): bool(value) for letter, value in found.items()}


# -- helpers ----------------------------------------------------------------------------------------


def _rational(value: Fraction):
    return sympy.Rational(value.numerator, value.denominator)


def _evaluate(node: Node) -> Any:
    """Return a sympy Rational or a bool."""
    if node.op == "number":
        return _rational(node.value)
    if node.op in {"true", "false"}:
        return node.op == "true"
    if node.op == "name":
        raise NotAnExpression(f"'{node.name}' has no value.", "Only numbers can be evaluated.")
    x = [_evaluate(one) for one in node.args]
    conditions = node.op in {"and", "or", "not"}
    if any(isinstance(one, bool) != conditions for one in x):
        raise NotAnExpression(f"'{node.op}' joins the wrong kind of things.", "Check the parentheses.")
    if conditions:
        return not x[0] if node.op == "not" else all(x) if node.op == "and" else any(x)
    if node.op in {"==", "!=", "<", "<=", ">", ">="}:
        difference = x[0] - x[1]
        sign = int(sympy.sign(difference))
        return {"==": sign == 0, "!=": sign != 0, "<": sign < 0, "<=": sign <= 0, ">": sign > 0, ">=": sign >= 0}[
            node.op
        ]
    return _bounded(_operation(node, x), node)


def _operation(node: Node, x: list[Any]) -> Any:
    what = short(show(node))
    match node.op:
        case "+":
            return sympy.Add(*x)
        case "*":
            product = sympy.Integer(1)
            for one in x:
                product = _bounded(product * one, node)
            return product
        case "neg":
            return -x[0]
        case "/" | "//" | "%":
            if x[1] == 0:
                raise Undefined(f"{what} divides by zero.", "There is no such number.")
            quotient = x[0] / x[1]
            if node.op == "/":
                return quotient
            return sympy.floor(quotient) if node.op == "//" else x[0] - x[1] * sympy.floor(quotient)
        case "^":
            exponent = int(_whole(x[1], "An exponent"))
            if x[0].is_zero and exponent < 0:
                raise Undefined(f"{what} divides by zero.", "There is no such number.")
            guard_power(Fraction(int(x[0].p), int(x[0].q)), exponent, what)
            return sympy.Pow(x[0], exponent)
        case "abs":
            return sympy.Abs(x[0])
        case "floor":
            return sympy.floor(x[0])
        case "min" | "max":
            return sympy.Min(*x) if node.op == "min" else sympy.Max(*x)
        case "sqrt":
            root = sympy.sqrt(x[0])
            if not root.is_Rational:
                raise Undefined(f"{what} is not a rational number.", "Ask for an equation such as x^2 = 2.")
            return root
        case _:
            return _integer_function(node.op, [int(_whole(one, what)) for one in x], what)


def _integer_function(op: str, n: list[int], what: str):
    match op:
        case "!" | "factorial":
            guard_factorial(n[0], what)
            return sympy.factorial(n[0])
        case "binomial":
            guard_binomial(n[0], n[1], what)
            return sympy.binomial(n[0], n[1])
        case "gcd":
            return sympy.Integer(sympy.igcd(*n))
        case "lcm":
            return sympy.Integer(sympy.ilcm(*n))
        case "isqrt":
            if n[0] < 0:
                raise Undefined(f"{what} has no value.", "Roots are of numbers from 0 up.")
            return sympy.Integer(sympy.integer_nthroot(n[0], 2)[0])
        case "digitsum":
            return sympy.Integer(sum(sympy.ntheory.digits(abs(n[0]), 10)[1:]))
        case "lucaslehmer":
            guard_lucas_lehmer(n[0], what)
            mersenne, s = sympy.Integer(2) ** n[0] - 1, sympy.Integer(4)
            for _ in range(n[0] - 2):
                s = (s**2 - 2) % mersenne
            return s % mersenne
        case "powmod":
            if n[2] == 0 or n[1] < 0:
                raise Undefined(f"{what} has no value.", "Use a modulus other than 0.")
            if n[1].bit_length() > max(256, 2 * n[2].bit_length()):
                raise TooLarge(f"The exponent of {what}", n[1].bit_length() * 0.30103)
            return sympy.Mod(sympy.Pow(n[0], n[1], evaluate=False), n[2]) if n[1] < 3 else _power_mod(*n)
        case _:
            raise NotAnExpression(f"'{op}' is not known.", "Use the functions of the language.")


def _power_mod(base: int, exponent: int, modulus: int):
    """Square and multiply, from the highest bit down."""
    value = 1
    for bit in bin(exponent)[2:]:
        value = value * value % modulus
        if bit == "1":
            value = value * base % modulus
    return sympy.Integer(value)


def _whole(value: Any, what: str) -> Any:
    if not value.is_Integer:
        raise Undefined(f"{what} is not a whole number.", "Use a whole number there.")
    return value


def _bounded(value: Any, node: Node):
    bits = max(int(value.p).bit_length(), int(value.q).bit_length())
    if bits > MAX_BITS:
        raise TooLarge(short(show(node)), bits * 0.30103)
    return value


def _symbolic(node: Node, names: dict[str, Any]):
    """Return an expression with unknowns as a sympy expression."""
    if node.op == "number":
        return _rational(node.value)
    if node.op == "name":
        return names[node.name]
    x = [_symbolic(one, names) for one in node.args]
    match node.op:
        case "+":
            return sympy.Add(*x)
        case "*":
            return sympy.Mul(*x)
        case "neg":
            return -x[0]
        case "/":
            return x[0] / x[1]
        case "^":
            return x[0] ** x[1]
        case "!" | "factorial":
            return sympy.factorial(x[0])
        case _:
            raise NotAnExpression(f"'{node.op}' cannot be summed here.", "Use + - * / ^ and !.")


def _proposition(formula: Formula):
    x = [_proposition(one) for one in formula.args]
    match formula.op:
        case "letter":
            return sympy.Symbol(formula.letter)
        case "true" | "false":
            return sympy.true if formula.op == "true" else sympy.false
        case "not":
            return sympy.Not(x[0])
        case "and":
            return sympy.And(*x)
        case "or":
            return sympy.Or(*x)
        case "xor":
            return sympy.Xor(*x)
        case "implies":
            return sympy.Implies(*x)
        case _:
            return sympy.Equivalent(*x)
