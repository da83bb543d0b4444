"""Whether a clause asks for a data application; what is in it is for the grammar of applications."""

from __future__ import annotations

import re

from nexus_agents.models.builtin.understanding.lexicon import FOREIGN, pattern
from nexus_agents.models.builtin.understanding.normal import Clause

__all__ = ["asks_for_app", "names_no_thing"]

BUILD = (
    r"(?:create|build|make|generate|scaffold|develop|implement|write|set up|design|code(?: up)?|"
    r"program|produce|"
    r"bootstrap|spin up|put together|prepare|want|need|give|get|have|do|knock (?:up|together)|whip up|"
    r"craft)(?: me| us)?"
)
HEAD = (
    r"(?:(?:rest(?:ful)?|web|http|json|crud|graphql) )*(?:apis?|back-?ends?|back ends?|crud|endpoints?|"
    r"rest endpoints?|"
    r"micro-?services?|services?|web ?apps?|apps?|applications?|databases?|db|trackers?|crm|"
    r"(?:management|booking|inventory|tracking|record|records|library|reservation|ordering|ticketing?|"
    r"admin) systems?)"
)
THING = (
    r"(?:something|(?:a |an |some |one )?(?:<adj>)(?:tool|program|software|thing|place|way|system|"
    r"web ?site|site|web page|page|"
    r"portal|dashboard|register|registry|catalog(?:ue)?|inventory|directory|database|app|web app|service|ui))"
)
DATA = (
    r"(?:keep(?:s|ing)? (?:track|a list|lists|a record|records|an? \w+ list)|track(?:s|ing)?|manag(?:e|"
    r"es|ing)|"
    r"stor(?:e|es|ing)|record(?:s|ing)?|organi[sz](?:e|es|ing)|log(?:s|ging)?|register(?:s|ing)?|catalog\w*|"
    r"hold(?:s|ing)?|sav(?:e|es|ing)|list(?:s|ing)?|administ\w+|maintain(?:s|ing)?|collect(?:s|ing)?|"
    r"handl(?:e|es|ing)|"
    r"remember(?:s|ing)?|add(?:ing)?|look(?:ing)? up)"
)
FIELDS = r"(?:with|having|containing|has|have|fields?|columns?|each|whose|where|that has|which has|including)"
FOLLOWS = (
    rf"(?=[\s.!?]*$|[\s]*[:;,(.\-–]| (?:{FIELDS}|for|to|that|which|of|about|using|on|called|named|and|"
    rf"in (?:fastapi|python|flask|django|sql\w*)|{DATA}|so|by|please)\b)"
)

# Without a verb of building, an application is named at once: no verb and no second article before its name.
VERBS = (
    r"(?:use|try|run|start|stop|check|debug|describe|document|monitor|secure|connect|ping|break|restart|migrate|host|"
    r"launch|sell|hide|kill|clone|copy|say|speak|read|show|list|resume|continue|debate|argue|discuss|turn|convert|"
    r"change|extend|optimi[sz]e|speed|scale|maintain|learn|like|love|hate|is|are|was|does|do|did|why|what|how|who|when|where|no)"
)
NAMED = pattern(rf"^(?:{BUILD} )(?:<det> )?(?:<adj>){HEAD}{FOLLOWS}")
NOUN = pattern(
    rf"^(?:<det> )?(?:(?!{VERBS}\b)<thing>){HEAD}"
    rf"(?= (?:for|of|to|that|with|where|storing|managing|tracking)\b|[:,] ?\w)"
)
PURPOSE = pattern(
    rf"^(?:{BUILD} )(?:<det> )?{THING} (?:called \S+ )?(?:(?:for|to|that|which|where|so that|in which|"
    rf"with which)(?: can| will| lets?)?"
    rf"(?: i| we| us| me| one| users| people| my \w+| our \w+)?(?: can| could| will| to)? {DATA}\b|"
    rf"{FIELDS} .*(?:,| and )|of .* {FIELDS} )"
)
OTHER = pattern(
    r"\b(?:game|games|compiler|interpreter|chat ?bots?|bots?|assistant|browser|emulator|simulator|"
    r"kernel|driver|"
    r"operating system|neural|machine learning|deep learning|model|llm|ios|android|iphone|mobile|"
    r"desktop|flutter|react native|"
    r"swift|kotlin|crawler|scraper|vpn|proxy|firewall|search engine|blockchain|plugin|extension|virus|"
    r"malware|player|"
    r"editor|streaming|video call|social network|clone of|customer service|room service|self service|"
    r"visa|university|job application|loan application|cover letter)\b"
)
AIM = pattern(
    rf"^ (?:for (?!\w+ing\b)|for {DATA}\b|(?:to|that|which)(?: can| will| lets?)?(?: me| us| users| people)?"
    rf"(?: to)? (?:{DATA}|{FIELDS})\b|(?!for\b|to\b|that\b|which\b)|(?:to|for|that|"
    rf"which) .*\b{FIELDS} .+(?:,| and ))"
)
EMPTY = re.compile(
    rf"\b(?:{BUILD}|{HEAD}|something|tool|program|software|system|website|site|simple|small|little|new|"
    rf"basic|rest|web|"
    r"python|fastapi|sqlite|sql|good|nice|an?|the|for|me|us|my|our|some|to|store|manage|track|please|"
    r"quick|one|using|in|with|"
    r"that|you|can|i|we|would|like|could|need|want|really|just|[^\w]+)\b|[^\w]+"
)


def asks_for_app(clause: Clause) -> int | None:
    """Return where the name of the application ends in the clause's text, or None where it asks for none.

    An application here is a data application: an API, a service, a backend or a page over records.
    """
    text = clause.text
    for frame in (NAMED, NOUN):
        found = frame.match(text)
        if frame is NOUN and FOREIGN.match(text):
            break
        if found and not OTHER.search(text) and AIM.match(text[found.end() :] or " "):
            return found.end()
    found = PURPOSE.match(text)
    return found.end() if found and not OTHER.search(text) else None


def names_no_thing(clause: Clause) -> bool:
    """Whether the clause says nothing of what the application is to keep."""
    return not EMPTY.sub(" ", clause.text).strip()
