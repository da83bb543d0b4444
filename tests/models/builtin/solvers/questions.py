"""A generated set of questions with answers found by plain Python, and a debate over them."""

from __future__ import annotations

import itertools
import math
import random
from collections import Counter
from datetime import date, timedelta
from fractions import Fraction

from nexus_agents.core.work import Answer, Verdict
from nexus_agents.models.builtin.solvers import search, symbolic
from nexus_agents.models.builtin.solvers.algebra import Algebra
from nexus_agents.models.builtin.solvers.critique import criticise
from nexus_agents.models.builtin.solvers.exact import Exact
from nexus_agents.models.builtin.solvers.formal import formalise
from nexus_agents.models.builtin.solvers.judge import judge
from nexus_agents.models.builtin.solvers.phrase import fraction, number
from nexus_agents.models.builtin.solvers.revise import revise

Question = tuple[str, str]
"""The words, and what the answer must start with (`yes`) or end with (`= 42`)."""


def right(answer: Answer | Verdict, expected: str) -> bool:
    text = answer.answer
    if expected in {"yes", "no"}:
        return text.startswith(f"{expected},")
    return text.endswith(expected)


def questions(seed: int = 7) -> list[Question]:
    made = random.Random(seed)
    found: list[Question] = []
    for family in (_numbers, _arithmetic, _algebra, _series, _counting, _chance, _logic, _days):
        found += family(made)
    return found


def debate(question: str, operations: int | None = None) -> tuple[Answer, Answer, Verdict]:
    """The first answers of both sides, and the verdict after one round."""
    task = formalise(question)
    assert task is not None, question
    a = symbolic.solve(task)
    b = search.solve(task) if operations is None else search.solve(task, operations)
    of_a, of_b = criticise(b, a, task, Exact()), criticise(a, b, task, Algebra())
    last_a = revise(a, b, of_a, of_b, task, Algebra())
    last_b = revise(b, a, of_b, of_a, task, Exact())
    verdict = judge(
        question,
        [("symbolic", last_a), ("search", last_b)],
        [("search", "symbolic", of_a), ("symbolic", "search", of_b)],
    )
    return a, b, verdict


def is_prime(n: int) -> bool:
    return n > 1 and all(n % d for d in range(2, math.isqrt(n) + 1))


def yes(truth: bool) -> str:
    return "yes" if truth else "no"


def _numbers(made: random.Random) -> list[Question]:
    found: list[Question] = []
    for form in ("is {} prime?", "whether {} is prime", "Is {} a prime number?", "is {} composite?"):
        for _ in range(4):
            n = made.choice([made.randrange(2, 200), made.randrange(10_000, 3_000_000) | 1])
            found.append((form.format(n), yes(is_prime(n) != ("composite" in form))))
    for _ in range(6):
        n = made.randrange(2, 50_000)
        rest, factors = n, Counter[int]()
        for p in range(2, n + 1):
            while rest % p == 0:
                factors[p] += 1
                rest //= p
        text = " * ".join(f"{p}^{e}" if e > 1 else str(p) for p, e in sorted(factors.items()))
        found.append((f"factorise {n}", f"= {text}" + (", which is prime" if factors.total() == 1 else "")))
    for _ in range(6):
        a, b, c = (made.randrange(2, 5_000) for _ in range(3))
        found.append((f"What is the gcd of {a} and {b}?", f"= {math.gcd(a, b)}"))
        found.append((f"lcm({a}, {b})", f"= {math.lcm(a, b)}"))
        found.append((f"greatest common divisor of {a}, {b} and {c}", f"= {math.gcd(a, b, c)}"))
    for _ in range(6):
        n, d = made.randrange(10, 9_999), made.randrange(2, 30)
        found.append((f"is {n} divisible by {d}?", yes(n % d == 0)))
        found.append((f"does {d} divide {n * d}?", "yes"))
        a, e = made.randrange(2, 40), made.randrange(10, 900)
        found.append((f"remainder when {a}^{e} is divided by {n}", f"= {pow(a, e, n)}"))
        found.append((f"what is the sum of the digits of {a}^{d}?", f"= {sum(map(int, str(a**d)))}"))
    return found


def _arithmetic(made: random.Random) -> list[Question]:
    found: list[Question] = []
    for _ in range(8):
        a, b, c = (made.randrange(1, 99) for _ in range(3))
        found.append((f"what is {a} + {b} * {c}?", f"= {a + b * c}"))
        found.append((f"calculate ({a} - {b}) / {c}", f"= {number(Fraction(a - b, c))}"))
        found.append((f"is {a}/{b} larger than {b}/{c}?", yes(Fraction(a, b) > Fraction(b, c))))
        found.append((f"what is {a}% of {b}", f"= {number(Fraction(a * b, 100))}"))
    for _ in range(4):
        a, b, m, n = (made.randrange(2, 60) for _ in range(4))
        if a**m != b**n:
            larger, other = (f"{a}^{m}", f"{b}^{n}") if a**m > b**n else (f"{b}^{n}", f"{a}^{m}")
            found.append((f"which is larger, {a}^{m} or {b}^{n}?", f"{larger} is larger than {other}"))
    return found


def _algebra(made: random.Random) -> list[Question]:
    found: list[Question] = []
    for _ in range(6):
        a, b, x = made.randrange(2, 20), made.randrange(-30, 30), made.randrange(-20, 20)
        found.append((f"solve {a}x + {b} = {a * x + b}".replace("+ -", "- "), f"x = {x}"))
    for _ in range(6):
        p, q = sorted(made.sample(range(-15, 16), 2))
        text = f"solve x^2 + {-(p + q)}x + {p * q} = 0".replace("+ -", "- ")
        found.append((text, f"x = {p} or x = {q}"))
    for _ in range(4):
        x, y = made.randrange(-20, 20), made.randrange(-20, 20)
        found.append((f"solve 2x + 3y = {2 * x + 3 * y} and x - y = {x - y}", f"x = {x} and y = {y}"))
    found.append(("two numbers add up to 20 and differ by 4, which are they?", "= 8"))
    return found


def _series(made: random.Random) -> list[Question]:
    found: list[Question] = []
    for _ in range(4):
        a = made.randrange(1, 50)
        b = a + made.randrange(1, 400)
        found.append((f"sum of the integers from {a} to {b}", f"= {sum(range(a, b + 1))}"))
        found.append(
            (f"sum of the squares of the integers from {a} to {b}", f"= {sum(k * k for k in range(a, b + 1))}")
        )
        found.append((f"sum of the first {a} odd numbers", f"= {sum(range(1, 2 * a, 2))}"))
        found.append((f"product of the integers from 1 to {a}", f"= {math.factorial(a)}"))
        first, second = 0, 1
        for _ in range(b):
            first, second = second, first + second
        found.append((f"the {b}th Fibonacci number", f"= {first}"))
    found.append(("1 + 2 + 4 + ... + 1024", "= 2047"))
    return found


def _counting(made: random.Random) -> list[Question]:
    found: list[Question] = []
    for _ in range(4):
        n, k = made.randrange(4, 40), made.randrange(1, 4)
        found.append((f"{n} choose {k}", f"= {math.comb(n, k)}"))
        found.append((f"how many ways can {k + 4} people be seated in a row?", f"= {math.factorial(k + 4)}"))
        p, q, last = made.randrange(2, 8), made.randrange(2, 12), made.randrange(50, 900)
        both = [m for m in range(1, last + 1) if m % p == 0 or m % q == 0]
        found.append((f"how many numbers from 1 to {last} are divisible by {p} or {q}?", f"= {len(both)}"))
        found.append((f"sum of all multiples of {p} or {q} up to {last}", f"= {sum(both)}"))
        found.append((f"how many primes are below {last}?", f"= {sum(map(is_prime, range(last)))}"))
        ways = sum(
            1
            for h, q25, d, five in itertools.product(range(3), range(5), range(11), range(21))
            if 50 * h + 25 * q25 + 10 * d + 5 * five <= min(last, 100)
        )
        found.append((f"how many ways are there to make change for {min(last, 100)}?", f"= {ways}"))
    for word in ("BANANA", "LEVEL", "ABCDE", "MISSISSIPPI"):
        orders = math.factorial(len(word))
        for count in Counter(word).values():
            orders //= math.factorial(count)
        found.append((f"how many ways can the letters of {word} be arranged?", f"= {orders}"))
    return found


def _chance(made: random.Random) -> list[Question]:
    found: list[Question] = []
    for _ in range(4):
        n, total = made.randrange(2, 5), made.randrange(4, 13)
        throws = list(itertools.product(range(1, 7), repeat=n))
        exact = Fraction(sum(sum(one) == total for one in throws), len(throws))
        least = Fraction(sum(sum(one) >= total for one in throws), len(throws))
        found.append((f"what is the probability that {n} dice sum to {total}?", f"= {fraction(exact)}"))
        found.append((f"probability of a total of at least {total} with {n} dice", f"= {fraction(least)}"))
        flips, heads = made.randrange(4, 12), made.randrange(0, 4)
        found.append(
            (
                f"probability of exactly {heads} heads in {flips} coin flips",
                f"= {fraction(Fraction(math.comb(flips, heads), 2**flips))}",
            )
        )
    return found


def _logic(made: random.Random) -> list[Question]:
    return [
        ("is A or not A a tautology?", "yes"),
        ("is (A -> B) or (B -> A) a tautology?", "yes"),
        ("is A and B a tautology?", "no"),
        ("is A and not A satisfiable?", "no"),
        ("is (A or B) and (not A or C) satisfiable?", "yes"),
        ("is (A <-> B) and (A xor B) a contradiction?", "yes"),
        ("If A implies B and B implies C, does A imply C?", "yes"),
        ("Given A -> B and B, does A follow?", "no"),
        ("Given A -> B, not B, does not A follow?", "yes"),
        ("does A and B imply A?", "yes"),
        ("is not (A and B) equivalent to not A or not B?", "yes"),
        ("is A -> B equivalent to B -> A?", "no"),
    ]


def _days(made: random.Random) -> list[Question]:
    found: list[Question] = []
    for _ in range(5):
        day = date(made.randrange(1900, 2100), made.randrange(1, 13), made.randrange(1, 29))
        later = day + timedelta(days=made.randrange(1, 20_000))
        found.append((f"how many days are there between {day} and {later}?", f"= {(later - day).days}"))
        found.append((f"what day of the week is {day}?", f"= {day:%A}"))
        count = made.randrange(1, 5_000)
        found.append((f"what date is {count} days after {day}?", f"= {day + timedelta(days=count)}"))
    return found
