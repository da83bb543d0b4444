"""The search side on sums, selections, chance and counting: adding up, enumerating, and simulating."""

from __future__ import annotations

import itertools
import math
import random
from collections import Counter
from fractions import Fraction
from functools import cache

from nexus_agents.core.work import Answer, Step
from nexus_agents.models.builtin.solvers import phrase
from nexus_agents.models.builtin.solvers.budget import Budget
from nexus_agents.models.builtin.solvers.exact import Exact
from nexus_agents.models.builtin.solvers.expression import MAX_BITS, TooLarge, number, parse, substitute
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

__all__ = ["arrangements", "birthday", "change", "counting", "dice", "flips", "selection", "sequence", "series"]

_MOST_SAMPLES = 200_000
_Z = 3.2905
"""Normal quantile of a two-sided interval of 99.9 %."""


def series(task: Series, budget: Budget) -> Answer:
    """Add up, or multiply, term by term."""
    node = parse(task.term, "k")
    budget.spend(4 * (task.last - task.first + 1))
    total = Fraction(0) if task.operation == "sum" else Fraction(1)
    for k in range(task.first, task.last + 1):
        term = Exact().number(substitute(node, "k", number(k)))
        total = total + term if task.operation == "sum" else total * term
        if total.numerator.bit_length() > MAX_BITS:
            raise TooLarge("The total", total.numerator.bit_length() * math.log10(2))
    steps = [Step(claim=f"{task.last - task.first + 1} terms were taken one by one")]
    return phrase.answered(task, phrase.said(task, phrase.number(total)), "term by term", steps)


def sequence(task: Sequence, budget: Budget) -> Answer:
    """Go through the sequence from its start."""
    n = task.index
    if task.name == "prime":
        return _walk_primes(task, budget)
    if task.name == "catalan":
        budget.spend(n * n // 2 + 1)
        values = [1]
        for size in range(n):
            values.append(sum(values[i] * values[size - i] for i in range(size + 1)))
        value = values[n]
    else:
        a, value = (1, 0) if task.name == "fibonacci" else (-1, 2)
        for _ in range(n):
            budget.spend()
            a, value = value, a + value
            if value.bit_length() > MAX_BITS:
                raise TooLarge(f"The {n}th {task.name} number")
    return phrase.answered(task, phrase.said(task, phrase.number(value)), "from the start, one after another")


def selection(task: Selection, budget: Budget) -> Answer:
    """List them all where they are few; otherwise count choice by choice."""
    n, k = task.n, task.k
    few = n <= 10 and k <= 6
    if few:
        tool = {
            (False, False): itertools.combinations(range(n), k),
            (True, False): itertools.permutations(range(n), k),
            (True, True): itertools.product(range(n), repeat=k),
            (False, True): itertools.combinations_with_replacement(range(n), k),
        }[task.ordered, task.repeated]
        value = 0
        for _ in tool:
            budget.spend()
            value += 1
        step = Step(claim=f"all {value} were listed and counted")
        return phrase.answered(task, phrase.said(task, str(value)), "listing", [step])
    if task.ordered:
        value = 1
        for taken in range(k):
            budget.spend(1 + value.bit_length() // 64)
            value *= n if task.repeated else max(n - taken, 0)
            if value.bit_length() > MAX_BITS:
                raise TooLarge("The number of ways")
        return phrase.answered(task, phrase.said(task, phrase.number(value)), "one choice after another")
    rows = n + k - 1 if task.repeated else n
    k = min(k, rows - k) if rows >= k else -1
    if k < 0:
        return phrase.answered(task, phrase.said(task, "0"), "there are not enough things to take")
    budget.spend(rows * (k + 1))
    row = [1] + [0] * k
    for _ in range(rows):
        for place in range(k, 0, -1):
            row[place] += row[place - 1]
    step = Step(claim=f"row {rows} of Pascal's triangle, place {k}")
    return phrase.answered(task, phrase.said(task, phrase.number(row[k])), "Pascal's triangle by addition", [step])


def arrangements(task: Arrangements, budget: Budget) -> Answer:
    """List the orders of a short word; of a long one, count them letter by letter."""
    if len(task.word) <= 8:
        budget.spend(math.factorial(len(task.word)))
        value = len(set(itertools.permutations(task.word)))
        step = Step(claim=f"all orders were listed, {value} of them different")
        return phrase.answered(task, phrase.said(task, str(value)), "listing", [step])

    @cache
    def ways(left: tuple[int, ...]) -> int:
        budget.spend()
        if not any(left):
            return 1
        return sum(
            ways(tuple(sorted((*left[:place], count - 1, *left[place + 1 :]))))
            for place, count in enumerate(left)
            if count
        )

    value = ways(tuple(sorted(Counter(task.word).values())))
    return phrase.answered(task, phrase.said(task, str(value)), "letter by letter")


def change(task: Change, budget: Budget) -> Answer:
    """Try every number of each coin, the largest first."""
    coins = sorted(task.coins, reverse=True)

    def ways(amount: int, place: int) -> int:
        budget.spend()
        if place == len(coins) - 1:
            return int(amount % coins[place] == 0)
        return sum(ways(amount - used, place + 1) for used in range(0, amount + 1, coins[place]))

    value = ways(task.amount, 0)
    step = Step(claim="every number of each coin was tried")
    return phrase.answered(task, phrase.said(task, str(value)), "nested counting", [step])


def dice(task: Dice, budget: Budget) -> Answer:
    """Throw the dice in every way, or many times at random."""
    n, s = task.count, task.sides
    faces = range(1, s + 1)
    outcomes = s**n if n * math.log2(s) < 60 else None
    if outcomes is not None and outcomes * n <= min(budget.left, 1_500_000):
        budget.spend(outcomes * n)
        wanted = sum(_relates(sum(throw), task.relation, task.total) for throw in itertools.product(faces, repeat=n))
        value = Fraction(wanted, outcomes)
        steps = [Step(claim=f"{wanted} of {outcomes} outcomes, all listed", check=f"{wanted} / {s}^{n} == ({value})")]
        return phrase.answered(task, phrase.said(task, phrase.fraction(value)), "listing all outcomes", steps)
    samples = _samples(budget, n)
    source = random.Random(20_240_229)
    hits = sum(_relates(sum(source.randint(1, s) for _ in range(n)), task.relation, task.total) for _ in range(samples))
    return _estimate(task, hits, samples)


def flips(task: Flips, budget: Budget) -> Answer:
    """Flip the coins in every way, or many times at random."""
    n = task.count
    if n <= 20 and 2**n <= budget.left:
        budget.spend(2**n)
        wanted = sum(_relates(outcome.bit_count(), task.relation, task.heads) for outcome in range(2**n))
        value = Fraction(wanted, 2**n)
        steps = [Step(claim=f"{wanted} of {2**n} outcomes, all listed", check=f"{wanted} / 2^{n} == ({value})")]
        return phrase.answered(task, phrase.said(task, phrase.fraction(value)), "listing all outcomes", steps)
    samples = _samples(budget, 1 + n // 64)
    source = random.Random(20_240_229)
    hits = sum(_relates(source.getrandbits(n).bit_count(), task.relation, task.heads) for _ in range(samples))
    return _estimate(task, hits, samples)


def birthday(task: Birthday, budget: Budget) -> Answer:
    """Invite people at random, many times."""
    samples = _samples(budget, task.people + 1)
    source = random.Random(20_240_229)
    hits = 0
    for _ in range(samples):
        days = [source.randrange(365) for _ in range(task.people)]
        hits += len(set(days)) < len(days)
    return _estimate(task, hits, samples, "365 equally likely birthdays; ")


def counting(task: Counting, budget: Budget) -> Answer:
    """Go through the interval and test each number."""
    first, last = task.first, task.last
    budget.spend(last - first + 1)
    if task.test == "prime":
        fitting = _primes_between(first, last, budget)
    elif task.test in {"square", "cube"}:
        power = 2 if task.test == "square" else 3
        wanted = {k**power for k in range(1, math.isqrt(last) + 2)}
        fitting = [n for n in range(first, last + 1) if n in wanted]
    else:
        test = {"any": any, "all": all, "none": lambda hits: not any(hits)}[task.test]  # type: ignore[misc]
        fitting = [n for n in range(first, last + 1) if test([n % d == 0 for d in task.divisors])]
    value = len(fitting) if task.ask == "count" else sum(fitting)
    step = Step(claim=f"all numbers from {first} to {last} were tested")
    return phrase.answered(task, phrase.said(task, str(value)), "direct counting", [step])


# -- helpers ----------------------------------------------------------------------------------------


def _relates(a: int, relation: str, b: int) -> bool:
    return {"==": a == b, "!=": a != b, "<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[relation]


def _samples(budget: Budget, cost: int) -> int:
    samples = min(_MOST_SAMPLES, budget.left // (4 * cost))
    budget.spend(max(samples, 500) * cost)
    return max(samples, 500)


def _estimate(task: Dice | Flips | Birthday, hits: int, samples: int, scope: str = "") -> Answer:
    """State a simulated probability with its interval (E. B. Wilson, JASA 22, 1927)."""
    share, z = hits / samples, _Z
    centre = (share + z * z / (2 * samples)) / (1 + z * z / samples)
    half = z / (1 + z * z / samples) * math.sqrt(share * (1 - share) / samples + z * z / (4 * samples**2))
    low, high = max(0.0, centre - half), min(1.0, centre + half)
    said = phrase.said(task, f"about {share:.5f}, between {low:.5f} and {high:.5f}")
    steps = [
        Step(
            claim=f"{hits} of {samples} trials; 99.9 % interval", check=f"{low:.6f} <= {hits} / {samples} <= {high:.6f}"
        )
    ]
    scope += f"simulated, {samples} trials with a fixed seed, 99.9 % interval"
    return phrase.answered(task, said, "simulation", steps, scope=scope, confidence=0.6)


def _primes_between(first: int, last: int, budget: Budget) -> list[int]:
    """Sieve of Eratosthenes."""
    budget.spend(last)
    sieve = bytearray([1]) * (last + 1)
    for p in range(2, math.isqrt(last) + 1):
        if sieve[p]:
            sieve[p * p :: p] = bytes(len(range(p * p, last + 1, p)))
    return [n for n in range(max(first, 2), last + 1) if sieve[n]]


def _walk_primes(task: Sequence, budget: Budget) -> Answer:
    primes: list[int] = []
    candidate = 1
    while len(primes) < task.index:
        candidate += 1
        root = math.isqrt(candidate)
        for p in primes:
            budget.spend()
            if p > root:
                primes.append(candidate)
                break
            if candidate % p == 0:
                break
        else:
            primes.append(candidate)
    steps = [Step(claim=f"every number up to {candidate} was divided by the primes before it")]
    return phrase.answered(task, phrase.said(task, str(candidate)), "one prime after another", steps)
