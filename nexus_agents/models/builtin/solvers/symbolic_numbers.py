"""The symbolic side on whole numbers: theorems, factorisations and certificates that another can check."""

from __future__ import annotations

import math
from fractions import Fraction

from nexus_agents.core.work import Answer, Step
from nexus_agents.models.builtin.solvers import algebra, phrase
from nexus_agents.models.builtin.solvers.exact import short
from nexus_agents.models.builtin.solvers.expression import Node, TooLarge, Undefined, parse, show
from nexus_agents.models.builtin.solvers.magnitude import digits, log10_of
from nexus_agents.models.builtin.solvers.tasks import (
    Arithmetic,
    Common,
    Comparison,
    Digits,
    Divisible,
    Factorise,
    Prime,
    Remainder,
)

__all__ = [
    "arithmetic",
    "common",
    "comparison",
    "digit_task",
    "divisible",
    "factorise",
    "prime",
    "remainder",
    "residue",
]

_MOST_STEPS = 40
_PROVEN_BELOW = 2**64
"""sympy's test is proven below this bound (BPSW checked for all numbers below 2^64)."""


def prime(task: Prime) -> Answer:
    """Decide primality: BPSW, with a Pratt certificate or a divisor."""
    node = parse(task.number)
    try:
        n = _integer(node)
    except TooLarge as error:
        return _huge_prime(task, node, error)
    method = "strong probable-prime and Lucas tests (BPSW)"
    if n < 2:
        return phrase.answered(
            task, phrase.prime(task, n, False), "definition", [Step(claim="primes begin at 2", check=f"{n} < 2")]
        )
    if algebra.is_prime(n):
        steps = prime_steps(n)
        said = phrase.prime(task, n, True)
        if steps:
            return phrase.answered(task, said, f"{method}, with a Pratt certificate", steps)
        sure = n < _PROVEN_BELOW
        scope = "" if sure else "no composite number is known to pass the test, but there is no proof for this size"
        return phrase.answered(task, said, method, scope=scope, confidence=1.0 if sure else 0.99)
    found, _ = algebra.factors(n)
    divisor = min((p for p in found if p < n), default=None)
    if divisor:
        step = Step(
            claim=f"{n} = {divisor} * {n // divisor}", check=f"{divisor} * {n // divisor} == {n} and 1 < {divisor}"
        )
        return phrase.answered(task, phrase.prime(task, n, False, divisor), "integer factorisation", [step])
    said = phrase.prime(task, n, False)
    for base in (2, 3, 5, 7, 11, 13, 17):
        if pow(base, n - 1, n) != 1:
            step = Step(
                claim=f"were n = {phrase.number(n)} prime, {base}^(n - 1) would leave 1 (Fermat)",
                check=f"powmod({base}, {n - 1}, {n}) != 1",
            )
            return phrase.answered(task, said, "Fermat's little theorem", [step])
    return phrase.answered(task, said, method)


def prime_steps(n: int) -> list[Step]:
    """Return a Pratt certificate of a prime, recursively, or [] where n - 1 cannot be factorised.

    Source: V. R. Pratt, "Every prime has a succinct certificate", SIAM J. Comput. 4 (1975).
    """
    steps: list[Step] = []
    waiting, done = [n], set[int]()
    while waiting:
        p = waiting.pop()
        if p in done:
            continue
        done.add(p)
        if p < 1000:
            check = f"gcd({p}, factorial(isqrt({p}))) == 1 and {p} > 1"
            steps.append(Step(claim=f"{p} is prime: nothing up to its root divides it", check=check))
            continue
        factors, rest = algebra.factors(p - 1)
        if rest > 1 or len(steps) > _MOST_STEPS:
            return []
        generator = next(
            g for g in range(2, p) if pow(g, p - 1, p) == 1 and all(pow(g, (p - 1) // q, p) != 1 for q in factors)
        )
        product = " * ".join(f"{q}^{e}" for q, e in factors.items())
        orders = " and ".join(f"powmod({generator}, {(p - 1) // q}, {p}) != 1" for q in factors)
        steps.append(
            Step(
                claim=f"{p} is prime: {generator} has order {p - 1} modulo it",
                check=f"{product} == {p - 1} and powmod({generator}, {p - 1}, {p}) == 1 and {orders}",
            )
        )
        waiting += list(factors)
    return steps


def factorise(task: Factorise) -> Answer:
    """Factorise; every factor is multiplied back and certified."""
    n = _integer(parse(task.number))
    if n < 1:
        raise Undefined(f"{n} has no prime factors.", "Ask about a number from 2 up.")
    found, rest = algebra.factors(n)
    product = " * ".join([f"{p}^{e}" for p, e in found.items()] + ([str(rest)] if rest > 1 else [])) or "1"
    steps = [Step(claim="the factors multiply to the number", check=f"{product} == {n}")]
    for p in found:
        certificate = prime_steps(p)
        if len(steps) + len(certificate) <= _MOST_STEPS:
            steps += certificate
    said = phrase.factorised(n, found, rest)
    if rest > 1:
        scope = "only the small factors were found; factorising the rest takes too long"
        return phrase.answered(task, said, "trial division", steps, scope=scope, confidence=0.5)
    return phrase.answered(task, said, "trial division, rho, p - 1 and elliptic curves", steps)


def common(task: Common) -> Answer:
    """Find a gcd or lcm by the extended Euclidean algorithm; Bezout's identity proves each step."""
    numbers = [_integer(parse(one)) for one in task.numbers]
    if task.function == "lcm" and 0 in numbers:
        raise Undefined("The lcm of 0 is not defined.", "Use numbers other than 0.")
    value, steps = abs(numbers[0]), list[Step]()
    for n in (abs(one) for one in numbers[1:]):
        x, y, g = algebra.bezout(value, n)
        if g:
            check = f"({x}) * {value} + ({y}) * {n} == {g} and {value} % {g} == 0 and {n} % {g} == 0"
            steps.append(Step(claim=f"gcd({value}, {n}) = {g} (Bezout: it is a combination of both)", check=check))
        if task.function == "gcd":
            value = g
        else:
            multiple = value * n // g
            steps.append(Step(claim=f"lcm = product / gcd = {multiple}", check=f"{multiple} * {g} == {value} * {n}"))
            value = multiple
    return phrase.answered(task, phrase.common(task, value), "extended Euclidean algorithm", steps)


def divisible(task: Divisible) -> Answer:
    """Divide with remainder; of huge numbers find the remainder alone."""
    divisor = _integer(parse(task.divisor))
    if divisor == 0:
        raise Undefined("Nothing is divisible by 0.", "Use another divisor.")
    r, steps, method = _remainder(parse(task.number), divisor)
    return phrase.answered(task, phrase.divisible(task, r == 0, r), method, steps)


def remainder(task: Remainder) -> Answer:
    """Find a remainder by division, or by Carmichael's theorem where the number is huge."""
    modulus = _integer(parse(task.modulus))
    if modulus == 0:
        raise Undefined("There is no remainder modulo 0.", "Use another modulus.")
    r, steps, method = _remainder(parse(task.number), modulus)
    return phrase.answered(task, phrase.said(task, phrase.number(r)), method, steps)


def residue(node: Node, m: int) -> int:
    """Return a whole number modulo m > 0 without computing it.

    Where an exponent e is itself too large, a^e = a^(e mod L + L) modulo m for L = Carmichael's lambda(m)
    and e at least the largest exponent in the factorisation of m (R. D. Carmichael, 1910).

    Raises:
        TooLarge: The form of the number does not allow it.
        Undefined: It is not a whole number.
    """
    try:
        return _integer(node) % m
    except TooLarge:
        pass
    x = node.args
    match node.op:
        case "+":
            return sum(residue(one, m) for one in x) % m
        case "*":
            return math.prod(residue(one, m) for one in x) % m
        case "neg":
            return -residue(x[0], m) % m
        case "^":
            base = residue(x[0], m)
            try:
                exponent = _integer(x[1])
            except TooLarge:
                if log10_of(x[1]) is None and x[1].op != "^":
                    raise
                order = _carmichael(m)
                exponent = residue(x[1], order) + order
            if exponent < 0:
                raise Undefined(f"{short(show(node))} is not a whole number.", "Use exponents from 0 up.") from None
            return pow(base, exponent, m)
        case "!" | "factorial":
            n = _integer(x[0])
            if n >= m:
                return 0
            if n > 200_000:
                raise TooLarge(short(show(node)))
            product = 1
            for k in range(2, n + 1):
                product = product * k % m
            return product
        case _:
            raise TooLarge(short(show(node)))


def arithmetic(task: Arithmetic) -> Answer:
    """Evaluate exactly; of a number too large to write, say how many digits it has and how it ends."""
    node = parse(task.expression)
    try:
        value = _number(node)
    except TooLarge:
        return _huge(task, node)
    text = f"({value})" if value.denominator > 1 else str(value)
    step = Step(claim=f"{short(task.expression)} = {phrase.number(value)}", check=f"{task.expression} == {text}")
    return phrase.answered(task, phrase.arithmetic(task, value), "exact rational arithmetic", [step])


def comparison(task: Comparison) -> Answer:
    """Compare by the sign of the difference, or by logarithms where the numbers are too large."""
    left, right = parse(task.left), parse(task.right)
    holds = f"({task.left}) {task.relation} ({task.right})"
    try:
        difference = _number(left) - _number(right)
    except TooLarge:
        return _compare_logarithms(task, left, right)
    yes = _holds(task.relation, difference)
    step = Step(
        claim=f"the difference is {phrase.number(difference)}",
        check=holds if yes else f"not ({holds})",
    )
    return phrase.answered(task, phrase.comparison(task, yes, difference == 0), "sign of the exact difference", [step])


def digit_task(task: Digits) -> Answer:
    """Write the number out in decimal, or count its digits by its logarithm."""
    node = parse(task.number)
    try:
        n = abs(_integer(node))
    except TooLarge:
        size = log10_of(node)
        count = digits(size) if size is not None else None
        if task.function == "sum" or count is None:
            raise
        said = phrase.said(task, str(count))
        return phrase.answered(
            task,
            said,
            "floor of the decimal logarithm, plus one",
            scope="by floating-point logarithms",
            confidence=0.99,
        )
    value = sum(map(int, str(n))) if task.function == "sum" else len(str(n))
    check = f"digitsum({task.number}) == {value}"
    if task.function == "count":
        check = f"10^{value - 1} <= abs({task.number}) < 10^{value}" if n else f"{task.number} == 0"
    step = Step(claim=f"in decimal it is {phrase.number(n)}", check=check)
    return phrase.answered(task, phrase.said(task, str(value)), "decimal expansion", [step])


# -- helpers ----------------------------------------------------------------------------------------


def _number(node: Node) -> Fraction:
    value = algebra.Algebra().value(node)
    if isinstance(value, bool):
        raise Undefined(f"{short(show(node))} is a condition.", "Ask about a number.")
    return value


def _integer(node: Node) -> int:
    value = _number(node)
    if value.denominator != 1:
        raise Undefined(f"{short(show(node))} is not a whole number.", "Ask about a whole number.")
    return value.numerator


def _holds(relation: str, difference: Fraction) -> bool:
    return {
        "==": difference == 0,
        "!=": difference != 0,
        "<": difference < 0,
        "<=": difference <= 0,
        ">": difference > 0,
        ">=": difference >= 0,
    }[relation]


def _remainder(node: Node, m: int) -> tuple[int, list[Step], str]:
    try:
        value = _number(node)
        if value.denominator != 1:
            raise Undefined(f"{short(show(node))} is not a whole number.", "Ask about a whole number.")
        quotient, r = divmod(value.numerator, m)
        check = f"({quotient}) * ({m}) + ({r}) == {show(node)} and abs({r}) < abs({m})"
        return r, [Step(claim=f"division leaves {phrase.number(r)}", check=check)], "division with remainder"
    except TooLarge:
        r = residue(node, abs(m))
        return r, _power_step(node, abs(m), r), "powers modulo the modulus, exponents reduced by Carmichael's theorem"


def _power_step(node: Node, m: int, r: int) -> list[Step]:
    """State a remainder of a single power so that it can be checked, where its exponent can be written."""
    if node.op != "^":
        return []
    try:
        exponent = _integer(node.args[1])
        base = _integer(node.args[0])
    except TooLarge:
        return []
    return [Step(claim=f"{short(show(node))} leaves {r} modulo {m}", check=f"powmod({base}, {exponent}, {m}) == {r}")]


def _carmichael(m: int) -> int:
    found, rest = algebra.factors(m)
    if rest > 1:
        raise TooLarge("The factorisation of the modulus")
    orders = [2 ** (e - 2) if p == 2 and e > 2 else p ** (e - 1) * (p - 1) for p, e in found.items()]
    return math.lcm(*orders, max(found.values(), default=1))


def _huge(task: Arithmetic, node: Node) -> Answer:
    size = log10_of(node)
    count = digits(size) if size is not None else None
    if count is None:
        return phrase.abstain("size by logarithms", "the number is too large to say more about it")
    ending, steps = "", list[Step]()
    try:
        r = residue(node, 1000)
        ending, steps = f" that ends in {r:03d}", _power_step(node, 1000, r)
    except (TooLarge, Undefined):
        pass
    said = f"{task.label or task.expression} = a number of {count:,} digits{ending}"
    scope = "too large to be written out; digits counted by floating-point logarithms"
    return phrase.answered(task, said, "logarithms and modular powers", steps, scope=scope, confidence=0.99)


def _huge_prime(task: Prime, node: Node, error: TooLarge) -> Answer:
    for p in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47):
        if residue(node, p) == 0:
            yes = "yes" if task.ask == "composite" else "no"
            steps = _power_step(node, p, 0)
            return phrase.answered(
                task, f"{yes}, {task.number} is composite: {p} divides it", "remainder by small primes", steps
            )
    return phrase.abstain("remainder by small primes", error.message)


def _compare_logarithms(task: Comparison, left: Node, right: Node) -> Answer:
    a, b = log10_of(left), log10_of(right)
    method = "decimal logarithms"
    if a is None or b is None:
        return phrase.abstain(method, "the numbers are too large to be compared")
    if abs(a - b) <= 1e-9 * max(1.0, abs(a), abs(b)):
        return phrase.abstain(method, "the numbers are too large, and too close to be told apart by logarithms")
    difference = Fraction(1 if a > b else -1)
    said = phrase.comparison(task, _holds(task.relation, difference), False)
    steps = [Step(claim=f"log10 is about {a:.6g} on the left and {b:.6g} on the right")]
    return phrase.answered(task, said, method, steps, scope="by floating-point logarithms", confidence=0.99)
