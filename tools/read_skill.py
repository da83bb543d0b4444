"""The tool that reads a skill."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel

from nexus_agents.core.errors import ToolInputError
from nexus_agents.core.names import nearest
from nexus_agents.core.tool import Job, tool
from tools.skill_files import find_skills

__all__ = ["SkillText", "read_skill"]

MOST = 40_000
"""Characters that are read at once."""


class SkillText(BaseModel):
    """A skill, or a file that belongs to it.

    Attributes:
        name: The skill.
        file: The file that was read.
        text: What it says.
        files: The other files of the skill.
    """

    name: str
    file: str
    text: str
    files: list[str]

    @property
    def summary(self) -> str:
        """What people are told."""
        return f"read {self.file} of the skill {self.name}"

    def for_model(self) -> str:
        """Return what the model reads."""
        more = f"\n\nFurther files: {', '.join(self.files)}" if self.files else ""
        return f"{self.text}{more}"


@tool(risk="read")
async def read_skill(job: Job, name: str, file: str = "SKILL.md") -> SkillText:
    """Read how something is done here: the text of a skill, or another file of its folder.

    Args:
        job: The call.
        name: Name of the skill, from the list of skills.
        file: Path of a file within the skill's folder.
    """
    return await asyncio.to_thread(_read, job.skill_folders, name, file)


def _read(folders: Sequence[Path], name: str, file: str) -> SkillText:
    skills = {skill.name: skill for skill in find_skills(folders)}
    if name not in skills:
        close = nearest(name, skills)
        listed = ", ".join(skills) or "none"
        raise ToolInputError(
            f"There is no skill named {name!r}.", f"Did you mean {close!r}?" if close else f"There are: {listed}."
        )
    skill = skills[name]
    root = skill.folder.resolve()
    path = (root / file).resolve()
    if not path.is_relative_to(root) or not path.is_file():
        raise ToolInputError(f"The skill {name} has no file {file}.", "Read SKILL.md, which names its files.")
    text = skill.body if path.name == "SKILL.md" else path.read_text(encoding="utf-8", errors="replace")
    others = sorted(one.relative_to(root).as_posix() for one in root.rglob("*") if one.is_file() and one != path)
    return SkillText(name=name, file=file, text=text[:MOST], files=others[:100])
