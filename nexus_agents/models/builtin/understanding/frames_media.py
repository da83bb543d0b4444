"""The frames of requests to clone a voice, to speak and to make a podcast."""

from __future__ import annotations

from nexus_agents.models.builtin.understanding.lexicon import pattern

__all__ = ["A_PODCAST", "CLONE", "CLONE_BY_USE", "PODCAST", "PODCAST_WITH_DOC", "READ", "READ_WHAT", "SAY", "SAY_BY"]

FROM = r"(?:from|out of|off|of|like|in|on|based on|using|with|for|by|is|as heard in)"
THE_CLIP = r"(?:(?:<det> )?(?:<adj>)(?:<recording>|<voice>)(?: (?:is|in|at|called|named|from|of|here))* )?<audio>"
CLONE = [
    pattern(rf"^clon(?:e|ing) {THE_CLIP}"),
    pattern(
        r"^clon(?:e|ing) (?:<det> )?(?:<adj>)<voice>(?: of [\w' -]{2,40}?)?(?=[\s.!?]*$|[,:;(]|"
        r" (?:<audio>|from|using|with|in|and|as|"
        r"called|named|the|it|which|on|out|here|so|who|into|by|for|based)\b| «)"
    ),
    pattern(
        rf"^clone (?:it|him|her|them|this|that|me|myself)(?: {FROM})?(?: {THE_CLIP})?(?=[\s.!?]*$|"
        rf" (?:and|as|from|using|with|so)\b|[,(])"
    ),
    pattern(rf"^clone (?:<det> )?[\w'-]+(?: [\w'-]+)?(?: <voice>)? {FROM} {THE_CLIP}"),
    pattern(
        rf"^(?:copy|imitate|mimic|replicate|recreate|reproduce|duplicate|impersonate|capture|learn|"
        rf"register|fit|take|add) "
        rf"(?:<det> )?(?:<adj>)(?:<voice>|person|guy|woman|man)(?: [\w' -]{{0,40}}?)? ?{FROM}? ?{THE_CLIP}"
    ),
    pattern(
        rf"^(?:copy|imitate|mimic|replicate|recreate|reproduce|impersonate|learn) (?:my|her|"
        rf"his) <voice>(?: {FROM} .*)?[\s.!?]*$"
    ),
    pattern(
        rf"^(?:<make>) (?:<det> )?(?:<adj>)(?:<voice>|voice (?:clone|copy|model)|likeness|"
        rf"clone)(?: of [\w' -]{{2,40}}?)? ?"
        rf"{FROM}? {THE_CLIP}"
    ),
    pattern(
        r"^(?:<make>) (?:<det> )?(?:<adj>)<voice> (?:cloned|copied|imitated|reproduced)(?: (?:from|"
        r"using|with|out of) .*<audio>|[\s.!?]*$)"
    ),
    pattern(
        rf"^(?:<make>) (?:<det> )?(?:copy|clone|likeness|"
        rf"imitation) of (?:<det> )?(?:<adj>)<voice>(?: {FROM} {THE_CLIP}|[\s.!?]*$)"
    ),
    pattern(r"^(?:<turn>) (?:<det> )?(?:<adj>)(?:<recording> )?<audio> (?:in)?to (?:<det> )?(?:<adj>)<voice>"),
    pattern(r"^(?:sound|speak|talk) like (?:<det> )?(?:<adj>)(?:<voice> in |<recording> )?<audio>"),
    pattern(
        r"^(?:make|have|let) (?:it|yourself|you|the voice|"
        r"your voice) sound like (?:<det> )?(?:<adj>)(?:<voice> in )?<audio>"
    ),
    pattern(r"^(?:add|register|save|use) <audio> as (?:<det> )(?:<adj>)<voice>"),
]
CLONE_BY_USE = [
    pattern(
        rf"^(?:(?:use|using|take|taking|with|in|here is|"
        rf"this is) )(?:<det> )?(?:<adj>)<voice>(?: [\w' -]{{0,30}}?)? ?{FROM}? ?{THE_CLIP}"
    ),
    pattern(
        r"^(?:use|using|take|taking|with) (?:<recording> )?<audio>(?: (?:as|"
        r"for) (?:<det> )?(?:<adj>)(?:<voice>|host))?[\s.!?]*$"
    ),
    pattern(r"^(?:sounding )?like <audio>[\s.!?]*$"),
]

THE_DOC = (
    r"(?:(?:<det> )?(?:<adj>)(?:(?:file|document|text|contents?|notes?|story|chapter|letter|article|"
    r"essay|book)(?: (?:of|in|called|from))? )?<doc>)"
)
SAY_NOT = (
    r"(?![\s,:])(?!(?:something|anything|nothing|no more|no\b|what|why|how|when|who|where|whether|your|"
    r"(?:the )?(?:alphabet|weather|time|name|date)\b|"
    r"a (?:poem|joke|prayer|few|word|story|line)|some(?:thing)?\b|(?:it|that|this)(?: again| aloud| out loud| to me|"
    r" in it)?[\s.!?]*$|again|more|when\b|goodbye to|yes to|thanks to|so\b|aloud|out loud)\b)"
)
WHO = r"(?P<voice>(?!(?:me|us|you|her|him|them|it|everyone|people|someone|everybody|one)\b)[\w'-]+|<quote>)"
SAY = [
    pattern(
        rf"^(?:say|utter)(?: (?:the following|this|these words|the words|the sentence|out loud|aloud|"
        rf"to me|me|that))*[\s,:]+{SAY_NOT}(?P<text>.+)$"
    ),
    pattern(
        r"^(?:speak|recite|announce|pronounce|read|voice|narrate)(?: (?:the following|this|these words|"
        r"the words|the (?:sentence|text|line)|"
        r"<aloud>|text|sentence))*\s*(?::\s*|\s)(?P<text><quote>)"
    ),
    pattern(
        r"^(?:speak|recite|announce|read|voice)(?: (?:the following|this|these words|the words|"
        r"the (?:sentence|text|line)|<aloud>|text|sentence))*"
        r"\s*:\s*(?P<text>[^\s«].*)$"
    ),
    pattern(
        r"^(?:use )?(?:text ?(?:to|2|-) ?speech|tts)(?: (?:for|of|on))?(?:\s*[:,]\s*|"
        r"\s)(?P<text>[^«\s].*|<quote>)$"
    ),
    pattern(r"^pronounce (?:the word )?(?P<text>[\w'-]+(?: [\w'-]+)?)$"),
]
SAY_BY = [
    pattern(rf"^(?:have|let|get|make|ask|want) {WHO}(?:'s voice)?(?: to)? say(?: that)?[\s,:]+{SAY_NOT}(?P<text>.+)$"),
    pattern(rf"^(?:have|let|get|make|ask|want) {WHO}(?: to)? (?:speak|read out|announce)\s*:\s*(?P<text>[^\s].*)$"),
    pattern(
        r"^(?:have|let|get|make|ask|want) " + WHO + r"(?:'s voice)?(?: to)? (?:read|"
        r"narrate|speak|recite|voice)(?: <aloud>)? (?P<text><quote>)"
    ),
]
READ = [
    pattern(rf"^(?:narrate|speak|recite|voice|vocali[sz]e|dictate|read (?:<aloud>|me|us)) {THE_DOC}"),
    pattern(
        rf"^read {THE_DOC}(?: <aloud>| (?:in|with|using|by) .*\b(?:voice|speaker)|(?: and)? (?:save|to|"
        rf"into) .*<audio>| to (?:the )?\w+(?=$))"
    ),
    pattern(rf"^read {THE_DOC} (?:in|with|using|by|as) (?:(?:nat|var)[fm]\d|<audio>)"),
    pattern(
        rf"^(?:<turn>) {THE_DOC} (?:in)?to (?:<det> )?(?:<adj>)(?:speech|audio(?: ?book| file)?|"
        rf"audio ?books?|voice-? ?overs?|sound|mp3|wav|"
        r"narration|recording|spoken \w+|<audio>)"
    ),
    pattern(
        rf"^(?:<make>) (?:<det> )?(?:<adj>)(?:audio ?book|voice-? ?over|audio(?: version| file)?|"
        rf"(?:spoken|audio) version|narration|"
        rf"reading|recording|mp3|wav|speech) (?:of|from|out of|for|reading) {THE_DOC}"
    ),
    pattern(rf"^(?:hear|listen to) {THE_DOC}"),
    pattern(rf"^(?:text ?(?:to|2|-) ?speech|tts)(?: (?:for|of|on))? {THE_DOC}"),
    pattern(rf"^(?:want|get|have) {THE_DOC} (?:spoken|read|narrated|voiced|as (?:audio|speech|an audio ?book))"),
    pattern(
        rf"^(?:have|let|get|make|ask|want) {WHO}(?: to)? (?:read|narrate|speak|"
        rf"recite|voice)(?: <aloud>)? {THE_DOC}"
    ),
]
READ_WHAT = [
    pattern(r"^(?:say|speak|read)(?: something)?(?: <aloud>)?(?: (?:to me|for me))?[\s.!?]*$"),
    pattern(r"^(?:say|speak) something[\s.!?]*$"),
    pattern(
        r"^(?:read|narrate|speak|say)(?: <aloud>)? (?:it|this|that|them|my notes|(?:the|a|my|"
        r"this) (?:file|document|text|notes))"
        r"(?: <aloud>)?(?: (?:in|with|using) (?:it|that|this|my|the|a)(?: \w+)? ?(?:voice)?)?[\s.!?]*$"
    ),
    pattern(
        r"^(?:read|narrate|speak) (?:it|this|that|them) (?:in|with|using|by|as) (?:(?:nat|var)[fm]\d|"
        r"(?:the )?voice .*)$"
    ),
]

AFTER_SHOW = (
    r"(?=[\s.!?]*$|[\s]*[,;:(–-]| (?:about|on|over|from|of|out of|based on|using|with|for|in|"
    r"that (?:covers?|explains?|discusses|sounds?|uses?|is)|"
    r"covering|called|titled|named|entitled|where|hosted|made|discussing|explaining|out|by|to listen|"
    r"and|like|read|spoken|«\w+»)(?:\b|(?<=»))| «)"
)
PODCAST = [
    pattern(rf"^(?:<make>|make|listen to|hear) (?:<det> )?(?:<adj>)<show>{AFTER_SHOW}"),
    pattern(
        rf"^(?:<turn>) (?!.*\b(?:app|api|website)\b).*?(?:<doc>|\b(?:notes?|documents?|papers?|"
        rf"reports?|files?|article|draft|text|it|this|these|them)\b).*? "
        rf"(?:in)?to (?:<det> )?(?:<adj>)<show>{AFTER_SHOW}"
    ),
    pattern(rf"^(?:want|get|have|give) {THE_DOC}(?: and {THE_DOC})* as (?:<det> )?(?:<adj>)<show>{AFTER_SHOW}"),
    pattern(r"^podcast (?:this|these|that|it|from|about|on|of|«)"),
    pattern(r"^podcast[\s.!?]*$"),
    pattern(
        r"^(?:<make> )?(?:<det> )?(?:<adj>)(?:dialogue|conversation|discussion|chat) (?:(?:between|"
        r"of) .{3,30} )?(?:about|on|over|from|of) .*<doc>"
    ),
]
A_PODCAST = pattern(
    r"^(?:an?|one) (?:<adj>)<show> (?:about|on) (?!.*\b(?:is|was|are|were|has|had|would|that|"
    r"who)\b)[^«]{2,60}$"
)
PODCAST_WITH_DOC = [
    pattern(
        r"^(?:(?:<det>|nice|short|brief|quick|long|little|small|new|funny|daily|weekly|two-host|<length>) )*"
        r"<show> (?:please |about |on |from |of |out of |based on |using |for |"
        r"called |titled |with |in )"
    ),
    pattern(
        r"^(?:<make> )?(?:two|2) (?:people|hosts|speakers|voices|friends) (?:talk|chat|discuss|speak|"
        r"converse)\w* (?:about|over|through|of )?"
    ),
    pattern(
        rf"^(?:from|out of|using|with|based on|"
        rf"given) {THE_DOC}(?:[, ]+(?:and )?{THE_DOC})* (?:<make>) (?:<det> )?(?:<adj>)<show>"
    ),
]
