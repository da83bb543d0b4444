"""Propositional logic in words or symbols, read into formulas that each solver evaluates in its own way."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from nexus_agents.core.errors import InputError

__all__ = ["MAX_LETTERS", "Formula", "NotAFormula", "holds", "letters_in", "read", "written"]

MAX_LETTERS = 16
MAX_TOKENS = 400
MAX_DEPTH = 60


class NotAFormula(InputError):
    """The text is not a formula of propositional logic."""


@dataclass(frozen=True)
class Formula:
    """A formula; `op` is letter, true, false, not, and, or, xor, implies or iff.

    Attributes:
        op: The connective.
        args: What it connects.
        letter: The name of a letter.
        depth: Levels below and including this one.
    """

    op: str
    args: tuple[Formula, ...] = ()
    letter: str = ""
    depth: int = 1


def read(text: str) -> Formula:
    """Read a formula such as `(A or not B) -> C`, `if A then B`, `A ∧ ¬B`.

    `->` binds to the right; the order of binding is not, and, or (with xor), implies, iff.

    Raises:
        NotAFormula: It is not one, or has too many letters or levels.
    """
    tokens = _tokens(text)
    parser = _Parser(tokens)
    formula = parser.iff()
    if parser.peek():
        raise NotAFormula(f"'{parser.peek()}' does not belong here.", "Write for instance: A and not B.")
    if len(letters_in(formula)) > MAX_LETTERS:
        raise NotAFormula(f"More than {MAX_LETTERS} letters.", "Use fewer.")
    return formula


def letters_in(formula: Formula) -> list[str]:
    """Return the letters of a formula, sorted."""
    found = {formula.letter} if formula.op == "letter" else set[str]()
    return sorted(found.union(*(letters_in(one) for one in formula.args)))


def holds(formula: Formula, values: Mapping[str, bool]) -> bool:
    """Return the truth of a formula under an assignment of its letters."""
    match formula.op:
        case "letter":
            return values[formula.letter]
        case "true" | "false":
            return formula.op == "true"
        case "not":
            return not holds(formula.args[0], values)
        case "and":
            return all(holds(one, values) for one in formula.args)
        case "or":
            return any(holds(one, values) for one in formula.args)
        case _:
            left, right = (holds(one, values) for one in formula.args)
            return {"xor": left != right, "implies": not left or right, "iff": left == right}[formula.op]


def written(formula: Formula, values: Mapping[str, bool]) -> str:
    """Write a formula under an assignment as a condition of the language of steps."""
    match formula.op:
        case "letter":
            return "true" if values[formula.letter] else "false"
        case "true" | "false":
            return formula.op
        case "not":
            return f"(not {written(formula.args[0], values)})"
        case "and" | "or":
            return "(" + f" {formula.op} ".join(written(one, values) for one in formula.args) + ")"
        case _:
            a, b = (written(one, values) for one in formula.args)
            if formula.op == "implies":
                return f"((not {a}) or {b})"
            same = f"(({a} and {b}) or ((not {a}) and (not {b})))"
            return same if formula.op == "iff" else f"(not {same})"


# -- reading ----------------------------------------------------------------------------------------

_WORDS = {
    "¬": "not", "~": "not", "!": "not", "not": "not",
    "∧": "and", "&": "and", "&&": "and", "and": "and", "but": "and", "/\\": "and",
    "∨": "or", "|": "or", "||": "or", "or": "or", "\\/": "or",
    "⊕": "xor", "xor": "xor",
    "→": "implies", "->": "implies", "=>": "implies", "⇒": "implies", "implies": "implies", "then": "then",
    "↔": "iff", "<->": "iff", "<=>": "iff", "⇔": "iff", "iff": "iff",
    "(": "(", ")": ")", "if": "if", ",": ",", "true": "true", "false": "false",
}  # fmt: skip
_TOKEN = re.compile(r"\s*(<->|<=>|->|=>|&&|\|\||/\\|\\/|[¬~!∧&∨|⊕→⇒↔⇔(),]|[A-Za-z]\w*)")


def _tokens(text: str) -> list[str]:
    text = re.sub(r"\bif and only if\b", "iff", text.strip(), flags=re.I)
    tokens: list[str] = []
    place = 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if not found or len(tokens) >= MAX_TOKENS:
            raise NotAFormula(f"'{text[place : place + 10]}' is not logic.", "Use letters, and, or, not, ->.")
        word = found[1]
        known = _WORDS.get(word.lower())
        if known is None and not re.fullmatch(r"[A-Za-z]\d?", word):
            raise NotAFormula(f"'{word}' is not a letter.", "Name propositions by single letters.")
        tokens.append(known or word.lower())
        place = found.end()
    return tokens


class _Parser:
    def __init__(self, tokens: list[str]) -> None:
        self.tokens, self.at, self.depth = tokens, 0, 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def accept(self, *wanted: str) -> bool:
        if self.peek() in wanted:
            self.at += 1
            return True
        return False

    def iff(self) -> Formula:
        left = self.implies()
        while self.accept("iff"):
            left = _make("iff", left, self.implies())
        return left

    def implies(self) -> Formula:
        left = self.either()
        return _make("implies", left, self.implies()) if self.accept("implies") else left

    def either(self) -> Formula:
        left = self.both()
        while self.peek() in {"or", "xor"}:
            op = self.peek()
            self.at += 1
            left = _make(op, left, self.both())
        return left

    def both(self) -> Formula:
        left = self.negated()
        while self.accept("and"):
            left = _make("and", left, self.negated())
        return left

    def negated(self) -> Formula:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise NotAFormula(f"It is nested deeper than {MAX_DEPTH} levels.", "Write it in parts.")
        formula = _make("not", self.negated()) if self.accept("not") else self.atom()
        self.depth -= 1
        return formula

    def atom(self) -> Formula:
        token = self.peek()
        self.at += 1
        if token == "(":
            formula = self.iff()
            if not self.accept(")"):
                raise NotAFormula("A closing parenthesis is missing.", "Check the parentheses.")
            return formula
        if token == "if":
            condition = self.either()
            self.accept(",")
            if not self.accept("then"):
                raise NotAFormula("'then' is missing after 'if'.", "Write: if A then B.")
            return _make("implies", condition, self.either())
        if token in {"true", "false"}:
            return Formula(token)
        if not token or token in _WORDS.values():
            raise NotAFormula(f"'{token or 'the end'}' stands where a letter should.", "Write: A and not B.")
        return Formula("letter", letter=token)


def _make(op: str, *args: Formula) -> Formula:
    depth = 1 + max(one.depth for one in args)
    if depth > MAX_DEPTH:
        raise NotAFormula(f"It is nested deeper than {MAX_DEPTH} levels.", "Write it in parts.")
    return Formula(op, args, depth=depth)
