"""The formal problems that both solvers understand: what a question becomes before anyone answers it.

Numbers are kept as expressions (`2^61 - 1`), so that each solver evaluates them by its own means.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

__all__ = [
    "OUT_OF_SCOPE",
    "TASK",
    "Arithmetic",
    "Arrangements",
    "Birthday",
    "Change",
    "Common",
    "Comparison",
    "Counting",
    "Days",
    "Dice",
    "Digits",
    "Divisible",
    "Equation",
    "Factorise",
    "Flips",
    "LinearSystem",
    "Logic",
    "Prime",
    "Relation",
    "Remainder",
    "Selection",
    "Sequence",
    "Series",
    "Task",
]

Relation = Literal["==", "!=", "<", "<=", ">", ">="]


class _Task(BaseModel):
    model_config = ConfigDict(frozen=True)

    assumed: str = ""
    """What the question left open and how it was read; it stands in the scope of the answer."""


# -- numbers ----------------------------------------------------------------------------------------


class Prime(_Task):
    """Whether a whole number is prime (or composite, where that was asked)."""

    kind: Literal["prime"] = "prime"
    number: str
    ask: Literal["prime", "composite"] = "prime"


class Factorise(_Task):
    """The prime factors of a whole number."""

    kind: Literal["factorise"] = "factorise"
    number: str


class Common(_Task):
    """The greatest common divisor or the least common multiple of two numbers or more."""

    kind: Literal["common"] = "common"
    function: Literal["gcd", "lcm"]
    numbers: list[str]


class Divisible(_Task):
    """Whether one whole number divides another."""

    kind: Literal["divisible"] = "divisible"
    number: str
    divisor: str


class Remainder(_Task):
    """The remainder of a whole number, which may be far too large to be written out."""

    kind: Literal["remainder"] = "remainder"
    number: str
    modulus: str


class Arithmetic(_Task):
    """The exact value of an expression."""

    kind: Literal["arithmetic"] = "arithmetic"
    expression: str
    unit: str = ""
    label: str = ""
    """What the value is, where the question said it in words."""


class Comparison(_Task):
    """Whether a relation holds between two numbers, or which of them is larger."""

    kind: Literal["comparison"] = "comparison"
    left: str
    relation: Relation = "=="
    right: str
    ask: Literal["holds", "larger", "smaller"] = "holds"


class Digits(_Task):
    """The sum or the number of the decimal digits of a whole number."""

    kind: Literal["digits"] = "digits"
    number: str
    function: Literal["sum", "count"] = "sum"


# -- algebra ----------------------------------------------------------------------------------------


class Equation(_Task):
    """A polynomial equation of degree 4 or less in one unknown."""

    kind: Literal["equation"] = "equation"
    left: str
    right: str
    unknown: str = "x"
    label: str = ""
    """What the unknown stands for."""


class LinearSystem(_Task):
    """Two linear equations in two unknowns."""

    kind: Literal["system"] = "system"
    equations: list[tuple[str, str]]
    unknowns: tuple[str, str]
    labels: tuple[str, str] = ("", "")
    """What the unknowns stand for."""


class Series(_Task):
    """A sum or a product of `term` for k = first, ..., last."""

    kind: Literal["series"] = "series"
    operation: Literal["sum", "product"] = "sum"
    term: str
    first: int
    last: int
    label: str = ""


class Sequence(_Task):
    """A member of a well-known sequence; Fibonacci and Lucas numbers with F(1) = F(2) = 1, L(0) = 2."""

    kind: Literal["sequence"] = "sequence"
    name: Literal["fibonacci", "lucas", "prime", "catalan"]
    index: int


# -- counting and chance ----------------------------------------------------------------------------


class Selection(_Task):
    """Ways to take k of n different things."""

    kind: Literal["selection"] = "selection"
    n: int
    k: int
    ordered: bool = False
    repeated: bool = False


class Arrangements(_Task):
    """Different orders of the letters of a word."""

    kind: Literal["arrangements"] = "arrangements"
    word: str


class Change(_Task):
    """Ways to make an amount from coins."""

    kind: Literal["change"] = "change"
    amount: int
    coins: list[int]


class Dice(_Task):
    """The probability that the sum of dice stands in a relation to a total."""

    kind: Literal["dice"] = "dice"
    count: int
    sides: int = 6
    relation: Relation = "=="
    total: int


class Flips(_Task):
    """The probability of a number of heads in flips of a fair coin."""

    kind: Literal["flips"] = "flips"
    count: int
    relation: Relation = "=="
    heads: int
    side: Literal["heads", "tails"] = "heads"


class Birthday(_Task):
    """The probability that two of some people share a birthday."""

    kind: Literal["birthday"] = "birthday"
    people: int


class Counting(_Task):
    """How many whole numbers of an interval have a property, or their sum."""

    kind: Literal["counting"] = "counting"
    first: int
    last: int
    test: Literal["any", "all", "none", "prime", "square", "cube"]
    """any, all, none: divisible by any, by all or by none of `divisors`."""
    divisors: list[int] = Field(default_factory=list[int])
    ask: Literal["count", "sum"] = "count"


# -- logic and dates --------------------------------------------------------------------------------


class Logic(_Task):
    """A question about propositions; `premises` are formulas of `propositions.read`."""

    kind: Literal["logic"] = "logic"
    ask: Literal["tautology", "satisfiable", "contradiction", "implies", "equivalent"]
    premises: list[str] = Field(default_factory=list)
    conclusion: str = ""


class Days(_Task):
    """Days between two dates, the weekday of one, or the date some days away (Gregorian calendar)."""

    kind: Literal["days"] = "days"
    ask: Literal["between", "weekday", "shift"]
    first: date
    second: date | None = None
    shift: int = 0


Task = Annotated[
    Prime
    | Factorise
    | Common
    | Divisible
    | Remainder
    | Arithmetic
    | Comparison
    | Digits
    | Equation
    | LinearSystem
    | Series
    | Sequence
    | Selection
    | Arrangements
    | Change
    | Dice
    | Flips
    | Birthday
    | Counting
    | Logic
    | Days,
    Field(discriminator="kind"),
]

TASK: TypeAdapter[Task] = TypeAdapter(Task)
"""Reads a task back from JSON."""

OUT_OF_SCOPE = (
    "The two built-in debaters reason exactly, and only about: exact arithmetic and comparisons, percentages and "
    "units; primes, factors, gcd and lcm, divisibility, remainders of powers, digits; equations in one unknown up "
    "to degree 4, two linear equations and short word problems; sums, products and sequences; choosing, "
    "arranging, coin change, dice, coin flips and birthdays; counting numbers with a property; propositional "
    "logic; days between dates and weekdays. They have no opinions and no knowledge of the world: connect a "
    "language model for anything else."
)
