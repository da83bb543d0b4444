"""What is said where a replay is asked what was not recorded: the nearest request, as a difference."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nexus_agents.core.errors import NexusError
from nexus_agents.models.recorded.folder import Recording
from nexus_agents.models.recorded.normal import key_of

__all__ = ["NotRecorded", "not_recorded"]

LINES = 80
"""Lines of a difference that are shown: what is longer is another request altogether."""


class NotRecorded(NexusError):
    """A replay was asked what was not recorded.

    Args:
        message: Who was asked.
        hint: What to do.
        diff: The difference to the nearest recorded request; empty where nothing is recorded for the role.
    """

    def __init__(self, message: str, hint: str, diff: str) -> None:
        super().__init__(message, hint)
        self.diff = diff

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}\n{self.diff}".rstrip()


def not_recorded(recording: Recording, request: Mapping[str, Any]) -> NotRecorded:
    """Return the error for a request; the difference is also written into `unmatched/` in the folder."""
    role = request["role"]
    known = [(path, other) for path, other in recording.requests() if other["role"] == role]
    message = f"{recording.folder} has no answer to what the role {role!r} asks."
    if not known:
        return NotRecorded(message, "Nothing is recorded for this role: record it again.", "")
    path, nearest = max(known, key=lambda one: _likeness(one[1], request))
    lines = difflib.unified_diff(
        _lines(nearest), _lines(request), f"recorded ({path.name})", "asked now", "", "", 2, ""
    )
    whole = list(lines)
    diff = "\n".join(whole[:LINES])
    first = next((line[1:].strip() for line in whole[2:] if line.startswith("+")), "")
    written = _write(
        recording.folder / "unmatched" / f"{path.stem[: -len(key_of(nearest))]}{key_of(request)}.diff", "\n".join(whole)
    )
    hint = f"The nearest is {path.name}; asked now: {first[:120]}" + (f" (all of it: {written})" if written else "")
    return NotRecorded(message, hint, diff)


def _likeness(recorded: Mapping[str, Any], asked: Mapping[str, Any]) -> tuple[int, int, float]:
    # Conversations are alike as long as they go the same way, then where they are as long, then by what comes after.
    mine, yours = recorded["messages"], asked["messages"]
    same = next(
        (place for place, (one, other) in enumerate(zip(mine, yours, strict=False)) if one != other),
        min(len(mine), len(yours)),
    )
    rest = difflib.SequenceMatcher(None, json.dumps(mine[same:])[:4000], json.dumps(yours[same:])[:4000])
    return same, -abs(len(mine) - len(yours)), rest.quick_ratio()


def _lines(request: Mapping[str, Any]) -> list[str]:
    # Texts are laid out over lines, or a difference would show two walls of text.
    text = json.dumps(request, ensure_ascii=False, indent=1, sort_keys=True)
    return text.replace("\\n", "\n    ").splitlines()


def _write(path: Path, diff: str) -> Path | None:
    try:
        path.parent.mkdir(exist_ok=True)
        path.write_text(diff + "\n", encoding="utf-8")
    except OSError:
        # A recording on a read-only disk is replayed all the same.
        return None
    return path
