"""Cleaning a question and finding the expressions in it."""

from __future__ import annotations

import re
import unicodedata

from nexus_agents.core.errors import NexusError
from nexus_agents.models.builtin.solvers.expression import Node, parse

__all__ = ["MAX_QUESTION", "clean", "expression", "integers", "parsed", "relation", "split_list"]

MAX_QUESTION = 2_000
"""Characters of a question that is read at all."""

_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_SIGNS = str.maketrans(
    {
        "×": "*", "·": "*", "⋅": "*", "÷": "/", "−": "-", "–": "-", "—": "-", "≤": "<=", "≥": ">=", "≠": "!=",
        "’": "'", "‘": "'", "“": '"', "”": '"', "…": "...", "√": "sqrt",
    }
)  # fmt: skip
_UNITS = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen",
]  # fmt: skip
_NUMBERS = {word: str(value) for value, word in enumerate(_UNITS)} | {
    "sixteen": "16", "seventeen": "17", "eighteen": "18", "nineteen": "19", "twenty": "20", "thirty": "30",
    "forty": "40", "fifty": "50", "hundred": "100", "a hundred": "100", "1 hundred": "100",
    "a thousand": "1000", "1 thousand": "1000", "a million": "1000000", "1 million": "1000000",
}  # fmt: skip
_ASKING = re.compile(
    r"^(?:(?:please|hey|ok|so|now|can you|could you|tell me|say|prove|show|decide|check|determine|find out|"
    r"what is|what's|whats|what are|what was|how much is|calculate|compute|evaluate|work out|find|"
    r"simplify|give me|is it true that|true or false|that)\b[\s:,]*)+"
)
_OPERATORS = [
    (r"\b(?:raised )?to the power (?:of )?", "^"),
    (r"\bto the (\d+)(?:st|nd|rd|th)(?: power)?\b", r"^\1"),
    (r" ?\bsquared\b", "^2"),
    (r" ?\bcubed\b", "^3"),
    (r"\bplus\b", "+"),
    (r"\bminus\b", "-"),
    (r"\b(?:times|multiplied by)\b", "*"),
    (r"\b(?:divided by|over)\b", "/"),
    (r"\bmodulo\b", "mod"),
    (r"\b(?:the )?square root of (\d+)", r"sqrt(\1)"),
    (r"\bsqrt ?(\d+)", r"sqrt(\1)"),
    (r"\b(\d+) factorial\b", r"\1!"),
    (r"\b(?:the )?factorial of (\d+)", r"\1!"),
    (r"^(?:the )?(?:number|integer|value(?: of)?|expression|result of) ", ""),
    (r"^the ", ""),
]


def clean(question: str) -> str:
    """Return a question in lower case and plain signs, with its numbers in ASCII digits.

    Superscripts become powers, digits of any script ASCII digits, words up to twenty numbers; commas between
    thousands and the words that only ask ("please compute") are dropped.
    """
    text = re.sub(r"[⁻⁰¹²³⁴-⁹]+", lambda found: "^" + found[0].translate(_SUPERSCRIPTS), question)
    text = "".join(str(unicodedata.decimal(one, one)) for one in text.translate(_SIGNS)).lower()
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(
        r"(?<=[?.!])(?: (?:please )?(?:explain|why|show|prove|justify|give reasons)\b[^?.]*[?.]?)+$", "", text
    )
    text = re.sub(r",? (?:yes or no|true or false)$", "", text.rstrip("?. "))
    # In "gcd(12,345)" the comma parts two numbers.
    if not re.search(r"[a-z]\(", text):
        text = re.sub(r"(?<![\d.,])(\d{1,3}(?:,\d{3})+)(?![\d,])", lambda found: found[0].replace(",", ""), text)
    text = re.sub(r"\b(?:" + "|".join(_NUMBERS) + r")\b", lambda found: _NUMBERS[found[0]], text)
    text = re.sub(r"\b(?:a|1) (100|1000|1000000)\b", r"\1", text)
    text = re.sub(r"(?<=\d) %", "%", text.replace("percent", "%").replace("%age", "percentage"))
    return _ASKING.sub("", text).strip()


def expression(phrase: str) -> str | None:
    """Return a phrase as an expression of numbers, or None where it is not one."""
    for pattern, sign in _OPERATORS:
        phrase = re.sub(pattern, sign, phrase.strip())
    node = parsed(phrase)
    return None if node is None or node.op in _NOT_NUMBERS else phrase


def parsed(phrase: str, names: str = "") -> Node | None:
    """Return a phrase as a tree, or None where it is not an expression."""
    try:
        return parse(phrase, names)
    except NexusError:
        return None


def relation(phrase: str) -> str | None:
    """Return the comparison that a phrase says ("at least" is `>=`), or None."""
    for pattern, sign in _RELATIONS:
        if re.search(pattern, phrase):
            return sign
    return None


def integers(text: str) -> list[int]:
    """Return the whole numbers in a text, in order."""
    return [int(one) for one in re.findall(r"(?<![\d.])-?\d{1,15}(?![\d.]*\d)", text)]


def split_list(text: str) -> list[str]:
    """Split `12, 18 and 24`."""
    return [one.strip() for one in re.split(r",\s*(?:and\s+)?|\s+and\s+|\s*&\s*", text) if one.strip()]


_NOT_NUMBERS = {"and", "or", "not", "true", "false", "==", "!=", "<", "<=", ">", ">="}
_RELATIONS = [
    (r"\bat least\b|\bor more\b|>=", ">="),
    (r"\bat most\b|\bor (?:less|fewer)\b|<=", "<="),
    (r"\b(?:more|greater|larger|bigger|higher) than\b|\babove\b|\bover\b|>", ">"),
    (r"\b(?:less|fewer|smaller|lower) than\b|\bbelow\b|\bunder\b|<", "<"),
]
