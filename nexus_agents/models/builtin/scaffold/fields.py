"""Reads one field from a few words: its name, its type, its limits."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from nexus_agents.core.errors import InputError
from nexus_agents.core.work import FieldSpec, FieldType
from nexus_agents.models.builtin.scaffold.brackets import split_parens
from nexus_agents.models.builtin.scaffold.refusals import not_understood
from nexus_agents.models.builtin.scaffold.words import TAKEN_FIELDS, slug, spaced, word_set

__all__ = ["MODIFIERS", "Read", "is_modifiers", "read_field"]

TYPES: dict[str, FieldType] = {
    "string": "string",
    "str": "string",
    "varchar": "string",
    "char": "string",
    "text": "text",
    "long text": "text",
    "multiline": "text",
    "int": "integer",
    "integer": "integer",
    "whole number": "integer",
    "number": "integer",
    "numeric": "decimal",
    "float": "decimal",
    "double": "decimal",
    "decimal": "decimal",
    "money": "decimal",
    "currency": "decimal",
    "bool": "boolean",
    "boolean": "boolean",
    "flag": "boolean",
    "yes/no": "boolean",
    "yes or no": "boolean",
    "true/false": "boolean",
    "true or false": "boolean",
    "checkbox": "boolean",
    "date": "date",
    "datetime": "datetime",
    "date and time": "datetime",
    "timestamp": "datetime",
    "email": "email",
    "email address": "email",
    "url": "url",
    "link": "url",
}
CODE_TYPES = "string|str|varchar|int|integer|float|double|decimal|bool|boolean|datetime|timestamp|numeric"
"""Types that are never a part of a name, so that they may follow it without a word between."""

MODIFIERS = {
    "unique": "unique",
    "distinct": "unique",
    "must be unique": "unique",
    "optional": "optional",
    "not required": "optional",
    "nullable": "optional",
    "if any": "optional",
    "if known": "optional",
    "required": "required",
    "mandatory": "required",
    "not null": "required",
    "positive": "positive",
    "default false": "",
    "default no": "",
}

TEXT = word_set(
    "description notes note body content text comment bio biography summary details message remarks remark "
    "instructions review abstract ingredients feedback memo observations transcript story synopsis"
)
BEFORE_TEXT = frozenset([*TEXT, "question", "answer", "alt", "full", "free", "long", "short", "source", "link"])
"""Words after which "text" is a part of the name; after others it is a type."""
INTEGER = word_set(
    "qty quantity count age year pages stock capacity seats points votes views likes score rating minutes hours "
    "floor calories servings episodes mileage population reps sets stars bedrooms bathrooms "
    "copies guests units rooms players"
)
DECIMAL = word_set(
    "price total subtotal amount cost salary fee balance budget tax discount weight height width depth length "
    "distance temperature rate wage revenue income profit percentage percent gpa area volume deposit rent value "
    "latitude longitude"
)
SIGNED = {"amount", "balance", "profit", "temperature", "total", "subtotal", "income", "value", "rate"}
BOOLEAN = word_set(
    "done active completed complete finished paid enabled disabled available published archived verified favorite "
    "favourite approved visible public private urgent cancelled canceled featured confirmed billable resolved "
    "returned shipped delivered vegetarian vegan fragile sold hidden pinned starred checked"
)
DATE = word_set("date birthday birthdate birth due dob deadline day expiry expires anniversary")
DATETIME = word_set("datetime timestamp time")
FILES = {"photo", "picture", "image", "avatar", "file", "attachment", "document", "scan", "pdf"}
YEAR_LIMITS = (1.0, 9999.0)

LEADING = re.compile(
    r"^(?:(?:also|and|or|an?|the|its|their|his|her|your|our|my|some|any|each|one|of course|maybe|just|both|"
    r"fields?|columns?|attributes?|(?:fields?|columns?|attributes?) (?:for|like|such as)|current|own)\s+)+",
    re.I,
)
NO_NAME = re.compile(
    r"\b(?:should|must|can|cannot|could|would|when|whenever|if|because|that|which|who|whom|whose|so|will|be|is|"
    r"are|was|were|with|has|have|to|then|than|i|we|you|they|it|them|want|need|like|every|not|but|see|show|let)\b"
)


@dataclass
class Read:
    """A field as it was read, with what was decided for the person who asked."""

    spec: FieldSpec
    assumptions: list[str] = field(default_factory=list[str])


def is_modifiers(text: str) -> bool:
    """Whether every part says something about a field (unique, a type, a range, choices), not a name."""
    if "|" in text:
        return True
    return all(_is_modifier(part) for part in re.split(r"\s*(?:,|;|\band\b)\s*", text.lower()) if part)


def read_field(text: str, entity: str) -> Read | None:
    """Read one field; None where it is there anyway (`id`, `created_at`) or where the words were empty.

    Args:
        text: A few words: `a unique isbn (max 13 characters)`, `priority (low | high)`, `is_active bool`.
        entity: The record that it belongs to, for messages.

    Raises:
        InputError: The words are not a field, or ask for what no column can keep.
    """
    words, inside = split_parens(text)
    flags: list[str] = []
    kind: FieldType | None = None
    words = LEADING.sub("", words.strip(" .:-")).strip()
    if found := re.match(
        r"(?:whether|if) (?:or not )?(?:(?:it|they|he|she|this)(?:'s| is| are| was| has been) )?(.+)$", words
    ):
        words, kind = found[1], "boolean"
    words, flags = _loose_flags(words)
    words = LEADING.sub("", words).strip()
    words, typed = _trailing_type(words)
    kind = typed or kind
    if not words:
        return None
    name = slug(words)
    if not name or len(name.split("_")) > 5 or NO_NAME.search(_bare_name(words, kind)):
        raise not_understood(text)
    read = Read(FieldSpec(name=name))
    limits = _inside(inside, text, flags)
    read.spec.choices = limits.choices
    kind = limits.type or kind
    if limits.choices and {choice.lower() for choice in limits.choices} in ({"yes", "no"}, {"true", "false"}):
        read.spec.choices, kind = [], "boolean"
    _name(read, entity)
    if read.spec.name in ("id", "created_at"):
        return read
    _refuse_files(name, kind, text)
    _type(read, name, kind)
    _limit(read, limits, flags)
    return read


def _bare_name(words: str, kind: FieldType | None) -> str:
    """Return the words without the `is` of a truth value (`is_active`, `is public`), which is no verb there."""
    lowered = words.lower()
    known = kind == "boolean" or lowered.split()[-1] in BOOLEAN
    return re.sub(r"^(?:is|has|can)[ _]" if known else r"^(?:is|has|can)_", "", lowered)


@dataclass
class _Limits:
    type: FieldType | None = None
    choices: list[str] = field(default_factory=list[str])
    low: float | None = None
    high: float | None = None
    length: int | None = None


def _is_modifier(part: str) -> bool:
    part = part.strip()
    return part in MODIFIERS or part in TYPES or bool(re.fullmatch(r"-?\d+\.\.-?\d+|len \d+", part))


def _loose_flags(words: str) -> tuple[str, list[str]]:
    flags: list[str] = []
    for said, means in (
        ("unique", "unique"),
        ("optional(?:ly)?", "optional"),
        ("required", "required"),
        ("mandatory", "required"),
    ):
        pattern = rf"^(?:an? )?{said}\s+(?=\w)|(?<=\w)\s+(?:which is |that is |is )?{said}$"
        if re.search(pattern, words, re.I):
            words = re.sub(pattern, "", words, flags=re.I).strip()
            flags.append(means)
    return words, flags


def _trailing_type(words: str) -> tuple[str, FieldType | None]:
    names = "|".join(sorted(map(re.escape, TYPES), key=len, reverse=True))
    if found := re.match(rf"^(.+?)\s*(?::| as| of type)\s*(?:an? )?({names})$", words, re.I):
        return found[1], TYPES[found[2].lower()]
    if found := re.match(rf"^(.+?) (?:an? )?({CODE_TYPES}|flag|yes/no|checkbox)$", words, re.I):
        return found[1], TYPES[found[2].lower()]
    if (found := re.match(r"^(?:.+ )?(\w+) text$", words, re.I)) and found[1].lower() not in BEFORE_TEXT:
        return words.rpartition(" ")[0], None
    if found := re.match(r"^(.+?) (?:field|column|attribute)$", words, re.I):
        return found[1], None
    return words, None


def _inside(inside: str, text: str, flags: list[str]) -> _Limits:
    limits = _Limits()
    if "|" in inside:
        inside, rest = _choices(inside, limits)
        inside = rest
    elif inside and not is_modifiers(inside):
        values = [part.strip() for part in re.split(r"\s*(?:,|;|/|\bor\b|\band\b)\s*", inside) if part.strip()]
        plain = [value for value in values if value.lower() not in MODIFIERS]
        if len(plain) < 2 or any(len(value.split()) > 4 for value in plain):
            raise not_understood(text)
        limits.choices = _clean_choices(plain)
        inside = ", ".join(value for value in values if value not in plain)
    for part in re.split(r"\s*(?:,|;|\band\b)\s*", inside.lower()):
        if part in MODIFIERS:
            flags.append(MODIFIERS[part])
        elif part in TYPES:
            limits.type = TYPES[part]
        elif found := re.fullmatch(r"(-?\d+)\.\.(-?\d+)", part):
            limits.low, limits.high = float(found[1]), float(found[2])
        elif found := re.fullmatch(r"len (\d+)", part):
            limits.length = int(found[1])
        elif part:
            raise not_understood(text)
    return limits


def _choices(inside: str, limits: _Limits) -> tuple[str, str]:
    first, *rest = [part.strip() for part in inside.split(",")]
    if "|" not in first:
        first, rest = inside, []
    limits.choices = _clean_choices(first.split("|"))
    return first, ", ".join(rest)


def _clean_choices(values: list[str]) -> list[str]:
    cleaned = [re.sub(r"^(?:one of|either|or|an?|the)\s+:?", "", value.strip(" '\".:")).strip() for value in values]
    return list(dict.fromkeys(value for value in cleaned if value))


def _name(read: Read, entity: str) -> None:
    name = read.spec.name
    if name in ("id", "created_at"):
        read.assumptions.append(f"Every {spaced(entity)} has '{name}' already.")
    elif name in TAKEN_FIELDS or name.startswith("model_"):
        read.spec.name = f"its_{name}"
        read.assumptions.append(
            f"'{name}' of {spaced(entity)} is named '{read.spec.name}', because Python or a library has taken it."
        )


def _refuse_files(name: str, kind: FieldType | None, text: str) -> None:
    if name.split("_")[-1] in FILES and kind is None:
        raise InputError(
            f"{text!r} would be a file, and the built-in rules keep none.",
            f"Keep its address instead: '{spaced(name)} url'.",
        )


def _type(read: Read, name: str, kind: FieldType | None) -> None:
    spec = read.spec
    if spec.choices:
        spec.type = "choice"
        return
    spec.type = kind or _by_name(name)
    parts = set(name.split("_"))
    if spec.type == "integer" and "year" in parts:
        spec.minimum, spec.maximum = YEAR_LIMITS
    elif (spec.type == "integer" and kind is None) or (
        spec.type == "decimal" and parts & DECIMAL and not parts & SIGNED
    ):
        spec.minimum = 0
    if name in ("latitude", "longitude") and kind is None:
        spec.type, spec.minimum = "string", None
        read.assumptions.append(f"'{name}' is kept as text, because amounts have two decimals only.")
    if spec.type == "string" and name in ("tags", "labels", "keywords"):
        read.assumptions.append(f"'{name}' is one line of text.")


def _by_name(name: str) -> FieldType:
    # "price_per_night" is a price, unless its own last word says more ("check_in_date").
    found = _by_last_word(name)
    return found if found != "string" else _by_last_word(re.split("_(?:per|in|of)_", name)[0])


def _by_last_word(name: str) -> FieldType:
    parts = name.split("_")
    last = parts[-1]
    joined = f"_{name}_"
    if last in ("email", "mail") or joined.endswith(("_e_mail_", "_email_address_", "_mail_address_")):
        return "email"
    if last in ("url", "website", "link", "homepage", "webpage") or joined.endswith("_web_address_"):
        return "url"
    if joined.startswith(("_is_", "_has_", "_in_stock_", "_can_")) or last in BOOLEAN:
        return "boolean"
    if last == "at" and len(parts) > 1:
        return "datetime"
    if last in DATE or (last == "on" and len(parts) > 1) or joined.startswith("_date_of_"):
        return "date"
    if joined.startswith("_number_of_") or last in INTEGER or joined.endswith(("_minutes_", "_hours_", "_days_")):
        return "integer"
    if last in DATETIME:
        return "datetime"
    if last in DECIMAL:
        return "decimal"
    return "text" if last in TEXT else "string"


def _limit(read: Read, limits: _Limits, flags: list[str]) -> None:
    spec = read.spec
    if limits.low is not None:
        if spec.type not in ("integer", "string", "decimal"):
            raise not_understood(f"{spaced(spec.name)} from {limits.low:g} to {limits.high:g}")
        spec.type, spec.minimum, spec.maximum = "integer", limits.low, limits.high
    if limits.length is not None and spec.type in ("string", "text"):
        spec.max_length = limits.length
    if "positive" in flags and spec.type in ("integer", "decimal"):
        spec.minimum = 0
    spec.required = "optional" not in flags
    if "unique" in flags:
        narrow = spec.type == "integer" and limits.low is not None and (limits.high or 0) - limits.low < 1000
        if spec.type in ("boolean", "choice", "text") or narrow:
            read.assumptions.append(f"'{spec.name}' has too few values, or too long ones, to be unique.")
        else:
            spec.unique = True
