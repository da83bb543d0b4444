"""Cutting a request into clauses, and a clause down to the words that matter."""

from __future__ import annotations

import re

from nexus_agents.models.builtin.understanding.lexicon import FOREIGN, LEAD, TAIL, VERB, WANT, pattern
from nexus_agents.models.builtin.understanding.normal import Clause, Reading

__all__ = ["bare", "foreign", "split"]

BOUNDARY = re.compile(
    r"(?P<sentence>[.!?;]+ )"
    r"|,? and then |,? then |,? and after that |,? afterwards |,? and afterwards |, and |, but |, |"
    r" and | & | but | also "
)
USING = pattern(r"^(?:using|use|take|taking|with) [^«]*<audio>(?:'s voice)? (?P<cut>to )")
FREE_COLON = pattern(
    r"^(?:[^:«]{0,40}\b)?(?:say|speak|read|recite|announce|debate|argue\w*|discuss|question|speech|"
    r"tts)\b[^:«]{0,25}:"
)
OPENER = pattern(r"(?:do not |never )?(?:(?:please|also|just|then|finally|next|you can|now) )*")


def split(reading: Reading) -> list[Clause]:
    """Cut a request where a new sentence or, behind a conjunction or a comma, a new verb begins."""
    pieces: list[Clause] = []
    start = 0
    for found in BOUNDARY.finditer(reading.text):
        rest = reading.text[found.end() :]
        if not found["sentence"] and not _opens(rest):
            continue
        if FREE_COLON.search(reading.text[start : found.start()]):
            continue
        pieces.extend(_cut_using(reading.whole.part(start, found.end() if found["sentence"] else found.start())))
        start = found.end()
    pieces.extend(_cut_using(reading.whole.part(start)))
    return [piece for piece in pieces if re.search(r"[^\W_]|«", piece.text)]


def bare(clause: Clause) -> Clause:
    """Take politeness and connectives off a clause; "I would like a ..." becomes "want a ..."."""
    changed = True
    while changed:
        changed = False
        lead = LEAD.match(clause.text)
        if lead and lead.end() < len(clause.text):
            clause, changed = clause.part(lead.end()), True
    wanting = WANT.match(clause.text)
    if wanting:
        clause = clause.part(wanting.end(), verb="want ")
    end = len(clause.text.rstrip(" .!?,;"))
    tail = TAIL.search(clause.text[:end])
    if tail and tail.start() > 0:
        end = tail.start()
    return clause.part(len(clause.verb), end, verb=clause.verb)


def foreign(clause: Clause) -> bool:
    """Whether the clause asks for something by a verb of things that are not done here."""
    return FOREIGN.match(bare(clause).text) is not None


def _opens(rest: str) -> bool:
    opener = OPENER.match(rest)
    after = rest[opener.end() :] if opener else rest
    return bool(VERB.match(after) or FOREIGN.match(after) or rest.startswith(("do not ", "never ")))


def _cut_using(clause: Clause) -> list[Clause]:
    found = USING.match(clause.text)
    if not found:
        return [clause]
    return [clause.part(0, found.start("cut")), clause.part(found.end("cut"))]
