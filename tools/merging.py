"""Worktrees of a workspace's repository, and merges that leave the workspace whole whatever happens.

A merge is worked out by git in its object store alone, without touching a file (`git merge-tree`, git 2.38), and only
a whole one is brought into the workspace. It is always a commit of its own: `git log --first-parent` then reads as one
line an agent's turn, and the commit can say which call has made it.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from nexus_agents.core.errors import BackendDown, RunFailed, ToolInputError, WorkspaceError
from tools.repository import TRAILER, Repository
from tools.text_files import write_atomically

__all__ = ["Apart", "Merge", "add_worktree", "find_worktree", "merge_branch", "merge_into_worktree", "remove_worktree"]

READY = "worktree.json"


@dataclass(frozen=True)
class Apart:
    """A worktree: where it is, its branch, and the commit at which it parted from the workspace."""

    path: Path
    branch: str
    base: str


@dataclass(frozen=True)
class Merge:
    """What a merge came to: the commit (empty where there was nothing to merge), or the files in conflict."""

    commit: str = ""
    conflicts: tuple[str, ...] = ()


class _Intent(BaseModel):
    """Written before the workspace is touched: from which commit to which."""

    before: str
    after: str


async def find_worktree(repository: Repository, branch: str) -> Path | None:
    """Return the folder in which a branch is checked out, the folder being there or not."""
    done = await repository.git("worktree", "list", "--porcelain")
    path = ""
    for line in done.stdout.splitlines():
        word, _, value = line.partition(" ")
        if word == "worktree":
            path = value
        elif word == "branch" and value == f"refs/heads/{branch}":
            return Path(path)
    return None


async def add_worktree(repository: Repository, branch: str, folder: Path) -> Apart:
    """Return a worktree on a branch, made where there is none.

    One that is there already is brought up to the workspace's HEAD where it holds nothing of its own.

    Args:
        repository: That of the workspace, prepared and locked.
        branch: Name of the branch; it is made from HEAD where there is none.
        folder: An empty folder of the caller's, outside of the workspace; the worktree is made in it.
    """
    head = await repository.head() or await repository.begin()
    path = await find_worktree(repository, branch)
    if path is None or not path.is_dir() or not (path.parent / READY).is_file():
        if path is not None:
            # Its making was cut off: nobody has worked in it. Twice, since git locks what it is making.
            await repository.git("worktree", "remove", "--force", "--force", str(path), check=False)
        path = folder / "tree"
        shutil.rmtree(path, ignore_errors=True)
        new = [] if await repository.head(f"refs/heads/{branch}") else ["-b", branch]
        await repository.git("worktree", "add", "--quiet", "--force", *new, str(path), head if new else branch)
        write_atomically(folder / READY, b"{}", call=branch, name=READY)
    apart = Repository(path, repository.agent)
    tip = await apart.head()
    if tip != head and await _is_ancestor(repository, tip, head) and not await apart.names("status", "--porcelain"):
        await apart.git("merge", "--quiet", "--ff-only", head)
    base = (await repository.git("merge-base", head, f"refs/heads/{branch}", check=False)).stdout.strip()
    return Apart(path, branch, base)


async def remove_worktree(repository: Repository, branch: str, *, discard: bool) -> bool:
    """Remove a worktree and its branch; return whether there was one.

    Args:
        repository: That of the workspace.
        branch: The branch.
        discard: Give up what is not merged.

    Raises:
        ToolInputError: Something in it is not merged.
    """
    path, tip = await find_worktree(repository, branch), await repository.head(f"refs/heads/{branch}")
    head = await repository.head()
    if not discard and tip and not await _is_ancestor(repository, tip, head):
        raise ToolInputError(f"{branch} has commits that are not merged.", "Merge it first, or set `discard`.")
    if path and path.is_dir():
        left = await Repository(path, repository.agent).names("status", "--porcelain")
        if left and not discard:
            raise ToolInputError(f"{path} has changes that are not committed.", "Commit them, or set `discard`.")
    if path:
        await repository.git("worktree", "remove", "--force", "--force", str(path))
    if tip:
        await repository.git("branch", "--quiet", "-D", branch)
    return bool(path or tip)


async def merge_branch(repository: Repository, branch: str, message: str, call: str, folder: Path) -> Merge:
    """Merge a branch into what the workspace has checked out, or change nothing at all.

    Args:
        repository: That of the workspace, prepared and locked.
        branch: The branch.
        message: What the merge says.
        call: Written into the message: the same call never merges twice.
        folder: Where the call keeps what it is about to do.

    Raises:
        WorkspaceError: Changes in the workspace that are not committed would be overwritten.
        ToolInputError: There is no such branch.
    """
    if made := await repository.find(call):
        return Merge(made)
    head, tip = await repository.head(), await repository.head(f"refs/heads/{branch}")
    if not tip:
        raise ToolInputError(f"There is no branch {branch}.", "Open the worktree first.")
    note = folder / "merge.json"
    begun = _Intent.model_validate_json(note.read_bytes()) if note.is_file() else None
    if begun and begun.before == head and await repository.head(begun.after):
        await _take_back(repository, begun)
        return Merge(await _move(repository, begun))
    if await _is_ancestor(repository, tip, head):
        return Merge()
    tree, conflicts = await _merge_tree(repository, head, tip)
    if conflicts:
        return Merge(conflicts=conflicts)
    text = f"{message}\n\n{TRAILER}: {call}"
    made = await repository.git("commit-tree", tree, "-p", head, "-p", tip, "-m", text)
    intent = _Intent(before=head, after=made.stdout.strip())
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(note, intent.model_dump_json().encode(), call=call, name=note.name)
    return Merge(await _move(repository, intent))


async def merge_into_worktree(repository: Repository, branch: str) -> None:
    """Merge the workspace's HEAD into a worktree and leave the conflicts there, marked, to be resolved.

    Raises:
        ToolInputError: The worktree is not there, or has changes that are not committed.
    """
    path = await find_worktree(repository, branch)
    if path is None or not path.is_dir():
        raise ToolInputError(f"There is no worktree of {branch}.", "Open it first.")
    apart = Repository(path, repository.agent)
    if await apart.head("MERGE_HEAD"):
        return  # the same call, cut off, or one before it
    if await apart.names("status", "--porcelain", "--untracked-files=no"):
        raise ToolInputError(f"{path} has changes that are not committed.", "Commit them there first.")
    head = await repository.head()
    options = ["-c", "merge.conflictStyle=diff3", "merge", "--quiet", "--no-ff", "--no-commit", head]
    done = await apart.git(*options, check=False)
    if not await apart.head("MERGE_HEAD"):
        raise RunFailed(f"git could not merge into {path}.", (done.stderr or done.stdout).strip()[-300:])


async def _merge_tree(repository: Repository, ours: str, theirs: str) -> tuple[str, tuple[str, ...]]:
    options = ["--write-tree", "--name-only", "--no-messages", "-z"]
    done = await repository.git("merge-tree", *options, ours, theirs, check=False)
    tree, *files = done.stdout.split("\0")
    if done.returncode not in (0, 1) or not tree:
        said = (done.stderr or done.stdout).strip()
        if "usage" in said or "unknown option" in said:
            raise BackendDown("This git is too old to merge without touching files.", "Install git 2.38 or newer.")
        raise RunFailed("git could not work out the merge.", said[-300:])
    return tree, tuple(sorted({file for file in files if file})) if done.returncode else ()


async def _move(repository: Repository, intent: _Intent) -> str:
    """Bring the workspace from its commit to a child of it; git refuses before it touches what would be lost."""
    done = await repository.git("merge", "--quiet", "--ff-only", intent.after, check=False)
    if await repository.head() != intent.after:
        lost = ", ".join(line.strip() for line in done.stderr.splitlines() if line.startswith("\t"))
        if lost:
            raise WorkspaceError(
                f"Changes in the workspace that are not committed would be overwritten: {lost}.",
                "Commit, stash or remove them, then resume.",
            )
        raise RunFailed("git could not bring the merge into the workspace.", done.stderr.strip()[-300:])
    return intent.after


async def _take_back(repository: Repository, intent: _Intent) -> None:
    """Undo what a merge that was cut off has written: files that hold what it brings, and nobody else's work."""
    for name in await repository.names("diff", "--name-only", "--no-renames", intent.before, intent.after):
        if not os.path.lexists(repository.root / name):
            if await _blob(repository, intent.before, name) and not await _blob(repository, intent.after, name):
                await repository.git("checkout", "--quiet", intent.before, "--", name)
            continue
        here = (await repository.git("hash-object", "--", name, check=False)).stdout.strip()
        if here != await _blob(repository, intent.after, name):
            continue
        if await _blob(repository, intent.before, name):
            await repository.git("checkout", "--quiet", intent.before, "--", name)
        else:
            (repository.root / name).unlink()


async def _blob(repository: Repository, commit: str, name: str) -> str:
    done = await repository.git("rev-parse", "--verify", "--quiet", f"{commit}:{name}", check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


async def _is_ancestor(repository: Repository, commit: str, of: str) -> bool:
    done = await repository.git("merge-base", "--is-ancestor", commit, of, check=False)
    return done.returncode == 0
