"""Answers of any model, kept in a folder and given again: `record:FOLDER:provider:model` and `replay:FOLDER`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from nexus_agents.core.errors import ConfigError

__all__ = ["PASSED_BY", "Tape", "split_tape", "tape_of_environment"]

PASSED_BY = frozenset({"builtin", "scripted"})
"""Providers whose answers follow from the request: they are neither recorded nor replayed."""


@dataclass(frozen=True)
class Tape:
    """A recording that is made or played.

    Attributes:
        folder: Where it lies.
        replay: Whether it is played; nobody else is asked then.
    """

    folder: Path
    replay: bool

    def takes(self, name: str) -> bool:
        """Return whether calls of a `provider:model` go by this recording."""
        return name.partition(":")[0] not in PASSED_BY


def split_tape(name: str | None, base: Path | None = None) -> tuple[Tape | None, str | None]:
    """Take a recording out of the name of a model.

    Args:
        name: `record:FOLDER:provider:model` or `replay:FOLDER`; any other name is returned as it is.
        base: The folder that relative paths start from; the current one by default.

    Returns:
        The recording, and the name of the model inside.

    Raises:
        ConfigError: There is no folder, or no model to record.
    """
    kind, _, rest = (name or "").partition(":")
    if kind not in ("record", "replay"):
        return None, name
    folder, _, inner = (rest, "", "") if kind == "replay" else rest.partition(":")
    if not folder or (kind == "record" and not inner):
        raise ConfigError(
            f"{name!r} says not what it {kind}s.",
            "Write record:FOLDER:provider:model, for instance record:answers:openai:gpt-5-mini."
            if kind == "record"
            else "Write replay:FOLDER.",
        )
    return Tape(_placed(folder, base), kind == "replay"), inner or None


def tape_of_environment() -> Tape | None:
    """Return the recording that $NEXUS_REPLAY or $NEXUS_RECORD names, where one does."""
    if folder := os.environ.get("NEXUS_REPLAY"):
        return Tape(_placed(folder, None), True)
    if folder := os.environ.get("NEXUS_RECORD"):
        return Tape(_placed(folder, None), False)
    return None


def _placed(folder: str, base: Path | None) -> Path:
    return ((base or Path.cwd()) / Path(folder).expanduser()).absolute()
