"""A worktree for each agent that writes: opened at its turn, committed, and merged when the turn is over."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from nexus_agents.agents.base import first_line

if TYPE_CHECKING:
    from nexus_agents.core.ports import Kit

__all__ = ["Tree", "Trees"]

SUBJECT = 72
"""Characters of a commit's first line, as git's own guide has it."""


@dataclass(frozen=True)
class Tree:
    """The folder in which one agent works in one round."""

    name: str
    kit: Kit
    """The kit whose tools work there."""


class Trees:
    """The worktrees of one team.

    Args:
        kit: What wiring put together for this run.
        place: Prefix for call ids: where in the run the team works.
    """

    def __init__(self, kit: Kit, place: str) -> None:
        self._kit = kit
        # A fork works in folders of its own, although it takes over what its parent has done.
        self._mark = f"{place}{kit.run.id[-6:]}-"

    async def open(self, name: str, turn: int) -> Tree:
        """Return the worktree of an agent, the same one after a crash.

        Args:
            name: The agent.
            turn: The round, from 0.

        Raises:
            NexusError: The workspace is no repository that can have one.
        """
        opened = cast("Any", await self._call("open_worktree", {"name": name}, f"open-{name}-{turn}"))
        folder = Path(opened.path)
        if self._kit.run.parent_id:
            await self._take_over(folder)
        return Tree(name, self._kit.at(folder))

    async def commit(self, tree: Tree, turn: int, message: str, step: str = "") -> str:
        """Commit all that an agent has left in its worktree; returns the commit, empty where nothing changed."""
        arguments = {"message": _as_commit(message), "paths": ["."], "author": tree.name}
        call_id = f"{self._mark}commit-{tree.name}-{turn}{step}"
        made = cast("Any", await tree.kit.tools.call("commit", arguments, call_id=call_id, agent=tree.name))
        return str(made.commit)

    async def merge(self, name: str, turn: int, message: str, step: str = "") -> Sequence[str]:
        """Merge a worktree into the workspace; returns the files in conflict, which are marked in the worktree then."""
        arguments = {"name": name, "message": _as_commit(message), "author": name, "into_worktree": True}
        made = cast("Any", await self._call("merge_worktree", arguments, f"merge-{name}-{turn}{step}"))
        return cast("Sequence[str]", made.conflicts)

    async def close(self, name: str) -> None:
        """Remove a worktree; what was not merged goes with it."""
        await self._call("close_worktree", {"name": name, "discard": True}, f"close-{name}")

    async def _call(self, tool: str, arguments: dict[str, Any], step: str) -> object:
        return await self._kit.tools.call(tool, arguments, call_id=f"{self._mark}{step}", agent="team")

    async def _take_over(self, folder: Path) -> None:
        # What an agent of the parent had written and not committed was put into the workspace of the fork: it belongs
        # into the worktree, in which the same agent goes on.
        state = cast("Any", await self._call("repository_state", {}, f"state-{folder.name}"))
        names = [*state.changed, *state.untracked]
        await asyncio.to_thread(_copy_missing, self._kit.workspace, folder, names)


def _copy_missing(source: Path, target: Path, names: Sequence[str]) -> None:
    for name in names:
        file, other = source / name, target / name
        if file.is_file() and not file.is_symlink():
            other.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, other)


def _as_commit(message: str) -> str:
    subject = first_line(message)
    if len(subject) <= SUBJECT and subject == message.strip():
        return subject
    short = subject if len(subject) <= SUBJECT else f"{subject[: SUBJECT - 3].rsplit(' ', 1)[0]}..."
    return f"{short}\n\n{message.strip()}"
