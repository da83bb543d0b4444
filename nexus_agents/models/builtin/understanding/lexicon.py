"""The words that requests are recognised by, as pieces of regular expressions over the normal form."""

from __future__ import annotations

import re

__all__ = [
    "CUES",
    "FOREIGN",
    "LATER",
    "LEAD",
    "NEAR_CUES",
    "NEGATION",
    "SARCASM",
    "TAIL",
    "UNBUILT",
    "VERB",
    "WANT",
    "pattern",
    "words",
]

PIECES = {
    "det": r"(?:an?|the|this|that|these|those|my|our|his|her|their|your|its|some|one|another|any|all|every)",
    # Words between a determiner and its noun; a preposition or a conjunction would start another phrase.
    "adj": r"(?:(?!(?:about|from|of|for|on|with|without|that|to|in|and|or|is|are|using|into|as|like|by|"
    r"out)\b)"
    r"(?:[\w'-]+|«duration\d+»)[ ]){0,5}?",
    "thing": r"(?:(?!<det>\b|about\b|from\b|of\b|for\b|on\b|with\b|that\b|to\b|in\b|and\b|or\b|as\b|like\b|by\b)"
    r"[\w'-]+[ ]){0,4}?",
    "audio": r"«audio\d+»",
    "doc": r"«doc\d+»",
    "quote": r"«quote\d+»",
    "length": r"«duration\d+»",
    "make": r"(?:make|create|produce|generate|build|record|write|prepare|put together|do|get|give|have|want|"
    r"cook up|whip up|craft|compose|cut|turn out|come up with)(?: me| us)?",
    "turn": r"(?:turn|convert|transform|make|change|render|process|adapt)",
    "voice": r"(?:voices?|speakers?|narrators?|timbre)(?! (?:memos?|mails?|messages?|notes?|overs?|act\w*|"
    r"commands?|"
    r"assistants?|chats?|calls?|recognition|lessons?|box|lines?|cables?|coach))",
    "show": r"(?:podcasts?(?: episodes?)?|pod cast|episodes?|(?:talk|radio|audio) shows?)",
    "recording": r"(?:recordings?|clips?|samples?|files?|audio|voicemails?|voice memos?|sound ?bites?|takes?)",
    "aloud": r"(?:aloud|out loud|out|loudly|to me|to us|to him|to her)",
}
LIGHT = {" ": r"[\s,:()]{1,4}", " ?": r"[\s,:()]{0,4}"}


def words(text: str) -> frozenset[str]:
    """Return the words of a table."""
    return frozenset(text.split())


def pattern(text: str) -> re.Pattern[str]:
    """Compile a frame: `<name>` stands for a piece of the lexicon, a space for any light punctuation.

    `[ ]` is one space and nothing else; character classes stay as they are.
    """
    for _ in range(2):
        text = re.sub(r"(?<!\?P)<(\w+)>", lambda found: PIECES.get(found[1], found[0]), text)
    return re.compile(re.sub(r"\[[^\]]*\]| \??", lambda found: LIGHT.get(found[0], found[0]), text))


LEAD = pattern(
    r"^(?:please|kindly|possibly|hey|hi|hello|dear|ok(?:ay)?|so|now|then|next|first(?:ly)?|"
    r"second(?:ly)?|finally|after(?:wards| that)|"
    r"also|well|right|alright|just|quickly|maybe|perhaps|actually|nexus|computer|and|but|"
    r"good (?:morning|evening)|"
    r"(?:(?:can|could|would|will) (?:you|u)|(?:can|could)(?= (?:two|both)\b))(?: guys| all)?(?: please|"
    r" kindly| maybe| perhaps| just| also)?|"
    r"would you mind|(?:would )?(?:you )?be so (?:kind|good) as to|"
    r"(?:i|we) (?:would (?:like|love|want)|want|need|wish|expect|ask) (?:for )?you to|"
    r"(?:i|we) (?:would (?:like|love)|want|need|wish|am (?:trying|hoping|going|looking)|are (?:trying|"
    r"hoping)) to"
    r"(?: be able to)?|"
    r"(?:can|could|may|might) (?:i|we)(?: please)?|let us|go ahead and|help (?:me|us)(?: to)?|"
    r"(?:is it possible|are you able|i would ask you|your task is|you need|you have) to|"
    r"do me a favou?r and|it would be (?:nice|great|good) if you (?:could|would)|"
    r"(?:i|we) (?:would appreciate it|would be glad|would be happy) if you (?:could|would)) "
)
"""Politeness and connectives before the words that matter."""

WANT = pattern(
    r"^(?:(?:i|we|my [\w-]+|our [\w-]+|the [\w-]+) )?(?:really |just |also |still |urgently )?"
    r"(?:would (?:really )?(?:like|love|prefer)|want|wants|need|needs|require|requires|could use|(?:am|"
    r"are|is) (?:looking|after) for|"
    r"(?:am|are) after|wish for|fancy|would be happy with)(?: to (?:have|get))? (?=(?:<det>|<doc>|two|"
    r"\d|«|something)\b|«)"
)
"""Wanting a thing is asking for it: read as the verb `want`."""

TAIL = pattern(
    r"(?: (?:please|thanks|thank you(?: very much| so much)?|for me|for us|now|right now|right away|"
    r"today|tonight|by tonight|"
    r"asap|will you|would you|could you|can you|ok(?:ay)?|if you can|if possible|nexus|again|quickly|"
    r"cheers|mate|dear))+[\s.!?]*$"
)

NEGATION = pattern(
    r"\b(?:not|never|no|nobody|neither|nor|stop|quit|cancel|avoid|refrain|refuse|without|instead of|"
    r"rather than|forget)\b"
)
SARCASM = pattern(
    r"^(?:oh|yeah|yay|sure|great|wow|ha|haha|lol|right|fantastic|wonderful|brilliant)[,.!]? (?:oh|yeah|"
    r"great|wonderful|sure|"
    r"another|yet another|right|so|just|let us|because|why|haha|brilliant|fantastic|wow|now)\b|"
    r"\b(?:as if|yeah right|just what (?:i|we) (?:need|needed|wanted)|why do not you|said no one)\b"
)

VERB = pattern(
    r"(?:clone|copy|imitate|mimic|replicate|recreate|say|speak|read|narrate|recite|voice|podcast|make|"
    r"create|produce|"
    r"generate|build|record|turn|convert|transform|list|show|resume|continue|carry on|pick up|debate|"
    r"argue|discuss|"
    r"use|scaffold|develop|implement|set up|have|let|give|prepare|solve|compute|calculate|factor|take|"
    r"put together|"
    r"keep going|go on|design|learn|sound)\b"
)
"""Verbs that may open a further request of the same sentence."""

FOREIGN = pattern(
    r"(?:e-?mail|mail|send|upload|post|publish|share|tweet|translate|summari[sz]e|delete|remove|erase|"
    r"play|download|buy|order|"
    r"book|call(?! (?:it|him|her|me|this|that|them)\b)|phone|text|transcribe|animate|draw|paint|sketch|"
    r"edit|fix|refactor|deploy|schedule|remind|print|open|"
    r"close|google|search|find|look up|move|rename|install|update|upgrade|push|commit|rewrite|"
    r"proofread|explain|analy[sz]e|"
    r"compare|improve|review|test|train|fine-tune|merge|compress|zip|mix|master|trim|crop|tell|type|"
    r"sing|rap|burn|"
    r"hack|kill|format|encrypt|subscribe|stream|broadcast|ask|invite|pay|sell|cook|clean|wash)\b"
)
"""Verbs of things that are not done here: one of them in a request refuses the whole."""

LATER = pattern(
    r"\b(?:when(?:ever)? (?:you|she|he|they) (?:see|sees|meet|hear|come|arrive)|next time|every (?:day|"
    r"morning|evening|night|hour|week|month|monday)|"
    r"each (?:day|morning|evening|week)|in an hour|daily|weekly)\b"
)
"""What is to happen at another time is not done now."""

UNBUILT = [
    (
        pattern(
            r"\b(?:transcri\w+|subtitles?|captions?|speech.to.text|dictation|write down what|"
            r"type (?:up|out) what|"
            r"what (?:is|was|they|he|she)(?: \w+)? sa(?:id|y|ys|ying) in)\b"
        ),
        "Writing down what is said in a recording is not built yet.",
    ),
    (
        pattern(r"\b(?:videos?|movies?|films?|animat\w+|footage|bring .* to life)\b|«video\d+»"),
        "Making or reading video is not built yet.",
    ),
    (
        pattern(
            r"\b(?:images?|pictures?|photos?|logos?|drawings?|paintings?|illustrations?|posters?|"
            r"covers?)\b|«image\d+»"
        ),
        "Making or reading images is not built yet.",
    ),
]

CUES = words("""
    application audiobook available backend capabilities clone cloned continue convert create database
    debate develop endpoint endpoints episode episodes equation factorial factorise factorize generate
    history imitate implement interrupted microservice narrate narrator podcast podcasts previous
    probability produce record recording recreate remainder replicate resume scaffold service speak
    speaker speech tracker transform voices website
""")
"""Words that are still recognised with one letter wrong, the first excepted."""

NEAR_CUES = words("""
    cloner clones continued continuer continues convent converse converted converts crate crates create's
    created creates creator debase debated debater debaters debates developed developer develops generated
    generates histories imitated implements probably produced producer produces product recorded recorder
    records reserve resumed resumes served serviced services sneak speakers speaks speck speeches tracked
    tracks transformer transforms vices voice voiced website's
""")
"""Real words that are one letter from a cue."""
