"""Questions about dates."""

from __future__ import annotations

import re
from datetime import date

from nexus_agents.models.builtin.solvers.tasks import Days, Task

__all__ = ["read"]

_MONTHS = [
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
]  # fmt: skip
_MONTH = "(?:" + "|".join(f"{one[:3]}(?:{one[3:]})?" if one != "may" else one for one in _MONTHS) + ")"
_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
_DATE = rf"\d{{4}}-\d\d?-\d\d?|{_MONTH}\.? {_DAY},? \d{{4}}|{_DAY}(?: of)? {_MONTH}\.?,? \d{{4}}"


def read(text: str) -> Task | None:
    """Return the task of a cleaned question about dates, or None; dates have a year from 1 to 9999."""
    dates = [_date(one) for one in re.findall(_DATE, text)]
    known = [one for one in dates if one]
    if not known or len(known) != len(dates):
        return None
    if len(known) == 2 and re.search(r"\bdays\b", text) and re.search(r"between|from|until|to\b|apart", text):
        return Days(ask="between", first=min(known), second=max(known), assumed="the first day is not counted")
    if len(known) != 1:
        return None
    if found := re.search(r"\b(\d{1,7}) (days?|weeks?) (after|before|from|past)\b", text):
        days = int(found[1]) * (7 if found[2].startswith("week") else 1)
        return Days(ask="shift", first=known[0], shift=-days if found[3] == "before" else days)
    if re.search(r"weekday|day of (?:the )?week|(?:what|which) day|^day\b", text):
        return Days(ask="weekday", first=known[0])
    return None


def _date(text: str) -> date | None:
    if re.match(r"\d{4}-", text):
        year, month, day = (int(one) for one in text.split("-"))
    else:
        name = re.search(r"[a-z]{3,}", re.sub(r"\d+(?:st|nd|rd|th)|\bof\b", "", text))
        numbers = [int(one) for one in re.findall(r"\d+", text)]
        if not name or len(numbers) != 2:
            return None
        month = next(place for place, one in enumerate(_MONTHS, 1) if one.startswith(name[0][:3]))
        day, year = numbers
    try:
        return date(year, month, day)
    except ValueError:
        return None
