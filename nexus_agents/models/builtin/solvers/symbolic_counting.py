"""The symbolic side on sums, selections, chance and counting: closed forms and generating functions."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from fractions import Fraction

from nexus_agents.core.work import Answer, Step
from nexus_agents.models.builtin.solvers import algebra, phrase
from nexus_agents.models.builtin.solvers.exact import guard_binomial, guard_factorial, guard_power
from nexus_agents.models.builtin.solvers.expression import TooLarge, number, parse, show, substitute
from nexus_agents.models.builtin.solvers.tasks import (
    Arrangements,
    Birthday,
    Change,
    Counting,
    Dice,
    Flips,
    Selection,
    Sequence,
    Series,
)

__all__ = [
    "arrangements",
    "birthday",
    "change",
    "counting",
    "dice",
    "flips",
    "relates",
    "selection",
    "sequence",
    "series",
]


def series(task: Series) -> Answer:
    """Find a formula for the partial sums; that it starts right and grows right proves it (induction)."""
    node = parse(task.term, "k")
    text = algebra.closed_form(node, task.first, task.operation)
    if not text:
        return phrase.abstain("closed form", "no closed form was found")
    formula = parse(text, "n")
    value = algebra.Algebra().value(substitute(formula, "n", number(task.last)))
    if isinstance(value, bool):
        return phrase.abstain("closed form", "no closed form was found")
    sign = "+" if task.operation == "sum" else "*"

    def at(n: int) -> str:
        return f"({show(substitute(formula, 'n', number(n)))})"

    def term(k: int) -> str:
        return f"({show(substitute(node, 'k', number(k)))})"

    last = task.last
    steps = [
        Step(claim=f"the formula {text} starts with the first term", check=f"{at(task.first)} == {term(task.first)}")
    ]
    if last > task.first:
        places = sorted({task.first + 1, (task.first + last + 1) // 2, last})
        grows = " and ".join(f"{at(k)} == {at(k - 1)} {sign} {term(k)}" for k in places)
        steps.append(Step(claim=f"it grows by the terms (at k = {', '.join(map(str, places))})", check=grows))
    steps.append(Step(claim=f"at n = {last} it is {phrase.number(value)}", check=f"{at(last)} == ({value})"))
    said = phrase.said(task, phrase.number(value))
    return phrase.answered(task, said, f"closed form {text}", steps)


def sequence(task: Sequence) -> Answer:
    """Use doubling formulas, the closed form of the Catalan numbers, or the prime-counting function."""
    n = task.index
    if task.name == "prime":
        if n > 500_000:
            return phrase.abstain("prime counting", f"the {n}th prime takes too long")
        value = algebra.nth_prime(n)
        steps = [Step(claim=f"there are {n} primes up to {value}, by the prime-counting function")]
        if value < 2_000_000:
            steps.append(Step(claim=f"{value} is prime", check=f"gcd({value}, factorial(isqrt({value}))) == 1"))
        return phrase.answered(task, phrase.said(task, str(value)), "prime counting", steps)
    if task.name == "catalan":
        guard_binomial(2 * n, n, f"The {n}th Catalan number")
        value = math.comb(2 * n, n) // (n + 1)
        step = Step(claim="C(n) = binomial(2n, n) / (n + 1)", check=f"binomial({2 * n}, {n}) / {n + 1} == {value}")
        return phrase.answered(task, phrase.said(task, phrase.number(value)), "closed form", [step])
    guard_power(Fraction(17, 10), n, f"The {n}th {task.name.capitalize()} number")
    f, g = _fibonacci(n)
    before = g - f
    steps = [
        Step(
            claim=f"F({n - 1}), F({n}), F({n + 1}) fit Cassini's identity F(n-1) F(n+1) - F(n)^2 = (-1)^n",
            check=f"{before} * {g} - {f}^2 == (-1)^{n} and {before} + {f} == {g}",
        )
    ]
    value = f if task.name == "fibonacci" else before + g
    if task.name == "lucas":
        steps.append(
            Step(
                claim="L(n) = F(n-1) + F(n+1)",
                check=f"{before} + {g} == {value} and {value}^2 == 5 * {f}^2 + 4 * (-1)^{n}",
            )
        )
    return phrase.answered(task, phrase.said(task, phrase.number(value)), "doubling formulas", steps)


def selection(task: Selection) -> Answer:
    """Count by factorials and binomials."""
    n, k = task.n, task.k
    if task.ordered and task.repeated:
        guard_power(Fraction(max(n, 1)), k, f"{n}^{k}")
        value, formula = n**k, f"{n}^{k}"
    elif task.repeated:
        guard_binomial(max(n + k - 1, 0), k, "The number of ways")
        value, formula = (math.comb(n + k - 1, k), f"binomial({n + k - 1}, {k})") if n else (int(k == 0), "")
    elif task.ordered:
        guard_factorial(n, f"{n}!")
        value = math.perm(n, k)
        formula = f"factorial({n}) / factorial({n - k})" if k <= n else "0"
    else:
        guard_binomial(n, k, f"binomial({n}, {k})")
        value, formula = math.comb(n, k), f"binomial({n}, {k})"
    steps = [Step(claim=f"the formula is {formula}", check=f"{formula} == {value}")] if formula else []
    return phrase.answered(task, phrase.said(task, phrase.number(value)), "combinatorial formula", steps)


def arrangements(task: Arrangements) -> Answer:
    """Divide n! by the orders of equal letters (multinomial coefficient)."""
    counts = Counter(task.word)
    value = math.factorial(len(task.word)) // math.prod(math.factorial(one) for one in counts.values())
    below = " * ".join(f"factorial({one})" for one in counts.values())
    step = Step(
        claim=f"{len(task.word)}! orders, and equal letters may change places",
        check=f"factorial({len(task.word)}) / ({below}) == {value}",
    )
    return phrase.answered(task, phrase.said(task, str(value)), "multinomial coefficient", [step])


def change(task: Change) -> Answer:
    """Multiply the generating functions 1 / (1 - x^c) up to x^amount."""
    if task.amount * len(task.coins) > 5_000_000:
        raise TooLarge("The generating function")
    ways = [1] + [0] * task.amount
    steps: list[Step] = []
    for place, coin in enumerate(task.coins):
        for total in range(coin, task.amount + 1):
            ways[total] += ways[total - coin]
        steps.append(
            Step(claim=f"with coins of {', '.join(map(str, task.coins[: place + 1]))}: {ways[task.amount]} ways")
        )
    return phrase.answered(task, phrase.said(task, str(ways[task.amount])), "generating function", steps)


def dice(task: Dice) -> Answer:
    """Take the coefficients of `(x + ... + x^s)^n`."""
    n, s = task.count, task.sides
    if n * n * s * s > 4_000_000:
        raise TooLarge("The generating function")
    counts = algebra.dice_counts(n, s)
    wanted = sum(count for total, count in enumerate(counts) if count and relates(total, task.relation, task.total))
    value = Fraction(wanted, s**n)
    if task.relation == "==" and n <= task.total <= n * s:
        terms = [
            f"(-1)^{j} * binomial({n}, {j}) * binomial({task.total - s * j - 1}, {n - 1})"
            for j in range((task.total - n) // s + 1)
        ]
        steps = [Step(claim=f"{wanted} outcomes by inclusion and exclusion", check=f"{' + '.join(terms)} == {wanted}")]
    else:
        steps = [Step(claim=f"{wanted} of {s}^{n} outcomes: the sum of the coefficients asked for")]
    steps.append(Step(claim="each outcome is as likely as any other", check=f"{wanted} / {s}^{n} == ({value})"))
    return phrase.answered(task, phrase.said(task, phrase.fraction(value)), "generating function", steps)


def flips(task: Flips) -> Answer:
    """Add binomial coefficients over 2^n."""
    n = task.count
    guard_power(Fraction(2), n, f"2^{n}")
    fitting = [k for k in range(n + 1) if relates(k, task.relation, task.heads)]
    value = Fraction(sum(math.comb(n, k) for k in fitting), 2**n)
    terms = " + ".join(f"binomial({n}, {k})" for k in fitting) or "0"
    steps = [
        Step(claim=f"binomial({n}, k) of 2^{n} outcomes have k {task.side}", check=f"({terms}) / 2^{n} == ({value})")
    ]
    return phrase.answered(task, phrase.said(task, phrase.fraction(value)), "binomial distribution", steps)


def birthday(task: Birthday) -> Answer:
    """Subtract the chance that all birthdays differ."""
    n = task.people
    if n > 365:
        step = Step(claim="more people than days", check=f"{n} > 365")
        return phrase.answered(task, phrase.said(task, "1"), "pigeonhole principle", [step], scope=_BIRTHDAYS)
    value = 1 - Fraction(math.perm(365, n), 365**n)
    step = Step(
        claim="1 - 365! / (365 - n)! / 365^n",
        check=f"floor((1 - factorial(365) / factorial({365 - n}) / 365^{n}) * 10^10) == {math.floor(value * 10**10)}",
    )
    return phrase.answered(task, phrase.said(task, phrase.fraction(value)), "complement", [step], scope=_BIRTHDAYS)


def counting(task: Counting) -> Answer:
    """Count by inclusion and exclusion, by whole roots, or by the prime-counting function."""
    first, last = task.first, task.last
    if task.test == "prime":
        if task.ask == "sum" or last > 50_000_000:
            return phrase.abstain("prime counting", "only counts of primes have a fast formula here")
        up_to = algebra.prime_count(last), algebra.prime_count(first - 1)
        step = Step(
            claim=f"pi({last}) - pi({first - 1}) = {up_to[0]} - {up_to[1]}",
            check=f"{up_to[0]} - {up_to[1]} == {up_to[0] - up_to[1]}",
        )
        return phrase.answered(task, phrase.said(task, str(up_to[0] - up_to[1])), "prime counting", [step])
    if task.test in {"square", "cube"}:
        return _powers(task)
    terms: list[str] = []
    subsets = [c for size in range(1, len(task.divisors) + 1) for c in itertools.combinations(task.divisors, size)]
    if task.test == "all":
        terms = [_multiples(task, math.lcm(*task.divisors))]
    else:
        for chosen in subsets:
            sign = "+" if len(chosen) % 2 else "-"
            terms.append(f"{sign} {_multiples(task, math.lcm(*chosen))}")
    formula = " ".join(terms)
    if task.test == "none":
        everything = (
            f"{last} - {first} + 1" if task.ask == "count" else f"({first} + {last}) * ({last} - {first} + 1) / 2"
        )
        formula = f"{everything} - ({formula})"
    value = algebra.Algebra().value(parse(formula))
    step = Step(claim="inclusion and exclusion over the multiples", check=f"{formula} == {Fraction(value)}")
    return phrase.answered(task, phrase.said(task, phrase.number(value)), "inclusion and exclusion", [step])


def relates(a: int, relation: str, b: int) -> bool:
    """Return whether a relation holds between two whole numbers."""
    return {"==": a == b, "!=": a != b, "<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[relation]


# -- helpers ----------------------------------------------------------------------------------------

_BIRTHDAYS = "365 equally likely birthdays"


def _fibonacci(n: int) -> tuple[int, int]:
    """Return F(n) and F(n + 1) by F(2k) = F(k) (2 F(k+1) - F(k)) and F(2k+1) = F(k)^2 + F(k+1)^2."""
    if n == 0:
        return 0, 1
    f, g = _fibonacci(n // 2)
    a, b = f * (2 * g - f), f * f + g * g
    return (b, a + b) if n % 2 else (a, b)


def _multiples(task: Counting, d: int) -> str:
    high, low = f"({task.last} // {d})", f"({task.first - 1} // {d})"
    if task.ask == "count":
        return f"({high} - {low})"
    return f"({d} * ({high} * ({high} + 1) - {low} * ({low} + 1)) / 2)"


def _powers(task: Counting) -> Answer:
    power = 2 if task.test == "square" else 3
    high, low = _root(task.last, power), _root(task.first - 1, power)
    if task.ask == "count":
        value, formula = high - low, f"{high} - {low}"
    elif power == 2:
        value = high * (high + 1) * (2 * high + 1) // 6 - low * (low + 1) * (2 * low + 1) // 6
        formula = f"({high} * ({high} + 1) * (2 * {high} + 1) - {low} * ({low} + 1) * (2 * {low} + 1)) / 6"
    else:
        value = (high * (high + 1) // 2) ** 2 - (low * (low + 1) // 2) ** 2
        formula = f"({high} * ({high} + 1) / 2)^2 - ({low} * ({low} + 1) / 2)^2"
    bounds = f"{high}^{power} <= {task.last} < ({high} + 1)^{power}"
    steps = [
        Step(claim=f"the largest root is {high}", check=bounds),
        Step(
            claim=f"{low} roots lie below the interval",
            check=f"{low}^{power} <= {task.first - 1} < ({low} + 1)^{power}",
        ),
        Step(claim="what is asked follows from the roots", check=f"{formula} == {value}"),
    ]
    return phrase.answered(task, phrase.said(task, str(value)), "whole roots", steps)


def _root(n: int, power: int) -> int:
    low, high = 0, 1 << (n.bit_length() // power + 1)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**power <= n else (low, middle - 1)
    return low
