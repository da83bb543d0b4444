"""Names of things: ids that sort by time, and the nearest right name for a wrong one."""

from __future__ import annotations

import difflib
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime

__all__ = ["nearest", "new_id"]


def new_id() -> str:
    """Return a new id, for instance `1122-0404-3f9a1c`: readable, sorted by its minute, and unique."""
    return f"{datetime.now(UTC):%m%d-%H%M}-{secrets.token_hex(3)}"


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate most like a mistyped name, or None where none is close."""
    return next(iter(difflib.get_close_matches(name, list(candidates), n=1, cutoff=0.6)), None)
