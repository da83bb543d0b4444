"""Skills: folders with a SKILL.md, of which agents see name and description and read the rest when they need it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["Skill"]


@dataclass(frozen=True)
class Skill:
    """A skill as its SKILL.md declares it."""

    name: str
    description: str
    folder: Path
    body: str
