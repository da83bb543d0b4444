"""Questions about propositions."""

from __future__ import annotations

import re
from typing import Literal, cast

from nexus_agents.models.builtin.solvers import propositions
from nexus_agents.models.builtin.solvers.tasks import Logic, Task

__all__ = ["read"]

_ASKED: dict[str, Literal["tautology", "satisfiable", "contradiction"]] = {
    "a tautology": "tautology", "always true": "tautology", "valid": "tautology", "tautology": "tautology",
    "satisfiable": "satisfiable", "consistent": "satisfiable", "ever true": "satisfiable",
    "a contradiction": "contradiction", "contradictory": "contradiction", "unsatisfiable": "contradiction",
    "always false": "contradiction", "inconsistent": "contradiction",
}  # fmt: skip


def read(text: str) -> Task | None:
    """Return the task of a cleaned question about propositional logic, or None."""
    text = re.sub(r"\bimply\b", "implies", text).replace('"', "")
    asked = "|".join(sorted(_ASKED, key=len, reverse=True))
    if found := re.fullmatch(
        rf"(?:is|are|whether)(?: the (?:formula|statement|expression))? (.+?) ({asked})(?: or not)?", text
    ):
        return _make(_ASKED[found[2]], [found[1]], "")
    if found := re.fullmatch(rf"(?:is it )?({asked}):? (.+)", text):
        return _make(_ASKED[found[1]], [found[2]], "")
    if found := re.fullmatch(
        r"(?:are|is) (.+) (?:and|to) (.+) (?:logically )?equivalent|is (.+) (?:logically )?equivalent to (.+)", text
    ):
        left, right = (found[1], found[2]) if found[1] else (found[3], found[4])
        return _make("equivalent", [left.removesuffix(" logically").removesuffix(" equivalent")], right)
    if found := re.fullmatch(
        r"(?:if|given|given that|from|suppose|assume) (.+?)[,;.]? "
        r"(?:does|do|then does|can we conclude|is it true that) (.+?)(?: follow| hold)?",
        text,
    ):
        return _premises(found[1], found[2])
    if found := re.fullmatch(r"(.+?[.;]) (?:does|do|so does|then does) (.+?)(?: follow| hold)?", text):
        return _premises(found[1], found[2])
    if found := re.fullmatch(r"does (.+?) follow from (.+)", text):
        return _premises(found[2], found[1])
    if found := re.fullmatch(r"(?:do|does|whether) (.+?) (?:implies|entail|entails) (.+)", text):
        return _premises(found[1], found[2])
    return None


def _premises(premises: str, conclusion: str) -> Task | None:
    parts = [one for one in re.split(r"[,;]\s*(?:and\s+)?|\.\s+", premises.rstrip(".; ")) if one]
    assumed = ""
    spread: list[str] = []
    for part in parts:
        # In "A implies B and B implies C" people mean two implications, not A implies (B and B) implies C.
        # "A and B implies C" stays one.
        pieces = re.split(r"\s+and\s+", part)
        link = re.search(r"implies|\bif\b|->|iff", pieces[0])
        if len(pieces) > 1 and link and "(" not in part and all(_formula(one) for one in pieces):
            spread += pieces
            assumed = "premises joined by 'and' were read one by one"
        else:
            spread.append(part)
    return _make("implies", spread, conclusion, assumed)


def _make(ask: str, premises: list[str], conclusion: str, assumed: str = "") -> Task | None:
    wanted = [*premises, conclusion] if conclusion else premises
    if not wanted or not all(_formula(one) for one in wanted):
        return None
    letters = {letter for one in wanted for letter in propositions.letters_in(propositions.read(one))}
    if len(letters) > propositions.MAX_LETTERS or not letters:
        return None
    return Logic(ask=cast("Literal['implies']", ask), premises=premises, conclusion=conclusion, assumed=assumed)


def _formula(text: str) -> bool:
    try:
        propositions.read(text)
    except propositions.NotAFormula:
        return False
    return True
