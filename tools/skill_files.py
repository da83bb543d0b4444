"""Finds skills and reads what their SKILL.md declares."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from nexus_agents.core.skills import Skill

__all__ = ["find_skills", "read_skill_file"]

FILE = "SKILL.md"
LONGEST = 1024
"""Characters of a description; the format's own limit (agentskills.io)."""


def find_skills(folders: Sequence[Path]) -> list[Skill]:
    """Return the skills that lie in some folders, by name; of two with one name, that of the earlier folder."""
    found: dict[str, Skill] = {}
    for folder in folders:
        for file in sorted(folder.glob(f"*/{FILE}")):
            if (skill := read_skill_file(file)) and skill.name not in found:
                found[skill.name] = skill
    return sorted(found.values(), key=lambda skill: skill.name)


def read_skill_file(file: Path) -> Skill | None:
    """Return what a SKILL.md declares, or None where it has no front matter with a name and a description."""
    import yaml

    try:
        text = file.read_text(encoding="utf-8")
        _, head, body = text.split("---", 2)
        declared: Any = yaml.safe_load(head)
    except (OSError, ValueError, yaml.YAMLError):
        return None
    if not isinstance(declared, dict):
        return None
    fields = cast("dict[str, Any]", declared)
    name, description = str(fields.get("name") or ""), str(fields.get("description") or "")
    if not name or not description:
        return None
    return Skill(name, description[:LONGEST], file.parent, body.strip())
