"""A small language of exact arithmetic, read by a parser of its own: nothing in it can run code or run for long.

It has integers and decimals, `+ - * / // % ^ **  !`, comparisons (which may be chained), `and or not`, `true`,
`false`, parentheses, a few functions (`FUNCTIONS`), and a product without a sign (`3x`, `2(3 + 4)`). The steps of
an answer are stated in it, so each debater can try the other's steps with an evaluator of its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from nexus_agents.core.errors import InputError, LimitReached

__all__ = [
    "FUNCTIONS",
    "MAX_BITS",
    "Evaluator",
    "Node",
    "NotAnExpression",
    "TooLarge",
    "Undefined",
    "Value",
    "check",
    "names_in",
    "number",
    "parse",
    "show",
    "substitute",
]

MAX_BITS = 14_000
"""Largest numerator or denominator: a little under the 4,300 digits that Python prints at all."""
MAX_LENGTH = 20_000
MAX_DEPTH = 60

FUNCTIONS = {
    "abs": 1,
    "binomial": 2,
    "digitsum": 1,
    "factorial": 1,
    "floor": 1,
    "gcd": 2,
    "isqrt": 1,
    "lcm": 2,
    "lucaslehmer": 1,
    "max": 2,
    "min": 2,
    "powmod": 3,
    "sqrt": 1,
}
"""Functions and how many arguments they take; gcd, lcm, max and min take that many or more.

`lucaslehmer(p)` is s(p - 2) modulo 2^p - 1, where s(0) = 4 and s(i + 1) = s(i)^2 - 2.
"""
_VARIADIC = {"gcd", "lcm", "max", "min"}

Value = Fraction | bool


class NotAnExpression(InputError):
    """The text is not in the language."""


class Undefined(InputError):
    """The expression has no exact value: a division by zero, a root that is not rational."""


class TooLarge(LimitReached):
    """A number would be larger than is computed here.

    Args:
        what: The operation that was refused.
        log10: Decimal logarithm of its result, where it can be told.
    """

    def __init__(self, what: str, log10: float | None = None) -> None:
        size = "more digits than can be counted" if log10 is None else f"about {int(log10) + 1:,} digits"
        super().__init__(
            f"{what} has {size}.",
            f"Numbers up to {int(MAX_BITS * 0.30103):,} digits are computed; ask for a remainder or a comparison.",
        )
        self.log10 = log10


@dataclass(frozen=True)
class Node:
    """One operation, `op` being "number", "name", "true", "false", an operator or a function.

    Attributes:
        op: What is done; "neg" and "!" are the two unary signs.
        args: What it is done to.
        value: The number of a "number".
        name: The letter of a "name".
        depth: Levels below and including this one.
    """

    op: str
    args: tuple[Node, ...] = ()
    value: Fraction = Fraction(0)
    name: str = ""
    depth: int = 1


class Evaluator(Protocol):
    """One way to find the value of an expression."""

    @property
    def name(self) -> str:
        """What it computes with, in words."""
        ...

    def value(self, node: Node) -> Value:
        """Return the exact value of an expression without names.

        Raises:
            TooLarge: A number in it passes `MAX_BITS`.
            Undefined: It has no exact value.
            NotAnExpression: A condition stands where a number should, or the other way about.
        """
        ...


def check(expression: str, evaluator: Evaluator) -> bool:
    """Return whether a stated condition, such as `3 * 7 * 13 == 273`, is true.

    Raises:
        NotAnExpression: It is not in the language, or is a number and not a condition.
        TooLarge: A number in it passes `MAX_BITS`.
        Undefined: Something in it has no exact value.
    """
    value = evaluator.value(parse(expression))
    if not isinstance(value, bool):
        raise NotAnExpression(f"'{expression[:60]}' is a number.", "State a condition, for instance with ==.")
    return value


def parse(text: str, names: str = "") -> Node:
    """Read an expression.

    Args:
        text: The expression; `=` alone is read as `==`.
        names: Letters that stand for unknowns.

    Raises:
        NotAnExpression: Something in it is not in the language, or it is too long or too deep.
    """
    if len(text) > MAX_LENGTH:
        raise NotAnExpression(f"The expression has {len(text):,} characters.", f"At most {MAX_LENGTH:,} are read.")
    return _Parser(text, names).whole()


def number(value: int | Fraction) -> Node:
    """Return a number as an expression."""
    return Node("number", value=Fraction(value))


def names_in(node: Node) -> set[str]:
    """Return the unknowns that occur in an expression."""
    return {node.name} if node.op == "name" else set[str]().union(*(names_in(one) for one in node.args))


def substitute(node: Node, name: str, value: Node) -> Node:
    """Put an expression in the place of an unknown."""
    if node.op == "name":
        return value if node.name == name else node
    return _apply(node.op, *(substitute(one, name, value) for one in node.args)) if node.args else node


def show(node: Node) -> str:
    """Write an expression down so that `parse` reads it again."""
    return _show(node, 0)


# -- reading ----------------------------------------------------------------------------------------

_TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d+)?|\.\d+)|([a-z]+)|(//|\*\*|==|!=|<=|>=|[-+*/%^!()<>=,]))", re.A)
_COMPARE = {"==", "!=", "<", "<=", ">", ">="}
_LEVEL = {"or": 1, "and": 2, "+": 5, "-": 5, "*": 6, "/": 6, "//": 6, "%": 6, "^": 8, "!": 9} | dict.fromkeys(
    _COMPARE, 4
)
_NOT, _NEGATIVE, _IMPLICIT = 3, 7, 6


class _Parser:
    """Precedence climbing over a list of tokens."""

    def __init__(self, text: str, names: str) -> None:
        self.names = names
        self.tokens = self._split(text)
        self.at = 0
        self.depth = 0

    def whole(self) -> Node:
        node = self.level(0)
        if self.peek():
            raise NotAnExpression(f"'{self.peek()}' does not belong here.", "Write an exact expression.")
        return node

    def _split(self, text: str) -> list[str]:
        tokens: list[str] = []
        text, place = text.strip(), 0
        while place < len(text):
            found = _TOKEN.match(text, place)
            if not found:
                raise NotAnExpression(
                    f"'{text[place : place + 10]}' is not arithmetic.", "Use digits and + - * / ^ ! ( )."
                )
            word = found[2]
            if word and word not in FUNCTIONS and word not in {"and", "or", "not", "true", "false", "mod"}:
                if not all(letter in self.names for letter in word):
                    raise NotAnExpression(f"'{word}' is not known.", f"Functions: {', '.join(FUNCTIONS)}.")
                tokens += list(word)
            else:
                token = found[0].strip()
                tokens.append({"**": "^", "=": "==", "mod": "%"}.get(token, token))
            place = found.end()
        return tokens

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, expected: str = "") -> str:
        token = self.peek()
        if not token or (expected and token != expected):
            raise NotAnExpression(
                f"'{expected or 'a number'}' is missing before '{token or 'the end'}'.",
                "Check the parentheses.",
            )
        self.at += 1
        return token

    def level(self, least: int) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise NotAnExpression(f"It is nested deeper than {MAX_DEPTH} levels.", "Write it in steps.")
        left = self.first()
        while (token := self.peek()) and token not in {")", ","}:
            if token == "!" and _LEVEL["!"] >= least:
                self.take()
                left = _apply("!", left)
            elif token in _COMPARE and least <= _LEVEL["=="]:
                left = self.comparison(left)
            elif token in _LEVEL and token not in _COMPARE and token != "!" and _LEVEL[token] >= least:
                self.take()
                # A power binds to the right, everything else to the left.
                right = self.level(_NEGATIVE if token == "^" else _LEVEL[token] + 1)
                left = _join(token, left, right)
            elif token not in _LEVEL and least <= _IMPLICIT and self.starts_factor(token):
                left = _join("*", left, self.level(_IMPLICIT + 1))
            else:
                break
        self.depth -= 1
        return left

    def first(self) -> Node:
        token = self.take()
        if token[0].isdigit() or token[0] == ".":
            if len(token) > MAX_BITS * 0.3:
                raise TooLarge("A number in the question", len(token) - 1.0)
            return number(Fraction(token))
        if token == "-":
            return _apply("neg", self.level(_NEGATIVE))
        if token == "+":
            return self.level(_NEGATIVE)
        if token == "not":
            return _apply("not", self.level(_NOT))
        if token in {"true", "false"}:
            return Node(token)
        if token == "(":
            node = self.level(0)
            self.take(")")
            return node
        if token in FUNCTIONS:
            return self.call(token)
        if token in self.names:
            return Node("name", name=token)
        raise NotAnExpression(f"'{token}' stands where a number should.", "Write an exact expression.")

    def call(self, function: str) -> Node:
        self.take("(")
        args = [self.level(0)]
        while self.peek() == ",":
            self.take()
            args.append(self.level(0))
        self.take(")")
        wanted = FUNCTIONS[function]
        if len(args) != wanted and not (function in _VARIADIC and len(args) > wanted):
            raise NotAnExpression(f"{function} takes {wanted} numbers, not {len(args)}.", "Separate by commas.")
        return _apply(function, *args)

    def comparison(self, left: Node) -> Node:
        parts: list[Node] = []
        while self.peek() in _COMPARE:
            sign = self.take()
            right = self.level(_LEVEL["=="] + 1)
            parts.append(_apply(sign, left, right))
            left = right
        return parts[0] if len(parts) == 1 else _apply("and", *parts)

    def starts_factor(self, token: str) -> bool:
        """A letter, a function or a parenthesis may follow a factor without a sign; a number may not."""
        return token == "(" or token in FUNCTIONS or token in self.names


def _apply(op: str, *args: Node) -> Node:
    depth = 1 + max(one.depth for one in args)
    if depth > MAX_DEPTH:
        raise NotAnExpression(f"It is nested deeper than {MAX_DEPTH} levels.", "Write it in steps.")
    return Node(op, args, depth=depth)


def _join(op: str, left: Node, right: Node) -> Node:
    """Long sums and products stay flat, so that their length does not count as depth."""
    if op == "-":
        op, right = "+", _apply("neg", right)
    if op in {"+", "*", "and", "or"} and left.op == op:
        return Node(op, (*left.args, right), depth=max(left.depth, right.depth + 1))
    return _apply(op, left, right)


# -- writing ----------------------------------------------------------------------------------------


def _show(node: Node, least: int) -> str:
    op, args = node.op, node.args
    if op == "number":
        whole = node.value.denominator == 1
        text = str(node.value) if whole else f"({node.value})"
        return f"({text})" if whole and node.value < 0 else text
    if op == "name":
        return node.name
    if not args:
        return op
    if op in FUNCTIONS:
        return f"{op}({', '.join(_show(one, 0) for one in args)})"
    if op == "!":
        return f"{_show(args[0], 10)}!"
    level = {"neg": _NEGATIVE, "not": _NOT}.get(op) or _LEVEL[op]
    if op == "neg":
        text = "-" + _show(args[0], _NEGATIVE)
    elif op == "not":
        text = "not " + _show(args[0], _NOT)
    elif op == "^":
        text = f"{_show(args[0], level + 1)}^{_show(args[1], level)}"
    elif op == "+":
        text = _show(args[0], level)
        for one in args[1:]:
            text += f" - {_show(one.args[0], level + 1)}" if one.op == "neg" else f" + {_show(one, level + 1)}"
    else:
        text = f" {op} ".join([_show(args[0], level)] + [_show(one, level + 1) for one in args[1:]])
    return f"({text})" if level < least else text
