"""The search side on whole numbers: trial division, enumeration, long division, cycles of powers."""

from __future__ import annotations

import math

from nexus_agents.core.work import Answer, Step
from nexus_agents.models.builtin.solvers import phrase
from nexus_agents.models.builtin.solvers.budget import Budget
from nexus_agents.models.builtin.solvers.exact import Exact, short
from nexus_agents.models.builtin.solvers.expression import Node, TooLarge, Undefined, parse, show
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

_BASES = (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41)
_BASES_PROVEN = 3_317_044_064_679_887_385_961_981
"""Below this the 13 bases decide: J. Sorenson and J. Webster, "Strong pseudoprimes to twelve prime bases", 2015."""


def prime(task: Prime, budget: Budget) -> Answer:
    """Divide by everything up to the root; past the budget Lucas-Lehmer or Miller-Rabin."""
    node = parse(task.number)
    try:
        n = Exact().integer(node)
    except TooLarge as error:
        for p in _BASES:
            if residue(node, p, budget) == 0:
                said = f"{'yes' if task.ask == 'composite' else 'no'}, {task.number} is composite: {p} divides it"
                return phrase.answered(task, said, "remainders of powers by small primes")
        return phrase.abstain("remainders of powers by small primes", error.message)
    if n < 2:
        return phrase.answered(task, phrase.prime(task, n, False), "definition")
    root = math.isqrt(n)
    bound = min(root, budget.left // 2, 1_000_000)
    for d in range(2, bound + 1):
        if n % d == 0:
            budget.spend(d)
            step = Step(claim=f"{d} divides {n}", check=f"{n} % {d} == 0 and 1 < {d} < {n}")
            return phrase.answered(task, phrase.prime(task, n, False, d), "trial division", [step])
    budget.spend(bound)
    if bound == root:
        check = f"gcd({n}, factorial(isqrt({n}))) == 1" if root < 1400 else None
        step = Step(claim=f"no d from 2 to {root} divides {n}, and {root + 1}^2 > {n}", check=check)
        return phrase.answered(task, phrase.prime(task, n, True), "exhaustive trial division", [step])
    exponent = (n + 1).bit_length() - 1
    if n + 1 == 1 << exponent:
        return _lucas_lehmer(task, n, exponent, budget)
    return _miller_rabin(task, n, bound, budget)


def factorise(task: Factorise, budget: Budget) -> Answer:
    """Divide out what divides, up to the root of what is left."""
    n = Exact().integer(parse(task.number))
    if n < 1:
        raise Undefined(f"{n} has no prime factors.", "Ask about a number from 2 up.")
    found: dict[int, int] = {}
    rest, d, bound = n, 2, budget.left
    while d * d <= rest and d <= bound:
        while rest % d == 0:
            found[d] = found.get(d, 0) + 1
            rest //= d
        d += 1
    budget.spend(min(d, bound))
    product = " * ".join([f"{p}^{e}" for p, e in found.items()] + ([str(rest)] if rest > 1 else [])) or "1"
    steps = [Step(claim="the factors multiply to the number", check=f"{product} == {n}")]
    if rest > 1 and d * d <= rest:
        witness = _witness(rest)
        if witness is None and rest < _BASES_PROVEN:
            found[rest] = 1
            steps.append(Step(claim=f"{rest} passes Miller-Rabin to the 13 bases that decide below 3.3e24"))
            return phrase.answered(task, phrase.factorised(n, found), "trial division, then Miller-Rabin", steps)
        scope = f"divisors above {bound} were not tried"
        if witness is None:
            found[rest] = 1
            return phrase.answered(
                task, phrase.factorised(n, found), "trial division", steps, scope=scope, confidence=0.9
            )
        said = phrase.factorised(n, found, rest)
        return phrase.answered(task, said, "trial division", steps, scope=scope, confidence=0.3)
    if rest > 1:
        found[rest] = found.get(rest, 0) + 1
        steps.append(Step(claim=f"nothing up to the root of {rest} divides it, so it is prime"))
    return phrase.answered(task, phrase.factorised(n, found), "exhaustive trial division", steps)


def common(task: Common, budget: Budget) -> Answer:
    """Try the divisors of the smallest number from above, or the multiples of the largest."""
    numbers = [abs(Exact().integer(parse(one))) for one in task.numbers]
    if task.function == "lcm":
        if 0 in numbers:
            raise Undefined("The lcm of 0 is not defined.", "Use numbers other than 0.")
        value = numbers[0]
        for n in numbers[1:]:
            start, tried = value, 1
            while value % n:
                budget.spend()
                value, tried = value + start, tried + 1
        check = " and ".join(f"{value} % {n} == 0" for n in numbers)
        steps = [Step(claim=f"{value} is the first common multiple met", check=check)]
        return phrase.answered(task, phrase.common(task, value), "enumeration of multiples", steps)
    present = [n for n in numbers if n]
    if not present:
        return phrase.answered(task, phrase.common(task, 0), "enumeration of divisors")
    value = _largest_common_divisor(present, budget)
    check = " and ".join(f"{n} % {value} == 0" for n in present)
    steps = [Step(claim=f"{value} divides all of them, and no larger divisor of {min(present)} does", check=check)]
    return phrase.answered(task, phrase.common(task, value), "enumeration of divisors", steps)


def divisible(task: Divisible, budget: Budget) -> Answer:
    """Divide digit by digit, as on paper."""
    divisor = Exact().integer(parse(task.divisor))
    if divisor == 0:
        raise Undefined("Nothing is divisible by 0.", "Use another divisor.")
    r, steps, method = _remainder(parse(task.number), divisor, budget)
    return phrase.answered(task, phrase.divisible(task, r == 0, r), method, steps)


def remainder(task: Remainder, budget: Budget) -> Answer:
    """Divide digit by digit, or find the cycle that the powers run through."""
    modulus = Exact().integer(parse(task.modulus))
    if modulus == 0:
        raise Undefined("There is no remainder modulo 0.", "Use another modulus.")
    r, steps, method = _remainder(parse(task.number), modulus, budget)
    return phrase.answered(task, phrase.said(task, phrase.number(r)), method, steps)


def residue(node: Node, m: int, budget: Budget) -> int:
    """Return a whole number modulo m > 0; powers are followed until they repeat.

    Raises:
        TooLarge: The form of the number does not allow it.
        BudgetSpent: The powers did not repeat within the budget.
    """
    try:
        return Exact().integer(node) % m
    except TooLarge:
        pass
    match node.op:
        case "+" | "*":
            parts = [residue(one, m, budget) for one in node.args]
            return (sum(parts) if node.op == "+" else math.prod(parts)) % m
        case "neg":
            return -residue(node.args[0], m, budget) % m
        case "^":
            return _power_in_cycle(residue(node.args[0], m, budget), node.args[1], m, budget)
        case "!" | "factorial":
            product = 1 % m
            for k in range(2, Exact().integer(node.args[0]) + 1):
                budget.spend()
                product = product * k % m
                if product == 0:
                    return 0
            return product
        case _:
            raise TooLarge(short(show(node)))


def arithmetic(task: Arithmetic, budget: Budget) -> Answer:
    """Evaluate step by step with integers and fractions."""
    budget.spend(len(task.expression))
    value = Exact().number(parse(task.expression))
    text = f"({value})" if value.denominator > 1 else str(value)
    step = Step(claim=f"step by step it comes to {phrase.number(value)}", check=f"{task.expression} == {text}")
    return phrase.answered(task, phrase.arithmetic(task, value), "integer and fraction arithmetic", [step])


def comparison(task: Comparison, budget: Budget) -> Answer:
    """Compute both sides and compare the fractions crosswise."""
    budget.spend(len(task.left) + len(task.right))
    left, right = Exact().number(parse(task.left)), Exact().number(parse(task.right))
    a, b = left.numerator * right.denominator, right.numerator * left.denominator
    holds = {"==": a == b, "!=": a != b, "<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[task.relation]
    order = "==" if a == b else "<" if a < b else ">"
    step = Step(
        claim=f"{phrase.number(left)} {order} {phrase.number(right)}", check=f"({task.left}) {order} ({task.right})"
    )
    return phrase.answered(task, phrase.comparison(task, holds, a == b), "both sides computed", [step])


def digit_task(task: Digits, budget: Budget) -> Answer:
    """Take the number apart from its last digit on."""
    n = abs(Exact().integer(parse(task.number)))
    total, count = 0, 0
    while n or not count:
        budget.spend()
        n, digit = divmod(n, 10)
        total, count = total + digit, count + 1
    value = total if task.function == "sum" else count
    check = f"digitsum({task.number}) == {value}" if task.function == "sum" else None
    step = Step(claim=f"{count} digits were taken off, {total} in sum", check=check)
    return phrase.answered(task, phrase.said(task, str(value)), "digit by digit", [step])


# -- helpers ----------------------------------------------------------------------------------------


def _lucas_lehmer(task: Prime, n: int, p: int, budget: Budget) -> Answer:
    """Decide 2^p - 1: for a prime p it is prime if and only if s(p - 2) is 0 (D. H. Lehmer, 1930)."""
    method = "Lucas-Lehmer test"
    for d in range(2, math.isqrt(p) + 1):
        if p % d == 0:
            divisor = 2**d - 1
            step = Step(claim=f"{d} divides {p}, so 2^{d} - 1 divides 2^{p} - 1", check=f"{n} % {divisor} == 0")
            return phrase.answered(task, phrase.prime(task, n, False, divisor), "algebraic factor", [step])
    s = 4
    for _ in range(p - 2):
        budget.spend(1 + p // 64)
        s = (s * s - 2) % n
    ending = "0" if s == 0 else "another number"
    claim = f"s = 4, then s^2 - 2 modulo 2^{p} - 1, {p - 2} times, ends in {ending}"
    step = Step(claim=claim, check=f"lucaslehmer({p}) {'==' if s == 0 else '!='} 0")
    return phrase.answered(task, phrase.prime(task, n, s == 0), method, [step])


def _miller_rabin(task: Prime, n: int, tried: int, budget: Budget) -> Answer:
    budget.spend(len(_BASES) * n.bit_length())
    witness = _witness(n)
    if witness is not None:
        fermat = pow(witness, n - 1, n) != 1
        check = f"powmod({witness}, {n - 1}, {n}) != 1" if fermat else _strong_check(witness, n)
        step = Step(claim=f"{witness} is a witness (Miller-Rabin) that the number is composite", check=check)
        return phrase.answered(task, phrase.prime(task, n, False), "Miller-Rabin test", [step])
    method = f"trial division to {tried}, then Miller-Rabin to {len(_BASES)} bases"
    checks = " and ".join(f"powmod({base}, {n - 1}, {n}) == 1" for base in _BASES)
    steps = [Step(claim="no base among the first 13 primes is a witness", check=checks)]
    said = phrase.prime(task, n, True)
    if n < _BASES_PROVEN:
        return phrase.answered(task, said, method, steps, scope="these bases decide below 3.3e24")
    scope = f"no divisor up to {tried}; the bases do not decide for a number of this size"
    return phrase.answered(task, said, method, steps, scope=scope, confidence=0.95)


def _witness(n: int) -> int | None:
    """Return a base that proves n composite, or None."""
    if n % 2 == 0:
        return None if n == 2 else 2
    odd, twos = n - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for base in _BASES:
        if base % n == 0:
            continue
        x = pow(base, odd, n)
        if x in (1, n - 1):
            continue
        for _ in range(twos - 1):
            x = x * x % n
            if x == n - 1:
                break
        else:
            return base
    return None


def _strong_check(base: int, n: int) -> str:
    odd, twos = n - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    roots = [f"powmod({base}, {odd * 2**i}, {n}) != {n - 1}" for i in range(twos)]
    return " and ".join([f"powmod({base}, {odd}, {n}) != 1", *roots])


def _largest_common_divisor(numbers: list[int], budget: Budget) -> int:
    """Walk the divisors of the smallest number in pairs d, n / d: the first quotient that fits is the largest."""
    smallest = min(numbers)
    best = 1
    for d in range(1, math.isqrt(smallest) + 1):
        budget.spend()
        if smallest % d:
            continue
        if all(n % (smallest // d) == 0 for n in numbers):
            return smallest // d
        if all(n % d == 0 for n in numbers):
            best = d
    return best


def _remainder(node: Node, m: int, budget: Budget) -> tuple[int, list[Step], str]:
    try:
        n = Exact().number(node)
    except TooLarge:
        r = residue(node, abs(m), budget)
        return r, [Step(claim="the powers were followed until they repeated")], "cycle of the powers"
    if n.denominator != 1:
        raise Undefined(f"{short(show(node))} is not a whole number.", "Ask about a whole number.")
    r = 0
    for digit in str(abs(n.numerator)):
        budget.spend()
        r = (10 * r + int(digit)) % abs(m)
    r = (-r if n < 0 else r) % m
    check = f"({show(node)} - ({r})) % ({m}) == 0"
    return r, [Step(claim=f"long division leaves {phrase.number(r)}", check=check)], "long division, digit by digit"


def _power_in_cycle(base: int, exponent: Node, m: int, budget: Budget) -> int:
    seen: dict[int, int] = {}
    powers: list[int] = []
    value = 1 % m
    while value not in seen:
        budget.spend()
        seen[value] = len(powers)
        powers.append(value)
        value = value * base % m
    start = seen[value]
    period = len(powers) - start
    try:
        e = Exact().integer(exponent)
        if e < 0:
            raise Undefined("A negative power is not a whole number.", "Use exponents from 0 up.")
        if e < len(powers):
            return powers[e]
    except TooLarge:
        # Larger than anything computed here, and so larger than the start of the cycle.
        e = residue(exponent, period, budget)
    return powers[start + (e - start) % period]
