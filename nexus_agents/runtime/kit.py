"""All that a graph needs for one run, put together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nexus_agents.core.budget import Meter
    from nexus_agents.core.config import Config
    from nexus_agents.core.events import UserSaid
    from nexus_agents.core.ports import FactStore, GraphRunner, ModelSource, Recorder, Toolbox
    from nexus_agents.core.runs import Run
    from nexus_agents.core.skills import Skill
    from nexus_agents.runtime.hearing import Hearing
    from tools.background import RunProcesses

__all__ = ["RunKit"]


@dataclass(frozen=True)
class RunKit:
    """Implements `Kit` of core."""

    config: Config
    run: Run
    workspace: Path
    models: ModelSource
    tools: Toolbox
    graphs: GraphRunner
    recorder: Recorder
    facts: FactStore
    processes: RunProcesses
    meter: Meter
    skill_folders: Sequence[Path]
    hearing: Hearing
    tools_in: Callable[[Path], Toolbox]
    """Makes the tools that work in a folder."""

    def skills(self) -> Sequence[Skill]:
        """Return the skills that there are for this run, by name."""
        from tools.skill_files import find_skills

        return find_skills(self.skill_folders)

    async def said(self) -> Sequence[UserSaid]:
        """Return what people have said to this run since it began, oldest first."""
        return await self.hearing.said()

    def at(self, workspace: Path) -> RunKit:
        """Return the same kit with tools that work in another folder."""
        return replace(self, workspace=workspace, tools=self.tools_in(workspace))
