"""What the grammar must not take for a data application, and how it says so."""

from __future__ import annotations

import re

from nexus_agents.core.errors import InputError
from nexus_agents.models.builtin.scaffold.words import word_set

__all__ = ["FEATURES", "SUPPORTED", "not_understood", "refuse_unsupported"]

SUPPORTED = (
    "Without a language model, Nexus builds data applications: say what is kept and what each record has, for "
    "instance 'an API for books with title, isbn (unique) and price; books belong to an author'."
)

FEATURES = word_set(
    "auth authentication authorization chat checkout dashboard export game import login logout map messaging "
    "notification payment permission realtime recommendation reminder report role statistic stripe sync upload "
    "websocket chart graph"
)
"""Nouns that mean a behaviour, not records, where nothing is said about their fields."""

WANTS = {
    "logging in, accounts or passwords": r"log(?:ging|s)?[- ]?in(?!g)\b|sign(?:ing)?[- ]?(?:in|up)\b|oauth|"
    r"\bjwt\b|\bsso\b|"
    r"passwords?\b|authenticat\w+|authoriz\w+|authoris\w+|\bauth\b|permissions?\b|access control|user accounts?",
    "payments": r"stripe|paypal|check ?out\b(?! ?(?:date|time|day|at|on))|shopping cart|credit cards?|payment "
    r"(?:gateway|process\w+|provider|integration)|"
    r"(?:accept|take|process|handl|collect)(?:e|es|s|ing)? (?:\w+ )?payments?|pay online|subscription billing",
    "files and pictures": r"\bupload\w*|attachments?\b|(?:profile )?(?:photos?|pictures?|images?|avatars?)\b(?! "
    r"?(?:url|link|address))|"
    r"\bpdfs?\b|file storage|file sharing|\bocr\b",
    "chat or live updates": r"\bchat\w*|real[- ]?time|websockets?|live (?:updates?|feed|stream\w*)|instant messag\w+",
    "games": r"\bgames? (?:engine|with|where|in which|about|like)|(?:video|computer|browser|multiplayer|arcade) "
    r"games?|"
    r"(?:build|make|create|write|code|develop|program) (?:me |us )?(?:a |an |the |some )?(?:[\w-]+ ){0,3}game\b"
    r"(?! (?:collection|catalog|catalogue|api|tracker|library|database|service|inventory|app|backend))|"
    r"tetris|chess engine|tic[- ]?tac[- ]?toe|minesweeper|sudoku|flappy",
    "sending mail or messages": r"(?:send|sends|sending) (?:\w+ ){0,3}(?:e-?mails?|sms|messages?|texts?|"
    r"newsletters?|notifications?)|"
    r"newsletter|push notifications?|notif(?:y|ies) |remind(?:s|ers?)? (?:me|us|users?|people)|webhooks?",
    "learning or predicting": r"machine learning|neural|deep learning|train (?:a|an|the|my) |predict\w*|"
    r"recommend(?:s|er|ations?)? |"
    r"\bllm\b|\bgpt\b|\bai[- ]|\bml\b|classif(?:y|ier)|computer vision|face recognition",
    "reading other sites": r"scrap(?:e|es|ing|er)\b|crawl\w*|\bimport(?:s|ing)? from\b|fetch\w* from|sync\w* with",
    "other kinds of programs": r"compiler|interpreter|operating system|blockchain|crypto(?:currency)?\b|smart "
    r"contract|"
    r"browser extension|(?:ios|android|mobile|desktop|phone) app\w*|command[- ]line|\bcli\b|calculator|"
    r"search engine|video (?:stream|edit|player)\w*|music player|text editor|spreadsheet|discord|telegram|slack "
    r"bot|\bbot\b",
    "other languages and frameworks": r"\b(?:django|flask|node(?:\.?js)?|express(?:\.?js)?|rails|laravel|spring boot|"
    r"next\.?js|react(?:\.?js)?|angular|vue(?:\.?js)?|svelte|php|golang|typescript|graphql|grpc|mongodb|kotlin|"
    r"c\+\+|c#|"
    r"\.net)(?!\w)|\b(?:in|with|using) (?:go|java|rust|ruby|swift|scala|c|elixir|haskell)\b",
    "deploying": r"\bdeploy\w*|kubernetes|\baws\b|\bazure\b|terraform|docker\w*|heroku",
    "changing code that is there": r"refactor\w*|debug\w*|fix (?:the|my|a|this|all) |optimi[sz]e (?:my|the|this)|"
    r"migrate (?:my|the|this|our)|(?:sort|reverse)s? (?:a|the) (?:list|array|string)|unit tests? for (?:my|the|this)|"
    r"write (?:a |the )?(?:\w+ )?(?:function|class|script|regex|query)\b",
}

NOT_WANTED = re.compile(
    r"(?:,| and| but| -)?\s*\b(?:with(?:out| no)|no(?: need (?:for|of))?|not? needs?|(?:do(?:es)? not|don't|"
    r"doesn't) need)\s+"
    r"(?:any |an? )?(?:log[- ]?ins?|auth\w*|accounts?|passwords?|payments?|uploads?)"
    r"(?:(?:,| or| and)+ (?:log[- ]?ins?|auth\w*|accounts?|passwords?|payments?|uploads?))*"
    r"(?: (?:is )?(?:needed|required|necessary))?",
    re.I,
)


FOREIGN = re.compile(
    r"\b(?:eine?[nrsm]?|und|mit|für|fuer|une|avec|pour|est|para|con|los|las|una|het|een|voor|och|med|per il|"
    r"della?)\b",
    re.I,
)


def refuse_unsupported(text: str) -> str:
    """Return the request without what it says it does not want.

    Raises:
        InputError: It wants something that the templates cannot do.
    """
    if len(FOREIGN.findall(text)) > 0 or sum(ord(letter) > 0x24F and letter.isalpha() for letter in text) > 2:
        raise InputError("The built-in rules read English only.", SUPPORTED)
    if re.match(r"\s*(?:please\s+)?(?:do not|don['’]?t|never|stop|no need)\b", text, re.I):
        raise InputError("The request says not to do it.", SUPPORTED)
    if "://" in text:
        raise InputError("The request names an address, which the built-in rules do not read.", SUPPORTED)
    text = NOT_WANTED.sub("", text)
    for what, pattern in WANTS.items():
        if found := re.search(rf"(?<![\w-])(?:{pattern})", text, re.I):
            raise InputError(
                f"The built-in rules cannot build this: {found[0].strip()!r} asks for {what}.",
                f"{SUPPORTED} For more, connect a model.",
            )
    return text


def not_understood(part: str) -> InputError:
    """Return the error for a part of a request that the grammar cannot read."""
    shown = part if len(part) <= 80 else f"{part[:77]}..."
    return InputError(f"I do not understand {shown!r} in this request.", SUPPORTED)
