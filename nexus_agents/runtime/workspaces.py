"""The folder of a fork: a copy of its parent's, set back to the moment that it goes on from where that is known."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, cast

from nexus_agents.core.errors import NexusError, StorageFull, WorkspaceError

if TYPE_CHECKING:
    from nexus_agents.core.runs import ToolCall

__all__ = ["copy_workspace"]


async def copy_workspace(source: Path, target: Path, *, calls: Sequence[ToolCall], moment: datetime) -> str:
    """Copy a workspace, with what was not committed, and set the copy back to a moment where it is known how.

    It is where the workspace is a git repository: each agent turn ends with a commit, and the ledger says when. Files
    that were written since, by then, are written again; what no tool has told of stays as it is now.

    Args:
        source: The workspace of the parent.
        target: The folder to make, or one that is empty.
        calls: The ledger of the parent.
        moment: When the checkpoint was written.

    Returns:
        What was done, in a sentence or two.

    Raises:
        WorkspaceError: The parent's folder is gone, one lies in the other, or the copy cannot be written.
        StorageFull: There is no room for it.
    """
    if not source.is_dir():
        raise WorkspaceError(
            f"The workspace to fork from is gone: {source}", "Put it back, or name another folder with --workspace."
        )
    if target.resolve().is_relative_to(source.resolve()):
        raise WorkspaceError(
            f"{target} lies in the workspace to fork from.", "Name a folder outside of it with --workspace."
        )
    await asyncio.to_thread(_copy, source, target)
    later = [call for call in calls if call.finished_at is None or call.finished_at > moment]
    if not later:
        return f"The workspace is a copy of {source}."
    if not (target / ".git").exists():
        return f"The workspace is a copy of {source} as it is now: without git nobody knows how it was at that step."
    try:
        return await _set_back(source, target, calls, moment)
    except NexusError as error:
        return f"The workspace is a copy of {source} as it is now, since it could not be set back: {error.message}"


async def _set_back(source: Path, target: Path, calls: Sequence[ToolCall], moment: datetime) -> str:
    from tools.repository import Repository

    repository = Repository(target, "fork")
    # Commits in worktrees count once they are merged: until then their files are written again.
    mainline = set((await repository.git("rev-list", "--first-parent", "HEAD")).stdout.split())
    commits = [call for call in calls if call.tool in ("commit", "merge_worktree") and _made(call) in mainline]
    by_then = [call for call in commits if call.finished_at and call.finished_at <= moment]
    if not commits:
        return f"The workspace is a copy of {source} as it is now: no commit tells how it was at that step."
    # Before the first commit of the run stands what that one was made on; nothing, in a new folder.
    commit = _made(by_then[-1]) if by_then else await repository.before(_made(commits[0]))
    await repository.set_back(commit)
    again = await asyncio.to_thread(_write_again, target, calls, by_then, moment)
    says = f"The workspace is a copy of {source}, set back to " + (f"commit {commit[:10]}" if commit else "no files")
    return f"{says}; {again} files written since were written again." if again else f"{says}."


def _made(call: ToolCall) -> str:
    return str((call.result or {}).get("commit") or "")


def _write_again(target: Path, calls: Sequence[ToolCall], commits: Sequence[ToolCall], moment: datetime) -> int:
    """Write those files that tools had written and not yet committed at a moment; returns how many."""
    contents: dict[str, str] = {}
    written: dict[str, datetime] = {}
    for call in calls:
        path = str(call.arguments.get("path", ""))
        if call.status != "done" or call.finished_at is None or call.finished_at > moment:
            continue
        if call.tool == "write_file":
            contents[path] = str(call.arguments["content"])
        elif call.tool == "edit_file" and path in contents:
            contents[path] = contents[path].replace(str(call.arguments["old"]), str(call.arguments["new"]), 1)
        else:
            continue
        written[path] = call.finished_at
    again = 0
    for path, content in contents.items():
        if any(path in _files(commit) and _since(commit, written[path]) for commit in commits):
            continue
        file = (target / path).resolve()
        if file.is_relative_to(target.resolve()):
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content, encoding="utf-8", newline="")
            again += 1
    return again


def _files(commit: ToolCall) -> list[str]:
    return cast("list[str]", (commit.result or {}).get("files") or [])


def _since(commit: ToolCall, moment: datetime) -> bool:
    return commit.finished_at is not None and commit.finished_at >= moment


def _copy(source: Path, target: Path) -> None:
    # Under another name first: a folder under its own name is whole.
    half = target.with_name(f".{target.name}-{os.getpid()}")
    objects = source / ".git" / "objects"

    def copy(one: str, other: str) -> str:
        # What git has stored it never changes: those files are shared, as `git clone --local` does.
        if Path(one).is_relative_to(objects):
            try:
                os.link(one, other)
                return other
            except OSError:
                pass
        return shutil.copy2(one, other)

    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, half, symlinks=True, copy_function=copy, ignore=_no_sockets)
        if target.is_dir():
            target.rmdir()
        half.rename(target)
    except (OSError, shutil.Error) as error:
        shutil.rmtree(half, ignore_errors=True)
        if "No space left" in str(error):
            raise StorageFull(f"There is no room for a copy of {source}.", "Free some room, then try again.") from error
        raise WorkspaceError(
            f"{source} cannot be copied to {target}: {str(error)[:200]}.", "Name another folder with --workspace."
        ) from error


def _no_sockets(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if not (path := Path(folder, name)).is_symlink() and _is_special(path)]


def _is_special(path: Path) -> bool:
    return path.is_socket() or path.is_fifo()
