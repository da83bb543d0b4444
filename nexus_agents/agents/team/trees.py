"""A worktree for each agent that writes: opened at its turn, committed, and merged when the turn is over."""

from __future__ import annotations

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
        if self._kit.run.parent_id:
            # What agents of the parent had written and not committed was put into the workspace of the fork: as a
            # commit it is in every worktree, where the same agents go on.
            arguments = {"message": "Take over what was not committed", "paths": ["."], "author": "team"}
            await self._call("commit", arguments, f"taken-{name}-{turn}")
        opened = cast("Any", await self._call("open_worktree", {"name": name}, f"open-{name}-{turn}"))
        return Tree(name, self._kit.at(Path(opened.path)))

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


def _as_commit(message: str) -> str:
    subject = first_line(message)
    if len(subject) <= SUBJECT and subject == message.strip():
        return subject
    short = subject if len(subject) <= SUBJECT else f"{subject[: SUBJECT - 3].rsplit(' ', 1)[0]}..."
    return f"{short}\n\n{message.strip()}"
