"""Questions about whole numbers and exact arithmetic."""

from __future__ import annotations

import re
from collections.abc import Callable

from nexus_agents.models.builtin.solvers.expression import parse, show
from nexus_agents.models.builtin.solvers.reading.text import expression, parsed, split_list
from nexus_agents.models.builtin.solvers.tasks import (
    Arithmetic,
    Common,
    Comparison,
    Digits,
    Divisible,
    Factorise,
    Prime,
    Remainder,
    Task,
)

__all__ = ["read", "read_arithmetic"]

_IS = r"(?:(?:is|whether|if|be|are)\s+)?"


def read(text: str) -> Task | None:
    """Return the task of a cleaned question about numbers, or None."""
    for pattern, make in _PATTERNS:
        found = re.fullmatch(pattern, text)
        task = make(found) if found else None
        if task:
            return task
    return _common(text)


def read_arithmetic(text: str) -> Task | None:
    """Return a question that is nothing but an expression or a comparison, as a task."""
    text = re.sub(rf"^{_IS}", "", text)
    for sign in ("<=", ">=", "!=", "==", "=", "<", ">"):
        if text.count(sign) == 1:
            left, right = (expression(part) for part in text.split(sign))
            if left and right:
                relation = "==" if sign == "=" else sign
                return Comparison(left=left, relation=relation, right=right)  # type: ignore[arg-type]
            return None
    found = expression(text.removesuffix("=").strip())
    # A bare number is not a question, nor is a date such as 2024-02-29.
    if not found or re.fullmatch(r"[\d.]+|\d{4}-\d\d?-\d\d?", found):
        return None
    node = parse(found)
    if node.op == "%":
        return _remainder(show(node.args[0]), show(node.args[1]))
    if node.op == "digitsum":
        return Digits(number=show(node.args[0]))
    if node.op in {"gcd", "lcm"}:
        return Common(function="gcd" if node.op == "gcd" else "lcm", numbers=[show(one) for one in node.args])
    return Arithmetic(expression=found)


# -- what the words say -----------------------------------------------------------------------------

Make = Callable[[re.Match[str]], "Task | None"]


def _prime(found: re.Match[str]) -> Task | None:
    number = expression(found["n"])
    return Prime(number=number, ask="composite" if found["w"] == "composite" else "prime") if number else None


def _primality(found: re.Match[str]) -> Task | None:
    number = expression(found["n"])
    return Prime(number=number) if number else None


def _factorise(found: re.Match[str]) -> Task | None:
    number = expression(found["n"])
    return Factorise(number=number) if number else None


def _divisible(found: re.Match[str]) -> Task | None:
    number, divisor = expression(found["n"]), expression(found["d"])
    return Divisible(number=number, divisor=divisor) if number and divisor else None


def _parity(found: re.Match[str]) -> Task | None:
    number = expression(found["n"])
    if not number:
        return None
    if found["w"] == "even":
        return Divisible(number=number, divisor="2")
    return Comparison(left=f"({number}) % 2", relation="==", right="1", assumed="odd means: leaves 1 when halved")


def _mod(found: re.Match[str]) -> Task | None:
    number, modulus = expression(found["n"]), expression(found["d"])
    return Remainder(number=number, modulus=modulus) if number and modulus else None


def _remainder(number: str, modulus: str) -> Task:
    return Remainder(number=number, modulus=modulus)


def _last_digits(found: re.Match[str]) -> Task | None:
    number, count = expression(found["n"]), int(found["k"] or 1)
    return Remainder(number=number, modulus=f"{10**count}") if number and 0 < count < 16 else None


def _digits(found: re.Match[str]) -> Task | None:
    number = expression(found["n"])
    function = "count" if re.search(r"many|number of", found["w"]) else "sum"
    return Digits(number=number, function=function) if number else None


def _which(found: re.Match[str]) -> Task | None:
    left, right = expression(found["a"]), expression(found["b"])
    if not left or not right:
        return None
    smaller = found["w"] in {"smaller", "less", "smallest", "lower"}
    return Comparison(left=left, right=right, relation="<" if smaller else ">", ask="smaller" if smaller else "larger")


def _than(found: re.Match[str]) -> Task | None:
    left, right = expression(found["a"]), expression(found["b"])
    words = found["w"]
    if words.startswith(("equal", "the same")):
        relation = "=="
    else:
        relation = "<" if words.split()[0] in {"smaller", "less", "lower"} else ">"
        relation += "=" if "or equal" in words else ""
    if not left or not right:
        return None
    return Comparison(left=left, relation=relation, right=right)  # type: ignore[arg-type]


def _percent_of(found: re.Match[str]) -> Task | None:
    share, whole = expression(found["p"]), expression(found["n"].lstrip("$€£"))
    if not share or not whole:
        return None
    return Arithmetic(expression=f"({share}) / 100 * ({whole})", label=f"{found['p']}% of {found['n']}")


def _which_percent(found: re.Match[str]) -> Task | None:
    part, whole = expression(found["a"]), expression(found["b"])
    if not part or not whole:
        return None
    label = f"{found['a']} as a percentage of {found['b']}"
    return Arithmetic(expression=f"100 * ({part}) / ({whole})", unit="%", label=label)


def _percent_change(found: re.Match[str]) -> Task | None:
    value, share = expression(found["n"].lstrip("$€£")), expression(found["p"])
    if not value or not share:
        return None
    down = re.match(r"decrease|reduce|lower|discount", found["w"])
    sign, word = ("-", "less") if down else ("+", "more")
    return Arithmetic(
        expression=f"({value}) * (100 {sign} ({share})) / 100", label=f"{found['n']} and {found['p']}% {word}"
    )


def _percent_from(found: re.Match[str]) -> Task | None:
    old, new = expression(found["a"].lstrip("$€£")), expression(found["b"].lstrip("$€£"))
    if not old or not new:
        return None
    label = f"the change from {found['a']} to {found['b']}"
    return Arithmetic(expression=f"100 * (({new}) - ({old})) / ({old})", unit="%", label=label)


def _common(text: str) -> Task | None:
    found = re.fullmatch(
        r"(?:the )?(gcd|hcf|gcf|greatest common (?:divisor|factor)|highest common (?:divisor|factor)|"
        r"lcm|(?:least|lowest|smallest) common multiple)\s*(?:of|for|between)?\s*(.+)",
        text,
    )
    if not found:
        return None
    inside = found[2].strip()
    if inside.startswith("(") and inside.endswith(")") and parsed(inside) is None:
        inside = inside[1:-1]
    numbers = [expression(one) for one in split_list(inside)]
    if len(numbers) < 2 or len(numbers) > 20 or None in numbers:
        return None
    function = "lcm" if found[1].startswith(("lcm", "least", "lowest", "smallest")) else "gcd"
    return Common(function=function, numbers=[one for one in numbers if one])


def _convert(found: re.Match[str]) -> Task | None:
    source, target = _unit(found["u"]), _unit(found["v"])
    amount = expression(found["n"] if "n" in found.groupdict() and found["n"] else "1")
    if not source or not target or not amount:
        return None
    if source[0] != target[0]:
        return None
    label = f"{amount} {found['u']} in {found['v']}"
    if source[0] == "temperature":
        return _temperature(amount, source[1], target[1], found["v"], label)
    return Arithmetic(expression=f"({amount}) * {source[1]} / {target[1]}", unit=found["v"], label=label)


def _temperature(amount: str, source: str, target: str, unit: str, label: str) -> Task | None:
    celsius = {"c": f"({amount})", "f": f"(({amount}) - 32) * 5 / 9", "k": f"(({amount}) - 273.15)"}[source]
    value = {"c": celsius, "f": f"{celsius} * 9 / 5 + 32", "k": f"{celsius} + 273.15"}[target]
    return Arithmetic(expression=value, unit=unit, label=label)


def _unit(name: str) -> tuple[str, str] | None:
    name = name.strip().removeprefix("degrees ").removeprefix("degree ")
    return _UNITS.get(name) or _UNITS.get(name.removesuffix("s")) or _UNITS.get(name.removesuffix("es"))


# Exact by definition: the international yard and pound (1959), the US gallon of 231 cubic inches.
_UNITS: dict[str, tuple[str, str]] = {
    name: (quantity, factor)
    for quantity, units in {
        "length": {
            "mm millimetre millimeter": "0.001", "cm centimetre centimeter": "0.01", "m metre meter": "1",
            "km kilometre kilometer": "1000", "in inch": "0.0254", "ft foot feet": "0.3048", "yd yard": "0.9144",
            "mi mile": "1609.344",
        },
        "mass": {
            "mg milligram": "0.000001", "g gram": "0.001", "kg kilogram kilo": "1", "t tonne": "1000",
            "oz ounce": "0.028349523125", "lb lbs pound": "0.45359237",
        },
        "time": {
            "s second": "1", "min minute": "60", "h hour": "3600", "d day": "86400", "week": "604800",
        },
        "volume": {"ml millilitre milliliter": "0.001", "l litre liter": "1", "gallon": "3.785411784"},
        "data": {"byte": "1", "kb kilobyte": "1000", "mb megabyte": "1000000", "gb gigabyte": "1000000000",
                 "kib": "1024", "mib": "1048576", "gib": "1073741824", "bit": "0.125"},
        "temperature": {"c celsius": "c", "f fahrenheit": "f", "k kelvin": "k"},
    }.items()
    for names, factor in units.items()
    for name in names.split()
}  # fmt: skip

_BIGGER = r"larger|bigger|greater|higher|more|smaller|less|lower|largest|biggest|smallest"
_PATTERNS: list[tuple[str, Make]] = [
    (rf"{_IS}(?:the number )?(?P<n>.+?)(?: is)?(?: an?)? (?P<w>prime|composite)"
     r"(?: number)?(?:,? or (?:not|prime|composite|an? (?:prime|composite)(?: number)?))?", _prime),
    (r"(?:the )?primality of (?P<n>.+)", _primality),
    (r"(?:all )?(?:the )?(?:(?:prime )?(?:factori[sz]e|factori[sz]ation of|factors of|factor)|prime divisors of)"
     r"(?: the number)? (?P<n>.+?)(?: into (?:primes|prime factors))?", _factorise),
    (r"decompose (?P<n>.+?) into (?:primes|prime factors)", _factorise),
    (rf"{_IS}(?P<n>.+?) (?:is )?(?:evenly )?divisible by (?P<d>.+)", _divisible),
    (r"(?:does|whether) (?P<d>.+?) divides? (?P<n>.+?)(?: evenly)?", _divisible),
    (rf"{_IS}(?P<d>.+?) (?:is )?a (?:factor|divisor) of (?P<n>.+)", _divisible),
    (rf"{_IS}(?P<n>.+?) (?:is )?a multiple of (?P<d>.+)", _divisible),
    (rf"{_IS}(?P<n>.+?) (?:is )?(?:an )?(?P<w>even|odd)(?: number)?(?: or (?:odd|even))?", _parity),
    (r"(?:the )?remainder (?:when|if|of|for)(?: dividing)? (?P<n>.+?) (?:is )?(?:divided by|by|on division by|mod) "
     r"(?P<d>.+)", _mod),
    (r"(?P<n>.+) (?:mod|modulo) (?P<d>.+)", _mod),
    (r"(?:the )?last (?:(?P<k>\d+) )?digits? (?:of|in) (?P<n>.+)", _last_digits),
    (r"(?P<w>(?:the )?(?:sum of (?:all )?(?:the )?(?:decimal )?digits|digit ?sum|number of (?:decimal )?digits)) "
     r"(?:of|in) (?P<n>.+)", _digits),
    (r"(?P<w>how many) (?:decimal )?digits (?:does|has|are there in|are in) (?P<n>.+?)(?: have| has)?", _digits),
    (rf"(?:which|what)(?: number| one)?(?: is)? (?:the )?(?P<w>{_BIGGER})(?: number)?[,:]? (?P<a>.+?),? or (?P<b>.+)",
     _which),
    (rf"(?:the )?(?P<w>{_BIGGER}) of (?P<a>.+?) (?:and|or) (?P<b>.+)", _which),
    (rf"{_IS}(?P<a>.+?) (?:is )?(?P<w>(?:{_BIGGER}) than(?: or equal to)?|equal to|equals?|the same as) (?P<b>.+)",
     _than),
    (r"(?P<p>[\d.]+)% (?:of|from) (?P<n>[$€£]?.+)", _percent_of),
    (r"(?P<a>.+?) is (?:what|which|how many) (?:percentage|%) of (?P<b>.+)", _which_percent),
    (r"(?:what |which )?(?:percentage|%) of (?P<b>.+?) is (?P<a>.+)", _which_percent),
    (r"(?P<w>increase|raise|decrease|reduce|lower|discount) (?P<n>[$€£]?.+?) by (?P<p>[\d.]+)%", _percent_change),
    (r"(?:the )?(?:percentage|%) (?:change|increase|decrease)(?: when going)? from (?P<a>.+?) to (?P<b>.+)",
     _percent_from),
    (r"(?:convert )?(?P<n>-?[\d./]+) ?(?P<u>(?:degrees? )?[a-z]+) (?:to|in|into) (?P<v>(?:degrees? )?[a-z]+)",
     _convert),
    (r"how many (?P<v>[a-z]+) (?:are )?(?:there )?(?:in|are|is|make) (?:an? )?(?P<n>[\d./]+)? ?(?P<u>[a-z]+)",
     _convert),
]  # fmt: skip
