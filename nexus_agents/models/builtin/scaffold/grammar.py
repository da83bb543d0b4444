"""Reads a request for a data application: `an API for books with title and price; books belong to an author`."""

from __future__ import annotations

import re

from nexus_agents.core.errors import InputError
from nexus_agents.core.work import Entity, Plan
from nexus_agents.models.builtin.scaffold.blueprint import assemble
from nexus_agents.models.builtin.scaffold.draft import Draft
from nexus_agents.models.builtin.scaffold.refusals import refuse_unsupported
from nexus_agents.models.builtin.scaffold.sentences import Head, normalize, read_head
from nexus_agents.models.builtin.scaffold.words import heading, pluralize, singularize, slug, spaced

__all__ = ["plan_app"]

LONGEST_REQUEST = 4000


def plan_app(request: str) -> Plan:
    """Turn a request for a data application into a plan.

    Args:
        request: English, in one or more sentences or lines, up to 4000 characters.

    Raises:
        InputError: It asks for something else, or a part of it is not understood; the hint says what is supported.
    """
    if len(request) > LONGEST_REQUEST:
        raise InputError(
            f"The request has {len(request)} characters; {LONGEST_REQUEST} is the most.", "Describe only the data."
        )
    draft = Draft()
    text = refuse_unsupported(request)
    if re.search(r"\bpostgres", text, re.I):
        draft.assume("PostgreSQL is used where DATABASE_URL names it; the default is a SQLite file.")
    if shorter := re.sub(r",?\s*(?:and |\b)(?:etc\b\.?|so on|the like)|\s*(?:\.\.\.|…)", "", text):
        if shorter != text:
            draft.assume("Only the fields that are named were made ('etc.' was left out).")
        text = shorter
    head = read_head(_without_labels(normalize(text)))
    draft.read(head)
    entities = draft.finish(head)
    return assemble(_title(head, entities), entities, list(dict.fromkeys(draft.assumptions)))


def _title(head: Head, entities: list[Entity]) -> str:
    if head.subject and slug(head.subject):
        words = f"{slug(head.subject)}_{slug(head.app)}".strip("_")
        return heading(words)[:80].strip()
    names = [spaced(entity.plural) for entity in entities[:4]]
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    return (listed[0].upper() + listed[1:])[:80].strip()


def _without_labels(text: str) -> str:
    """Drop words that only say that a name follows: `a model Vehicle with fields: plate` is `vehicles with plate`."""
    label = r"\b(?:an? |the |one )?(?:data )?(?:model|entity|table|resource|class|record|object)s?(?: type)?"
    opening = r"\s*(?:(?:with|having|that has|:)\s*(?:the )?(?:following )?|(?=\())"
    fields = r"(?:(?:fields|columns|attributes|properties)\b\s*:?)?\s*"

    def plural(found: re.Match[str]) -> str:
        joint = " " if found.string[found.end() : found.end() + 1] == "(" else " with "
        return spaced(pluralize(singularize(slug(found[1])))) + joint

    return re.sub(rf"{label}(?: called| named| for)? ([A-Z]?\w+){opening}{fields}", plural, text)
