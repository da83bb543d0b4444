"""What an agent should know before it begins: the rules of the repository, its skills, and what was learned before."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from langchain_core.messages import SystemMessage

from nexus_agents.agents.middleware.base import Ask, Piece, Request, Response

if TYPE_CHECKING:
    from nexus_agents.core.ports import Kit
    from nexus_agents.core.skills import Skill

__all__ = ["Background", "repository_rules"]

RULES = "AGENTS.md"
"""Where a repository tells agents how to work in it: https://agents.md."""

MOST_RULES = 16_000
"""Characters of it that are read."""


class Background(Piece):
    """Adds to the system prompt; read once for each turn of an agent, so that the prompt stays the same in it."""

    _added: str | None = None

    async def awrap_model_call(self, request: Request, handler: Ask) -> Response:
        """Call the model with all that it should know."""
        if self._added is None:
            self._added = await asyncio.to_thread(_gather, self.kit)
        if not self._added:
            return await handler(request)
        prompt = f"{request.system_message.text if request.system_message else ''}\n\n{self._added}".strip()
        return await handler(request.override(system_message=SystemMessage(prompt)))


def repository_rules(workspace: Path) -> str:
    """Return what AGENTS.md of a workspace says; empty where there is none."""
    file = workspace / RULES
    try:
        if not file.resolve().is_relative_to(workspace.resolve()):
            return ""
        return file.read_text(encoding="utf-8", errors="replace")[:MOST_RULES].strip()
    except OSError:
        return ""


def _gather(kit: Kit) -> str:
    rules = repository_rules(kit.workspace)
    parts = [f"# Rules of this repository ({RULES})\n\n{rules}"] if rules else []
    if skills := kit.skills():
        parts.append(_skill_list(skills))
    return "\n\n".join(parts)


def _skill_list(skills: Sequence[Skill]) -> str:
    lines = [f"- {skill.name}: {' '.join(skill.description.split())}" for skill in skills]
    return "# Skills\n\nRead one with `read_skill` before you do what it is about.\n\n" + "\n".join(lines)
