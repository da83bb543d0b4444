"""Takes a request apart: what the application is called, its sentences, and the items of a list."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

from nexus_agents.models.builtin.scaffold.brackets import mask
from nexus_agents.models.builtin.scaffold.refusals import not_understood
from nexus_agents.models.builtin.scaffold.words import word_set

__all__ = ["DOMAINS", "HAS", "Head", "items_of", "normalize", "read_head", "statements", "strip_article"]

HAS = (
    r"(?:must |should |can |could |may |will |would |each |all |both |also |always |just |simply )*"
    r"(?:has|have|having|with|contains?|containing|stores?|storing|includes?|including|consists? of|needs?|"
    r"comes? with|(?:is|are) described by|got|carry|carries)"
)
"""What stands between a thing and its fields."""

DOMAINS = word_set(
    "library blog shop store school hospital crm clinic warehouse restaurant hotel inventory erp hr cms forum wiki "
    "bank university college gym company office zoo museum cinema garage farm bakery cafe bookstore pharmacy "
    "e_commerce ecommerce helpdesk help_desk music_library"
)
"""Places and trades: what they keep has to be said."""

APP = (
    r"apis?|apps?|applications?|(?:micro)?services?|back[- ]?ends?|servers?|systems?|trackers?|managers?|databases?|"
    r"dbs?|registry|registries|catalog(?:ue)?s?|directory|tools?|software|programs?|platform|(?:web)?sites?|"
    r"web pages?|portal|dashboard|endpoints?|organi[sz]er|planner|something|solution|place(?= to )|way(?= to )|"
    r"crud|project|management|admin|interface|thing"
)
ADJECTIVES = re.compile(
    r"\b(?:an?|the|some|my|our|one|very|really|simple|small|basic|tiny|little|minimal|quick|new|nice|clean|modern|"
    r"complete|full|full[- ]?stack|working|json|rest|restful|crud|web|http|python|fastapi|sqlalchemy|sql|sqlite|"
    r"database[- ]backed|db[- ]backed|self[- ]hosted|internal|personal|local|lightweight|straightforward|data|"
    r"back[- ]?end|online|digital|type[- ]safe|typed|tested|production[- ]ready|based|backed|kind of|sort of|"
    r"relational)\b",
    re.I,
)
GENERIC = re.compile(rf"^(?:(?:{APP})\s*)+$", re.I)
POLITE = re.compile(
    r"^(?:(?:hi|hello|hey|please|pls|kindly|ok|okay|so|now|well|nexus|(?:could|can|would|will) you(?: please)?|"
    r"i(?:'m| am) looking for|i(?: really)? (?:need|want)|i(?:'d| would) (?:like|love)|we (?:need|want)|"
    r"we(?:'d| would) like|(?:for )?you to|let'?s|let us|let me|"
    r"(?:our|my|the) (?:\w+ ){1,3}(?:needs?|wants?|could use)|"
    r"we (?:run|have|own|are) [^.,:]{3,50}? and (?:we )?need|help me(?: to)?|your task is|to)\b[ ,!:]*)+",
    re.I,
)
VERB = re.compile(
    r"^(?:build|create|make|write|generate|scaffold|implement|develop|design|set up|setup|code|prepare|give|get|"
    r"produce|program|spin up|put together|bootstrap|have|do|add|provide|construct)\b(?: (?:me|us|out|up)\b)?\s*",
    re.I,
)
PURPOSE = re.compile(
    r"^(?:(?:and )?(?:to )?(?:keep(?:s|ing)? (?:track|a list|a record|records|lists) of|keep(?:s|ing)?|"
    r"track(?:s|ing)?|"
    r"manag(?:e|es|ing)|stor(?:e|es|ing)|record(?:s|ing)?|organi[sz](?:e|es|ing)|handl(?:e|es|ing)|"
    r"maintain(?:s|ing)?|log(?:s|ging)?|list(?:s|ing)?|catalog(?:ue)?(?:s|ing)?|sav(?:e|es|ing)|administ(?:er|ering)|"
    r"collect(?:s|ing)?|monitor(?:s|ing)?)\b\s*)+(?:of )?",
    re.I,
)
CONNECT = re.compile(
    r"^(?:[\s,:-]+|for (?:me|us)\b|(?:for|of|about|on)\b|to(?= (?:me|us)\b)|where\b|in which\b|"
    rf"(?:that|which|who|so(?: that)?)(?= (?:{HAS}|(?:keep|track|manag|stor|record|organi|handl|maintain|log|list|sav|"
    r"collect|monitor|lets?|allow|help|enable|i|we|you|users?|people|can|could|will)\w*)\b)|"
    r"(?:\w+ )?(?:entities|tables|models|resources|kinds of records)(?=\s*[,:])|"
    r"(?:lets?|allows?|helps?|enables?) (?:me|us|you|users?|people|everyone|clients?|the team)\b(?: to)?|"
    r"(?:i|we|you|users?|people|one) (?:can|could|may|want to|need to|will)\b|(?:can|could|will|should|must)\b|"
    r"(?:the following|these|those)(?: (?:\w+ )?(?:fields?|entities|things|objects|"
    r"tables?|models?|resources?|records?))?\b|"
    r"(?:data|information|details|records|tables|models|entities|resources|operations) "
    r"(?:about|on|of|for|like|called)\b|"
    r"a (?:list|collection|set|database|table|record) of\b|there (?:is|are)\b)",
    re.I,
)
WITH = re.compile(rf"^(?:{HAS})\b", re.I)

TECHNIQUE = (
    r"python|fastapi|sqlalchemy|sqlite3?|sql|pydantic|uvicorn|jinja2?|json|rest|html|"
    r"postgres(?:ql)?|an? (?:sql )?database"
)
EXTRAS = (
    r"(?:(?:unit|automated|pytest|good|full|proper|basic|simple|complete|some|an?|small|nice|clean|little|standard|"
    r"the usual|all the|all) )*"
    r"(?:tests?|test suite|documentation|docs|readme|swagger|openapi(?: docs)?|crud(?: operations| endpoints| "
    r"routes)?|"
    r"endpoints|rest endpoints|search|searching|search box|pagination|paging|filtering|filters|validation|"
    r"input validation|error handling|health ?check|(?:web )?(?:page|pages|ui|front[- ]?end|"
    r"user interface|html page|web interface))"
)
SOFT = re.compile(
    r"^(?:thanks?(?: you| a lot)?|thx|please|cheers|keep it (?:simple|small|clean)|make it \w+(?: and \w+)?|"
    r"nothing fancy|that(?:'s| is) (?:it|all|enough)|it should be \w+(?: and \w+)?|use good names|no rush)\b.*$",
    re.I,
)


@dataclass(frozen=True)
class Head:
    """The first words of a request.

    Attributes:
        asked: Whether it asks for something that keeps data: an API, a tracker, "keep track of".
        subject: What the application is about, `library` in "a library service for ..."; may be empty.
        app: What it is to be, `service`; may be empty.
        mode: What comes next: `fields` after "with" or a colon, `things` after "for", `open` where nothing says.
        rest: The words that come next.
    """

    asked: bool
    subject: str
    app: str
    mode: Literal["fields", "things", "open"]
    rest: str


def normalize(request: str) -> str:
    """Return the request in plain characters, with choices, ranges and lengths in a fixed form.

    Choices become `(low | high)`, ranges `(1..5)`, lengths `(len 13)`.
    """
    text = unicodedata.normalize("NFKC", request)
    text = re.sub(r"[‘’]", "'", text)
    text = re.sub(r"[\"“”`*]|(?<!\w)'|'(?!\w)", "", text)
    text = re.sub(r"(?<=\S)[ \t]+[–—-]{1,2}[ \t]+", " : ", text).replace("[", "(").replace("]", ")")
    text = re.sub(r"\{|\}", "", text)
    said = r"(?:has|have|belongs?|must|should|can|needs?|contains?)"
    text = re.sub(rf"(?:,? where|,? and|,)\s+(?=(?:each|every) [\w-]+(?: [\w-]+)? {said}\b)", ". ", text, flags=re.I)
    text = re.sub(r"\b(?:whether )?(?:it is |they are )?(\w+) or not\b", r"\1 boolean", text, flags=re.I)
    text = _extras(_without_preamble(text))
    number = r"(-?\d{1,9})"
    span = rf"(?:\b(?:from|between|in range|range|ranging from)\s+{number}\s*(?:to|and|-)\s*{number}\b|"
    span += rf"(?<![\d-]){number}\s*(?:-|to|\.\.)\s*{number}(?![\d-]))"
    text = re.sub(span, _range, text, flags=re.I)
    size = r"(?:chars?|characters?|letters?|digits?)"
    most = r"(?:max(?:imum)?|up to|at most|no more than)"
    text = re.sub(rf"\b{most}(?: length)?(?: of)? (\d+)(?: {size})?\b(?: long)?", _length, text, flags=re.I)
    text = re.sub(rf"\b(\d+) {size}(?: max(?:imum)?| at most)\b", _length, text, flags=re.I)
    return _choices(text)


def read_head(text: str) -> Head:
    """Read the first words of a request: `build me a small library service for ...`."""
    text = POLITE.sub("", text.strip())
    verb = VERB.match(text)
    if verb:
        text = text[verb.end() :]
    text = POLITE.sub("", text)
    if purpose := PURPOSE.match(text):
        return Head(True, "", "", "things", _connect(text[purpose.end() :])[0])
    domain = re.match(
        rf"^((?:{ADJECTIVES.pattern}\s+)*)(?P<name>[\w-]+)(?=\s*(?:,|:|with\b|for\b|of\b|where\b|that\b|$))", text, re.I
    )
    if domain and domain["name"].lower().replace("-", "_") in DOMAINS:
        rest, mode = _connect(text[domain.end() :])
        return Head(True, domain["name"], "", mode, rest)
    found = re.match(
        rf"^(?P<words>(?:(?!(?:for|with|of|to|that|which|where|and|having|has|have|in|on)\b)[\w'-]+ )*?)"
        rf"(?P<app>(?:{APP})(?:[ /](?:{APP}))*)(?![\w-])(?P<rest>.*)$",
        text,
        re.I | re.S,
    )
    if not found or (not verb and re.match(r"\s*(?:,|and\b|&)", found["rest"])):
        return Head(bool(verb), "", "", "open", text)
    subject = re.sub(r"\s+", " ", ADJECTIVES.sub(" ", found["words"])).strip()
    subject = re.sub(r"\s+(?:lists?|records?|data)$", "", subject, flags=re.I)
    rest, mode = _connect(found["rest"])
    if mode == "open" and re.match(r"\s+\w", found["rest"]) and rest == found["rest"].lstrip():
        # "an API token", "the API docs": the word is a part of something else.
        raise not_understood(text)
    return Head(True, "" if GENERIC.match(subject) else subject, found["app"].strip(), mode, rest)


def statements(text: str) -> list[str]:
    """Split a text into its sentences and lines; bullets that are bare fields join the line before them."""
    found: list[str] = []
    for line in re.split(r"\n+|;|(?<=[^.\d])\.(?=\s|$)|(?<=\d)\.(?=\s+\D|$)|[!?]+(?=\s|$)", text):
        bullet = re.match(r"^\s*(?:[-*•+]|\d{1,2}[.)])\s+", line)
        part = line[bullet.end() :].strip() if bullet else line.strip()
        part = re.sub(r"^(?:also|and|then|finally|furthermore|in addition|next|plus)\b[, ]*", "", part, flags=re.I)
        if not part or SOFT.match(part):
            continue
        bare = not re.search(rf":|\b(?:{HAS})\b|\bbelongs?\b", mask(part), re.I)
        if bullet and bare and found:
            joint = " " if re.search(rf"(?::|\b(?:{HAS}))$", found[-1], re.I) else ", "
            found[-1] += joint + part
        else:
            found.append(part)
    return found


def items_of(text: str) -> list[str]:
    """Split a list at its commas and `and`s, but not inside brackets."""
    items: list[str] = []
    depth = 0
    current = ""
    for token in re.split(
        r"(\(|\)|,\s*(?:and|or|plus)?\b|\s+(?:and|plus|as well as|along with|together with)\s+|\s+&\s+|"
        r"\s*\+\s+)",
        text,
    ):
        depth += (token == "(") - (token == ")")
        joint = token.strip()
        if depth == 0 and joint in (
            ",",
            "and",
            "plus",
            "&",
            "+",
            "as well as",
            "along with",
            "together with",
            ", and",
            ", or",
            ", plus",
            ",and",
        ):
            items.append(current)
            current = ""
        else:
            current += token
    items.append(current)
    return [item.strip(" ,") for item in items if item.strip(" ,")]


def strip_article(words: str) -> str:
    """Return words without the article or determiner before them."""
    return re.sub(
        r"^(?:(?:an?|the|each|every|all|all the|any|one|some|its|their|his|her|our|my|your|"
        r"single|individual|for each|for every|both)\s+)+",
        "",
        words.strip(" ,.:"),
        flags=re.I,
    )


def _without_preamble(text: str) -> str:
    """Drop sentences before the one that asks: `I keep losing track. Make an app for loans with ...`."""
    parts = re.split(r"(?<=[.!?])\s+", text)
    for number, part in enumerate(parts):
        asked = VERB.match(POLITE.sub("", part)) and re.search(rf"\b(?:{APP})\b", part, re.I)
        if asked:
            before = " ".join(parts[:number])
            told = re.search(rf"\b(?:{APP}|has|have|with|belongs?)\b|:", before, re.I)
            return text if told else " ".join(parts[number:])
    return text


def _connect(text: str) -> tuple[str, Literal["fields", "things", "open"]]:
    mode: Literal["fields", "things", "open"] = "open"
    while True:
        if found := WITH.match(text):
            mode = "fields"
        elif (found := PURPOSE.match(text)) and found.end():
            mode = "things"
        elif found := CONNECT.match(text):
            word = found[0].strip().lower()
            mode = (
                "fields"
                if word.startswith((":", ",", "-"))
                else "things"
                if word in ("for", "of", "to", "about", "on")
                else mode
            )
        else:
            return text, mode
        text = text[found.end() :].lstrip()


def _extras(text: str) -> str:
    end = r"(?=\s*(?:[,.;:!?\n]|$|\band\b|\bwith\b|\bfor\b|\bto\b|\bthat\b|\bplus\b))"
    lead = r"(?:\s*,)?\s*\b(?:and |, )?"
    technique = rf"{lead}(?:using|built with|built on|based on|via|in|with|on top of|backed by) (?:{TECHNIQUE})"
    technique += rf"(?:(?:,| and|,? and) (?:{TECHNIQUE}))*{end}"
    extras = r"(?:\s*,)?\s*\b(?:and|with|plus|including|, and)\s+(?:also |with |have |include )?"
    extras += rf"{EXTRAS}{end}|,\s*{EXTRAS}{end}"
    text = re.sub(
        r"\s+in (?:an?|my|the|one) (?:\w+ )?(?:app|api|application|database|service)(?=\s*(?:[.;!?\n]|$))",
        "",
        text,
        flags=re.I,
    )
    while (shorter := re.sub(extras, "", re.sub(technique, "", text, flags=re.I), flags=re.I)) != text:
        text = shorter
    return text


def _range(found: re.Match[str]) -> str:
    low, high = (part for part in found.groups() if part is not None)
    return _bracketed(f"{low}..{high}", found)


def _length(found: re.Match[str]) -> str:
    return _bracketed(f"len {found[1]}", found)


def _bracketed(text: str, found: re.Match[str]) -> str:
    before = found.string[: found.start()]
    return text if before.count("(") > before.count(")") else f" ({text})"


def _choices(text: str) -> str:
    value = r"[A-Za-z0-9][\w-]*(?: [A-Za-z0-9][\w-]*)?"
    name = r"(?<![\w-])(?!(?:with|and|or|for|of|has|have)\b)([A-Za-z][\w-]*)"
    text = re.sub(
        rf"{name}\s*(?:,?\s*(?:which|that) )?(?::|\bis\b|\bone of\b|\beither\b|\bcan be\b|\bis one of\b|"
        rf"\bof\b|\bbeing\b)(?:\s*(?:one of|either|"
        rf":))*\s*((?:{value}\s*,\s*)*{value}\s*,?\s+or\s+{value})(?=\s*(?:[,.;)\n]|$|\band\b))",
        _choice,
        text,
        flags=re.I,
    )
    text = re.sub(
        r"(?<![\w-])(status|state|priority|type|kind|level|size|category|role|gender|colou?r|stage|severity|"
        r"condition|"
        r"grade|mood|difficulty)\s+((?:[\w-]+\s*,\s*)*[\w-]+\s*,?\s+or\s+[\w-]+)(?=\s*(?:[,.;)\n]|$|\band\b))",
        _choice,
        text,
        flags=re.I,
    )
    slashed = r"[\w-]+(?:\s?[/|]\s?[\w-]+)+"
    text = re.sub(rf"{name}\s*:?\s+(?:\(({slashed})\)|({slashed})(?![\w/]))", _choice, text)
    return re.sub(r"\([^()|]+\)", lambda found: re.sub(r"\s*,?\s+or\s+", ", ", found[0]), text)


def _choice(found: re.Match[str]) -> str:
    name, *listings = found.groups()
    listed = next(listing for listing in listings if listing)
    values = [part.strip() for part in re.split(r"\s*,\s*(?:or\s+)?|\s+or\s+|\s?[/|]\s?", listed) if part.strip()]
    plural = name.endswith("s") and not name.endswith(("ss", "us", "is"))
    if plural or len(values) < 2:
        return found[0]
    return f"{name} ({' | '.join(values)})"
