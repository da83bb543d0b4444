"""Tools with which a graph lets agents work side by side: a worktree each, merged when its work is done."""

from __future__ import annotations

import re

from pydantic import BaseModel, Field

from nexus_agents.core.errors import ToolInputError
from nexus_agents.core.tool import Job, tool
from tools.merging import add_worktree, find_worktree, merge_branch, merge_into_worktree, remove_worktree
from tools.paths import require_workspace
from tools.repository import TRAILER, Repository

__all__ = [
    "MergeResult",
    "RepositoryState",
    "WorktreeClosed",
    "WorktreeOpened",
    "close_worktree",
    "merge_worktree",
    "open_worktree",
    "repository_state",
]

MOST_PATHS = 200


class RepositoryState(BaseModel):
    """How the repository of a workspace stands.

    Attributes:
        repository: Whether the workspace is the root of a repository, or of a worktree of one.
        around: Root of a repository above the workspace that has files of it; commits are refused then.
        branch: What is checked out; empty where HEAD is on no branch.
        head: The commit; empty where there is none yet.
        changed: Files that differ from HEAD, removed ones too.
        untracked: Files that git does not know and is not told to ignore.
        merging: Whether a merge waits to be committed.
        truncated: Whether there are more files than are named.
    """

    repository: bool
    around: str = ""
    branch: str = ""
    head: str = ""
    changed: list[str] = Field(default_factory=list[str])
    untracked: list[str] = Field(default_factory=list[str])
    merging: bool = False
    truncated: bool = False

    @property
    def clean(self) -> bool:
        """Whether nothing would be lost if the files were set to HEAD."""
        return not self.changed and not self.untracked and not self.merging

    @property
    def summary(self) -> str:
        """What people are told."""
        if not self.repository:
            return f"a folder of the repository {self.around}" if self.around else "no git repository"
        what = f"{self.branch or 'no branch'} at {self.head[:10] or 'no commit'}"
        if self.clean:
            return f"{what}, clean"
        return f"{what}, {len(self.changed)} changed, {len(self.untracked)} untracked"

    def for_model(self) -> str:
        """What the model is told."""
        rows = [f"changed {path}" for path in self.changed] + [f"untracked {path}" for path in self.untracked]
        return "\n".join([self.summary, *rows, *(["[more files left out]"] if self.truncated else [])])


class WorktreeOpened(BaseModel):
    """A worktree to work in.

    Attributes:
        name: What it was opened as.
        path: Its folder, outside of the workspace.
        branch: The branch that its commits are made on.
        base: The commit at which it parted from the workspace.
    """

    name: str
    path: str
    branch: str
    base: str

    @property
    def summary(self) -> str:
        """What people are told."""
        return f"{self.branch} from {self.base[:10]} in {self.path}"


class MergeResult(BaseModel):
    """What merging a worktree came to.

    Attributes:
        commit: The merge; empty where there was nothing to merge, or a conflict.
        conflicts: Files in which both sides changed the same lines; the workspace is as it was then.
        worktree: Where the conflicts are marked to be resolved; empty where they are not.
        files: Files that the merge brought.
        summary: In words.
    """

    commit: str = ""
    conflicts: list[str] = Field(default_factory=list[str])
    worktree: str = ""
    files: list[str] = Field(default_factory=list[str])
    summary: str


class WorktreeClosed(BaseModel):
    """Whether there was a worktree to close."""

    name: str
    closed: bool

    @property
    def summary(self) -> str:
        """What people are told."""
        return f"{self.name} {'is closed' if self.closed else 'was closed already'}"


@tool(risk="read")
async def repository_state(job: Job) -> RepositoryState:
    """Say how the git repository of the workspace stands: branch, commit, changed and untracked files.

    Args:
        job: The call.
    """
    repository = Repository(require_workspace(job.workspace), job.agent)
    if not await repository.exists():
        return RepositoryState(repository=False, around=await repository.around())
    branch = await repository.git("symbolic-ref", "--quiet", "--short", "HEAD", check=False)
    rows = await repository.names("--no-optional-locks", "status", "--porcelain", "--no-renames", "-uall")
    untracked = [row[3:] for row in rows if row.startswith("??")]
    changed = [row[3:] for row in rows if not row.startswith("??")]
    return RepositoryState(
        repository=True,
        branch=branch.stdout.strip(),
        head=await repository.head(),
        changed=changed[:MOST_PATHS],
        untracked=untracked[:MOST_PATHS],
        merging=bool(await repository.head("MERGE_HEAD")),
        truncated=max(len(changed), len(untracked)) > MOST_PATHS,
    )


@tool(risk="write", timeout=300.0)
async def open_worktree(job: Job, name: str) -> WorktreeOpened:
    """Open a git worktree of the workspace's HEAD, in which an agent can work beside others.

    What the workspace holds and has not committed is not in it. Opened again under the same name in the same run it is
    the same worktree, brought up to HEAD where it has no work of its own. Without any commit an empty one is made.

    Args:
        job: The call.
        name: Letters, digits and hyphens, such as the agent's name.
    """
    branch, repository = _branch(job, name), Repository(require_workspace(job.workspace), job.agent)
    async with repository.locked():
        await repository.prepare()
        job.folder.mkdir(parents=True, exist_ok=True)
        made = await add_worktree(repository, branch, job.folder.resolve())
    return WorktreeOpened(name=name, path=str(made.path), branch=made.branch, base=made.base)


@tool(risk="write", timeout=300.0)
async def merge_worktree(
    job: Job, name: str, message: str, author: str = "", into_worktree: bool = False
) -> MergeResult:
    """Merge the commits of a worktree into the workspace's branch as one merge commit, or change nothing.

    Where both sides changed the same lines, the workspace stays as it is and the files are named. The same call never
    merges twice.

    Args:
        job: The call.
        name: What the worktree was opened as.
        message: What the merge brings.
        author: The agent whose work it is; the one that calls where it is empty.
        into_worktree: On a conflict, merge the workspace's HEAD into the worktree and leave the conflicts marked there,
            so that its agent can resolve them and commit.
    """
    text = "\n".join(line for line in message.strip().split("\n") if not line.startswith(f"{TRAILER}:")).strip()
    if not text or "\0" in text:
        raise ToolInputError("A merge needs a message.", "Say what it brings.")
    branch = _branch(job, name)
    repository = Repository(require_workspace(job.workspace), author or job.agent)
    async with repository.locked():
        await repository.prepare()
        made = await merge_branch(repository, branch, text, f"{job.run_id}/{job.call_id}", job.folder)
        if made.conflicts:
            return await _in_conflict(repository, branch, list(made.conflicts), into_worktree)
        if not made.commit:
            return MergeResult(summary=f"{name} has nothing to merge.")
        files = await repository.names("diff", "--name-only", f"{made.commit}^1", made.commit)
    return MergeResult(
        commit=made.commit, files=files, summary=f"{made.commit[:10]}: {name} merged, {len(files)} files"
    )


@tool(risk="write")
async def close_worktree(job: Job, name: str, discard: bool = False) -> WorktreeClosed:
    """Remove a worktree and its branch; refused where something in it is not merged.

    Args:
        job: The call.
        name: What it was opened as.
        discard: Remove it even so; what is not merged is lost.
    """
    repository = Repository(require_workspace(job.workspace), job.agent)
    branch = _branch(job, name)
    if not await repository.exists():
        return WorktreeClosed(name=name, closed=False)
    async with repository.locked():
        await repository.prepare()
        closed = await remove_worktree(repository, branch, discard=discard)
    return WorktreeClosed(name=name, closed=closed)


async def _in_conflict(repository: Repository, branch: str, files: list[str], into_worktree: bool) -> MergeResult:
    many = "file" if len(files) == 1 else "files"
    said = f"{branch} conflicts with the workspace in {len(files)} {many}: {', '.join(files[:10])}"
    if not into_worktree:
        return MergeResult(conflicts=files, summary=f"{said}. Nothing was changed.")
    await merge_into_worktree(repository, branch)
    path = str(await find_worktree(repository, branch) or "")
    return MergeResult(conflicts=files, worktree=path, summary=f"{said}. They are marked in {path}.")


def _branch(job: Job, name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9-]{0,39}", name):
        raise ToolInputError(f"{name!r} is no name for a worktree.", "Use up to 40 letters, digits and hyphens.")
    return f"nexus/{job.run_id}/{name}"
