"""Whether a clause is a question for the two debaters: a debate by name, or plain mathematics or logic."""

from __future__ import annotations

import re

from nexus_agents.models.builtin.understanding.lexicon import pattern, words
from nexus_agents.models.builtin.understanding.normal import Clause

__all__ = ["asks_to_debate", "is_mathematics"]

BOTH = (
    r"(?:(?:two|both|three|several|some|the|a few|them|2|a pair of|your|my)(?: of (?:you|them|your))? ?)*"
    r"(?:models|agents|solvers|debaters|ais|llms|bots|sides|people)?"
)
ON = (
    r"(?:[ ]?(?:about|on|over|regarding|the question(?: of)?|the topic(?: of)?|this|the following|"
    r"it out|it|out|as to))*"
)
DEBATES = [
    pattern(
        rf"^debate(?! (?:club|team|class|coach|night|tournament|"
        rf"prep)\b){ON}(?:[\s:,–-]+(?P<question>.+))?$"
    ),
    pattern(
        r"^(?:have|hold|start|run|make|do|open|begin|host|stage|set up|organi[sz]e|get|give me|want|"
        r"see)(?: me| us)? "
        r"(?:<det> )?(?:<adj>)(?:debate|argument)"
        rf"(?: between (?:two |the )?(?:models|agents|solvers))?"
        rf"(?:{ON}\s*[:,–-]\s*(?P<question>.+)|"
        rf"(?= (?:about|on|over|regarding|whether|if|as to)\b){ON}[ ](?P<topic>.+))?$"
    ),
    pattern(
        rf"^(?:have|let|get|make|ask|want|see) {BOTH} ?(?:to )?(?:argue|debate|discuss|dispute|fight)"
        rf"(?: against each other| with each other)?{ON}(?:[\s:,–-]+(?P<question>.+))?$"
    ),
    pattern(
        rf"^(?:two|both|several) (?:models|agents|solvers|debaters) (?:(?:should|must|could|can|shall|to) )?"
        rf"(?:argue|debate|discuss){ON}(?:[\s:,–-]+(?P<question>.+))$"
    ),
    pattern(rf"^argue(?: for and against|{ON})?[\s:,–-]+(?P<question>.+)$"),
    pattern(r"^discuss(?:[ ](?=whether\b|if\b)|\s*:\s*)(?P<question>.+)$"),
    pattern(r"^(?:an? )(?:debate|argument)(?: (?:about|on|over)|:)[\s]*(?P<question>.+)$"),
]
ARGUE_OTHERWISE = pattern(r"^(?:argue|discuss|debate) (?:with|like|for me|against me|in|at)\b")

CUE = re.compile(
    r"\b(?:primes?|composite|even|odd|divisible|divides?|multiple|multiples|gcd|lcm|hcf|"
    r"greatest common|least common|"
    r"factori[sz]e|factors?|factorisation|factorization|divisors?|factorial|remainder|modulo|mod|sum|"
    r"product|solve|roots?|"
    r"equation|square|cube|squared|cubed|power|fibonacci|probability|chance|odds|likelihood|ways|"
    r"permutations?|"
    r"combinations?|arrangements?|choose|anagrams|subsets|tautology|satisfiable|contradiction|impl(?:y|ies)|"
    r"equals?|bigger|larger|greater|less|smaller|percent|percentage|plus|minus|times|divided|"
    r"multiplied|digits?|"
    r"perfect|coprime|day of the week|weekday|days between|days|numbers|integers|average|mean|difference|"
    r"logarithm|log|compute|calculate|evaluate|natural number|irrational|rational)\b"
)
FILL = words("""
    a abs ace aces all always an and another any april are arrange arranged as at august b be between
    binary bits black books both by c calculate can card cards cent cents change check choose chosen
    circle coin coin's coins committee common composites cos could cubes date day days december decimal
    deck determine dice did die different digit digits distinct divides dividing do does dollar dollars
    down dozen draw drawn each eight element elements equal equals euro euros ever every exactly exclusive
    expression fair fall falls false february find first five flip flipped flipping flips floor following
    for form formula four fraction friday from get gets getting give greatest group groups half has have
    head heads heart hearts highest hour hours how hundred i if iff in inclusive integer integers into is
    it its january july june k king last least leaves left length less letter letters line logic logical
    lowest m make many march max may me million min minute minutes monday month months more most much n
    natural nd nearest negative nine not november nth number numbers october of on once one or order
    ordered out over p pence people perfect person persons pick picked please positive primes prove q
    quarter queen question r raised rd red repetition replacement result roll rolled rolling rolls row s
    same saturday seat seated second seconds select selected september set seven shelf show simplest sin
    sit sits six sixes size so solve sometimes spade spades sqrt squares st standard statement string
    strings subset sunday table tail tails team teams tell ten th than that the then there there's third
    this thousand three throw thrown throws thursday to together toss tossed tosses true tuesday twice two
    under unknown up use using value verify was we wednesday week weeks were what when whether which who
    whole will with word x xor y year years you z zero
""")
NUMBER = re.compile(r"\d|\b(?:zero|one|two|three|four|five|six|seven|eight|nine|ten|dozen|hundred|thousand|million)\b")
FORMULA = re.compile(r"^[\s\d.,+\-*/^()!%=<>x×·÷−√?]+$")
OPERATOR = re.compile(r"\d\s*[)!%a-z]*\s*[+\-*/^%=<>×·÷−!]\s*[(a-z\d]?|[a-z]\s*[\^=]\s*-?\d")
CONNECTIVE = re.compile(r"->|=>|<->|∧|∨|¬|\b[a-z] (?:and|or|implies|xor|iff) (?:not )?[a-z]\b")
SPELLED = re.compile(
    r"\b(?:letters (?:of|in)(?: the word)?|the word|anagrams of|arrange) ['\"]?[a-z]+['\"]?", re.IGNORECASE
)
STORY = re.compile(r"[^?]{8,}\d[^?]*[,.;] (?:and |then )?how (?:many|much|far|long|old|fast)\b[^?]*\?$")


def asks_to_debate(clause: Clause) -> tuple[int, int] | None:
    """Return where the question of a debate that was asked for by name stands; an empty place: none named."""
    if ARGUE_OTHERWISE.match(clause.text):
        return None
    for frame in DEBATES:
        found = frame.match(clause.text)
        if found:
            groups = found.groupdict()
            named = next((name for name in ("question", "topic") if groups.get(name)), None)
            return found.span(named) if named else (len(clause.text), len(clause.text))
    return None


def is_mathematics(text: str) -> bool:
    """Whether a sentence is a question of numbers or logic and of nothing else.

    Every word of it must be one that such questions are made of; a story with two numbers or more that
    ends in "how many" is taken too.

    Args:
        text: The question as it was typed.
    """
    plain = text.lower().replace("’", "'").replace("what's", "what is").strip()
    if FORMULA.match(plain):
        return OPERATOR.search(plain) is not None
    spelled = SPELLED.search(plain) is not None
    words = re.findall(r"[a-z]+(?:'s)?", SPELLED.sub(" letters ", plain))
    # Letters that touch digits or operators are parts of formulas: 3x, x^2, 30th.
    glued = set(re.findall(r"(?<=\d)[a-z]{1,2}\b", plain))
    strange = [w for w in words if len(w) > 1 and w not in FILL and not CUE.fullmatch(w) and w not in glued]
    numbers = re.findall(r"\d+(?:\.\d+)?", plain)
    if strange:
        return len(numbers) >= 2 and STORY.match(plain) is not None
    if CONNECTIVE.search(plain):
        return True
    if not (NUMBER.search(plain) or spelled):
        return False
    asked = plain.endswith("?") or re.match(
        r"(?:is|are|what|which|how|does|do|solve|compute|calculate|evaluate|factor\w*|find|prove|show|"
        r"check|verify|determine|whether|"
        r"the|sum|gcd|lcm|tell|give)\b",
        plain,
    )
    return bool(
        (CUE.search(plain) and (asked or OPERATOR.search(plain)))
        or (OPERATOR.search(plain) and re.search(r"\d", plain))
    )
