"""The shared context: what agents, and the people they work for, tell each other and later runs."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, cast, get_args

from pydantic import BaseModel, Field, model_validator

from nexus_agents.core.runs import now

__all__ = [
    "KINDS",
    "USER",
    "Ending",
    "Fact",
    "FactKind",
    "FoundFact",
    "Namespace",
    "Scope",
    "namespace_of",
    "project_namespace",
    "run_namespace",
    "text_of",
]

FactKind = Literal["fact", "preference", "episode", "procedure", "summary"]
KINDS: tuple[FactKind, ...] = get_args(FactKind)
"""What is so, what somebody likes, what happened, how something is done, and what much came down to."""

Scope = Literal["run", "project", "user"]
"""Who sees a fact: the agents of one run, every run in one workspace, every run of this person."""

Ending = Literal["superseded", "forgotten", "expired"]

Namespace = tuple[str, ...]
"""Where a fact belongs, from the widest to the narrowest, for instance `("run", "1122-0404-3f9a1c")`."""

USER: Namespace = ("user",)
"""What holds for this person everywhere."""


class Fact(BaseModel):
    """One entry of the shared context.

    A fact is never overwritten: another one with the same namespace and key takes its place, and the old one stays in
    the history.
    """

    id: int | None = None
    """Number in this memory; None before it is written."""
    namespace: Namespace
    key: str = ""
    """Name within the namespace; made from the text where none is given, so that the same is kept once."""
    kind: FactKind = "fact"
    text: str = ""
    """What is searched; made from the value where none is given. Empty: found by its key alone."""
    value: Any = None
    """Something that programs read, in JSON's types; None where the text is all."""
    author: str
    """The agent or the person that wrote it."""
    run_id: str | None = None
    """The run in which it was written."""
    source: str = ""
    """What it comes from: a file, a tool call, what a person said."""
    ttl: float | None = Field(default=None, gt=0)
    """Minutes for which it holds after it was last written or read; None is for good."""
    expires_at: datetime | None = None
    created_at: datetime = Field(default_factory=now)
    since: datetime = Field(default_factory=now)
    """When something was first known under this key."""
    valid_to: datetime | None = None
    """Until when it held; None where it still does."""
    ended: Ending | None = None
    superseded_by: int | None = None

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        given = dict(cast("Mapping[str, Any]", data))
        if "text" not in given:
            given["text"] = text_of(given.get("value"))
        given.setdefault("created_at", now())
        given.setdefault("since", given["created_at"])
        if not given.get("key"):
            given["key"] = hashlib.blake2b(str(given.get("text")).encode("utf-8", "replace"), digest_size=8).hexdigest()
        return given


class FoundFact(BaseModel):
    """A fact that a search found."""

    fact: Fact
    score: float
    """How well it fits, comparable within one search only; what repeats a better one may stand below a lesser one."""
    by: Literal["words", "meaning", "both"]
    """Which search found it."""
    similarity: float | None = None
    """Cosine between the query and the text, -1 to 1, where meaning was searched."""


def run_namespace(run_id: str) -> Namespace:
    """Return where the facts of a run are kept."""
    return ("run", run_id.replace(".", "-"))


def project_namespace(workspace: Path) -> Namespace:
    """Return where the facts of all runs in a workspace are kept: its name, and a hash of its path."""
    path = str(workspace.expanduser().resolve())
    name = re.sub(r"[^\w-]+", "-", Path(path).name).strip("-")[:40] or "root"
    return ("project", f"{name}-{hashlib.blake2b(path.encode('utf-8', 'surrogateescape'), digest_size=5).hexdigest()}")


def namespace_of(scope: Scope, *, run_id: str, workspace: Path) -> Namespace:
    """Return the namespace that a scope means for a run."""
    match scope:
        case "run":
            return run_namespace(run_id)
        case "project":
            return project_namespace(workspace)
        case "user":
            return USER


def text_of(value: object) -> str:
    """Return a JSON value as words: its texts and numbers, with the names of the fields that hold them."""
    match value:
        case None | bool():
            return ""
        case str():
            return value
        case int() | float():
            return str(value)
        case Mapping():
            fields = cast("Mapping[str, object]", value).items()
            return "; ".join(f"{name}: {said}" for name, field in fields if (said := text_of(field)))
        case list() | tuple():
            return ", ".join(said for item in cast("Sequence[object]", value) if (said := text_of(item)))
        case _:
            return ""
