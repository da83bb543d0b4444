"""Namespaces as the tables keep them, and the part of the facts that is looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from memory.tables import moment_text
from nexus_agents.core.errors import InputError
from nexus_agents.core.facts import Namespace

__all__ = ["STANDS", "Area", "area_of", "name_of", "namespace_from"]

STANDS = "facts.valid_to IS NULL AND (facts.expires_at IS NULL OR facts.expires_at > :now)"
"""Condition that facts meet that hold at a moment `now`."""

_LONGEST = 500


def name_of(namespace: Namespace) -> str:
    """Return a namespace as one text: its labels with a point between each two.

    Raises:
        InputError: There is no label, or one is empty or has a point in it.
    """
    name = ".".join(namespace)
    if not namespace or not all(namespace) or name.count(".") != len(namespace) - 1 or "\0" in name:
        raise InputError(
            f"{namespace!r} is no namespace.", "Give one label or more, none of them empty or with a point in it."
        )
    if len(name) > _LONGEST:
        raise InputError(f"The namespace {name[:40]}... is too long.", f"It may have {_LONGEST} characters in all.")
    return name


def namespace_from(name: str) -> Namespace:
    """Return the labels of a namespace as the tables keep it."""
    return tuple(name.split("."))


@dataclass(frozen=True)
class Area:
    """The facts that a question is about, as a condition on the table `facts`.

    Attributes:
        names: Condition on a column `namespace` alone.
        ever: Condition that also facts meet that hold no longer.
        sql: Condition that only facts meet that hold.
        holds: The same for facts that are known to be of these namespaces.
        values: The parameters of them all.
    """

    names: str
    ever: str
    sql: str
    holds: str
    values: Mapping[str, object]


def area_of(
    namespaces: Sequence[Namespace], moment: datetime, *, kinds: Sequence[str] = (), below: bool = False
) -> Area:
    """Return the area of some namespaces.

    Args:
        namespaces: Which; none at all for everything.
        moment: What has expired before it is left out.
        kinds: Only facts of these kinds; empty for all.
        below: Whether what lies below the namespaces belongs to them.

    Raises:
        InputError: One of them is no namespace.
    """
    values: dict[str, object] = {"now": moment_text(moment)}
    parts: list[str] = []
    for place, namespace in enumerate(namespaces):
        values[f"n{place}"] = name_of(namespace)
        parts.append(f"namespace = :n{place}")
        if below:
            # "/" is the character after ".": all that begins with the name and a point.
            values |= {f"from{place}": f"{name_of(namespace)}.", f"to{place}": f"{name_of(namespace)}/"}
            parts.append(f"namespace >= :from{place} AND namespace < :to{place}")
    names = f"({' OR '.join(parts)})" if parts else "namespace IS NOT NULL"
    of_kind = ""
    if kinds:
        values |= {f"k{place}": kind for place, kind in enumerate(kinds)}
        of_kind = f" AND facts.kind IN ({', '.join(f':k{place}' for place in range(len(kinds)))})"
    return Area(names, names + of_kind, f"{STANDS} AND {names}{of_kind}", STANDS + of_kind, values)
