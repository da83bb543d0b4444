"""The frames of requests about Nexus itself: its voices, its runs, going on with one, and help."""

from __future__ import annotations

from nexus_agents.models.builtin.understanding.lexicon import pattern

__all__ = ["HELP", "LIST_RUNS", "LIST_VOICES", "RESUME"]

POLITE_END = r"(?: (?:please|now|again|here|there|for me|at the moment|so far|today|right now|in total))*[\s.!?]*$"
OF_VOICES = (
    r"(?: (?:that |which )?(?:i have|we have|you have|do you have|you know|do you know|are there|"
    r"there are|exist|i can use|can i use|we can use|"
    r"can we use|to choose from|is there|are available|available|installed|registered|you can use|"
    r"can you use|you offer|do you offer|i cloned|i have cloned|"
    r"i made|i have made|of mine|on offer|do i have|are installed|have i cloned|did i clone|cloned|"
    r"made|in (?:the |my )?registry))*"
)
LIST_VOICES = [
    pattern(
        rf"^(?:list|show|display|see|name|print|enumerate|give|tell|get|know|hear about|view|"
        rf"browse)(?: me| us)?(?: about)?(?: (?:all|of|the|my|your|our|"
        rf"available|every|cloned|a list of|list of|which|what|existing|preset|"
        rf"registered))* (?:voices?|speakers?)(?: list)?{OF_VOICES}{POLITE_END}"
    ),
    pattern(
        rf"^(?:what|which)(?: are)?(?: (?:all|of|the|my|your|our|available|cloned|kinds? of|preset|"
        rf"other))* (?:voices|speakers){OF_VOICES}{POLITE_END}"
    ),
    pattern(
        rf"^(?:(?:my|all|available|the|your|cloned) )*(?:voices|"
        rf"speakers)(?: list)?(?: available)?{POLITE_END}"
    ),
    pattern(
        rf"^(?:what|which) (?:voices|speakers) (?:are|do|can|have|did|could|may) (?:you |i |we |"
        rf"there )?(?:available|installed|have|use|there|know|choose|"
        rf"cloned|clone|offer|registered|choose from|pick|pick from|exist|registered|made|got){POLITE_END}"
    ),
    pattern(
        rf"^(?:do (?:you|i|we) have|are there|how many)(?: (?:any|some|other|more|the))* (?:voices|"
        rf"speakers){OF_VOICES}{POLITE_END}"
    ),
]

WHICH_RUN = (
    r"(?:(?:the|my|that|this|our|your) )?(?:(?:last|previous|latest|most recent|recent|interrupted|"
    r"stopped|crashed|unfinished|cancelled|failed|"
    r"paused|broken|aborted|old|pending|yesterday's|running) )*"
)
JOB = r"(?:runs?|jobs?|workflows?|tasks?|sessions?|work|process|thing|checkpoint|one)"
CUT = (
    r"(?:(?: that| which)?(?: (?:was|got|were|had been|has been|is|just|had|has))* (?:interrupted|"
    r"stopped|crashed|cut(?: off| short)?|broken off|failed|killed|unfinished|"
    r"died|paused|left|left off|hung)(?: (?:yesterday|earlier|before|this morning|last night|today))?|"
    r" from (?:yesterday|before|earlier|last (?:night|week|time)|this morning|"
    r"the (?:last |latest )?checkpoint)| yesterday| (?P<run>(?=[\w-]*\d)[\w-]{3,40}))?"
)
LEFT = (
    r"(?:from |at )?(?:where|wherever) (?:we|i|you|it|things)(?: \w+)? (?:left(?: it)?(?: off)?|"
    r"stopped|were|was|crashed|ended|broke off|died)(?: off)?(?: (?:yesterday|earlier|before|last time|"
    r"last night))?"
)
GO_ON = (
    r"(?:resume|continue|carry on|pick up|pick it up|go on|keep going|proceed|restart|keep on|take up|"
    r"finish|get on)"
)
RESUME = [
    pattern(rf"^{GO_ON}{POLITE_END}"),
    pattern(rf"^{GO_ON}(?: again)?(?: with| from| on)?(?: the rest of)? {WHICH_RUN}{JOB}{CUT}{POLITE_END}"),
    pattern(rf"^{GO_ON}(?: again)?(?: with| from)? {LEFT}{POLITE_END}"),
    pattern(
        rf"^{GO_ON}(?: with| from)? (?:it|that|this|the (?:last|latest) checkpoint|"
        rf"yesterday's){POLITE_END}"
    ),
    pattern(r"^resume (?:run )?(?P<run>(?=[\w-]*\d)[\w-]{3,40})[\s.!?]*$"),
]

STATES = (
    r"(?:last|previous|latest|recent|past|unfinished|waiting|failed|finished|running|interrupted|all|"
    r"old|current|open|done|cancelled|the|my|our|of|past)"
)
LIST_RUNS = [
    pattern(
        rf"^(?:list|show|display|see|print|give|tell|get|view|browse)(?: me|"
        rf" us)?(?: about)?(?: {STATES}| a list of| list of)* (?:runs|jobs|run history|history|"
        rf"workflows|sessions)"
        rf"(?: of (?:all |the |my )*(?:runs|jobs|work))?(?: (?:so far|that failed|that are waiting|"
        rf"i have|from (?:today|yesterday)|i did|i started|until now))*{POLITE_END}"
    ),
    pattern(
        rf"^(?:what|which)(?: are)?(?: {STATES})* (?:runs|jobs|sessions|workflows)(?: (?:are|were|is|"
        rf"have|did|do|there|i|we|you|failed|finished|waiting|running|interrupted|"
        rf"unfinished|open|done|left|started|pending|had|not done))*{POLITE_END}"
    ),
    pattern(
        rf"^what (?:did|have) (?:i|we|you) (?:already )?(?:run|ran|start|started)"
        rf"(?: (?:so far|yesterday|today|before|earlier|last week|last time|until now|already|"
        rf"recently))+{POLITE_END}"
    ),
    pattern(rf"^what (?:did|have) (?:i|we|you) (?:already )?(?:run|ran){POLITE_END}"),
    pattern(
        rf"^(?:(?:my|all|recent|past|previous|the|unfinished) )*(?:runs|run history|history|"
        rf"history of (?:runs|jobs)){POLITE_END}"
    ),
]

THINGS = r"(?:you|nexus|this(?: thing| program| tool| app)?|it)"
HELP = [
    pattern(
        rf"^(?:help|help me|i need help|i need some help|get help|need help|usage|commands|"
        rf"capabilities|abilities|features|menu|options|\?|man|info){POLITE_END}"
    ),
    pattern(
        rf"^(?:(?:good )?(?:hello|hi|hey|hiya|howdy|greetings|yo|morning|evening|afternoon|"
        rf"day)(?: (?:there|nexus|you|everyone|all|friend|computer|again))*)"
        rf"(?: how are you)?{POLITE_END}"
    ),
    pattern(
        rf"^what (?:can|do|could|does|are|will) {THINGS}(?: (?:able to|capable of|good at|good for|do|"
        rf"help|help me with|offer|know|support|all|actually|exactly|be|used for|"
        rf"everything|here|for me|doing))*{POLITE_END}"
    ),
    pattern(
        rf"^what (?:else )?(?:can|may|could|should) (?:i|we) (?:do|ask|say|type|try|use)(?: (?:here|"
        rf"you|for|with|this|now|to do|nexus|it))*{POLITE_END}"
    ),
    pattern(
        rf"^what (?:is|are) (?:possible|your (?:abilities|capabilities|features|skills|commands|"
        rf"functions)|this|nexus|the (?:commands|options|features)){POLITE_END}"
    ),
    pattern(rf"^(?:who|what) are you{POLITE_END}"),
    pattern(
        rf"^how (?:do|does|can|should|would|to)(?: (?:i|we|you|one))? ?(?:{THINGS} work|use (?:this|"
        rf"you|nexus|it)|get started|start|begin|clone .{{0,20}}voices?|"
        rf"make (?:a )?podcasts?|build an? (?:app|api)|resume (?:a |my )?runs?|start a debate){POLITE_END}"
    ),
    pattern(
        rf"^(?:show|tell|list|give|see)(?: me)? (?:what (?:you|nexus) can do|(?:the |your |"
        rf"all )*(?:help|commands|capabilities|abilities|features|options)){POLITE_END}"
    ),
]
